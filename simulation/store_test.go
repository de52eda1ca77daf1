package simulation_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"rowlock/simulation"
)

func TestList(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	event, other := s.event(10), s.event(10)
	first := s.run(simulation.Params{EventID: event, Users: 1})
	s.run(simulation.Params{EventID: other, Users: 2})
	last := s.run(simulation.Params{EventID: event, Users: 3})

	all, err := simulation.List(t.Context(), s.pool, uuid.Nil, 1)
	if err != nil || all.Total != 3 || all.Simulations[0].ID != last.ID || all.Simulations[2].ID != first.ID {
		t.Fatalf("all: got %d, %v", all.Total, err)
	}
	one, err := simulation.List(t.Context(), s.pool, event, 5)
	if err != nil || one.Total != 2 || one.Page != 1 || one.Pages != 1 || len(one.Simulations) != 2 {
		t.Errorf("one event's: got %+v, %v", one, err)
	}
	if s := all.Simulations[0]; s.StartedByName != "Person" || s.EventTitle != "Regatta" || s.Users != 3 || s.Strategy != "grouped" || s.Target != simulation.Rehearsal {
		t.Errorf("the newest reads %+v", s)
	}
	if _, err := simulation.ByID(t.Context(), s.pool, uuid.New()); !errors.Is(err, simulation.ErrNotFound) {
		t.Errorf("no such simulation: got %v", err)
	}
}
