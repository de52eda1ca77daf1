package simulation_test

import (
	"context"
	"sync/atomic"
	"testing"

	"rowlock/booking"
	"rowlock/simulation"
)

// While people book, every instance can show what became of those who have an
// answer, and by when they had it.
func TestProgress(t *testing.T) {
	t.Parallel()
	begin, hold := make(chan struct{}), make(chan struct{})
	var asked atomic.Int32
	s := newStage(t, nil)
	s.bookers["optimistic"] = bookerFunc(func(ctx context.Context, r booking.Request) (booking.Answer, error) {
		<-begin
		switch n := asked.Add(1); {
		case n <= 2:
			return booking.Answer{}, booking.ErrBusy
		case n > 9:
			<-hold
		}
		return s.desk.Book(ctx, r)
	})
	id, err := s.start(simulation.Params{EventID: s.event(4), Users: 20, Strategy: "optimistic"})
	if err != nil {
		t.Fatal(err)
	}
	if seats := s.read(id).Tally.SeatsRemaining; seats != 4 {
		t.Errorf("before anybody books %d seats remain", seats)
	}
	close(begin)
	var run simulation.Simulation
	s.comesTrue("seven have an answer while it runs, and two were refused", func() bool {
		run = s.read(id)
		return run.State == simulation.Running && run.Phase == simulation.Booking && run.Answered == 7 && run.Tally.Failed == 2
	})
	if want := (simulation.Tally{Registered: 4, Waitlisted: 3, Failed: 2}); run.Tally != want {
		t.Errorf("meanwhile it reads %+v, want %+v", run.Tally, want)
	}
	moments := run.Results.SoFar
	if last := moments[len(moments)-1]; last.At <= 0 || last.Registered != 4 || last.Waitlisted != 3 {
		t.Errorf("its last moment is %+v", last)
	}
	close(hold)
	run = s.wait(id)
	if want := (simulation.Tally{Registered: 4, Waitlisted: 14, Failed: 2}); run.Answered != 18 || run.State != simulation.Done || run.Tally != want {
		t.Errorf("it ended %s with %d answers, %+v", run.State, run.Answered, run.Tally)
	}
	if len(run.Results.SoFar) != 0 {
		t.Error("the moments outlive the run, which has its pace")
	}
}

// A rehearsal in which more are promised a seat than there are is shown as
// overbooked at once. Seats of the event itself may come free meanwhile.
func TestProgressTellsOfOverbooking(t *testing.T) {
	t.Parallel()
	for target, want := range map[simulation.Target]int{simulation.Rehearsal: 2, simulation.EventItself: 0} {
		t.Run(string(target), func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			defer close(hold)
			var asked atomic.Int32
			s := newStage(t, map[string]booking.Booker{"grouped": bookerFunc(func(context.Context, booking.Request) (booking.Answer, error) {
				if asked.Add(1) > 5 {
					<-hold
				}
				return booking.Answer{Standing: booking.Confirmed, Position: 1}, nil
			})})
			id, err := s.start(simulation.Params{EventID: s.event(3), Users: 8, Target: target})
			if err != nil {
				t.Fatal(err)
			}
			s.comesTrue("five have an answer", func() bool { return s.read(id).Answered == 5 })
			if got := s.read(id).Tally; got.Overbooked != want || got.Registered != 5 {
				t.Errorf("it reads %+v, want %d overbooked", got, want)
			}
		})
	}
}
