package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"rowlock/booking"
)

// memory measures what a booking costs while it waits.
func memory(ctx context.Context, b *bench) error {
	const waiting = 10_000
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()

	kinds := []struct {
		name    string
		context func() (context.Context, context.CancelFunc)
		bytes   spread
	}{
		{name: "as a browser's, whose visitor may leave", context: func() (context.Context, context.CancelFunc) {
			return context.WithCancel(context.Background())
		}},
		{name: "as a simulation's, which waits for every answer", context: func() (context.Context, context.CancelFunc) {
			return context.Background(), func() {}
		}},
	}
	for round := range b.rounds + 1 {
		for i := range kinds {
			k := &kinds[i]
			bytes, err := s.weigh(ctx, waiting, k.context)
			if err != nil {
				return err
			}
			if round > 0 {
				k.bytes = append(k.bytes, bytes)
			}
		}
	}
	b.printf("10,000 people wait at the desk for an event whose row another transaction has locked. A booking's memory is Go's\nheap and stacks then, less what they were before, for each: the stack of the goroutine that waits, the ticket and\nits place in the queue. What a browser's request needs beside is not in it, nor some 400 bytes that Go keeps of\nevery goroutine for the next one.\n\n| a booking that waits | bytes |\n|---|---|\n")
	for _, k := range kinds {
		b.printf("| %s | %s |\n", k.name, k.bytes.text(0))
	}
	return nil
}

// weigh returns the bytes that each of n bookings takes while it waits.
func (s *stage) weigh(ctx context.Context, n int, patience func() (context.Context, context.CancelFunc)) (float64, error) {
	people, err := s.people(ctx, n)
	if err != nil {
		return 0, err
	}
	event, err := s.event(ctx, n)
	if err != nil {
		return 0, err
	}
	locked, err := s.pool.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer locked.Rollback(ctx) //nolint:errcheck // it has changed nothing
	if _, err := locked.Exec(ctx, `select from events where id = $1 for update`, event); err != nil {
		return 0, err
	}

	desk := booking.NewDesk(s.pool, slog.Default())
	before := inUse()
	var wg sync.WaitGroup
	var failed atomic.Int64
	for _, person := range people {
		wg.Go(func() {
			ctx, cancel := patience()
			defer cancel()
			if _, err := desk.Book(ctx, booking.Request{EventID: event, UserID: person}); err != nil {
				failed.Add(1)
			}
		})
	}
	for desk.Waiting(event) < n-firstGroup {
		if err := sleep(ctx, time.Millisecond); err != nil {
			return 0, err
		}
	}
	if err := sleep(ctx, 200*time.Millisecond); err != nil {
		return 0, err
	}
	weight := float64(inUse()-before) / float64(n)
	if err := locked.Rollback(ctx); err != nil {
		return 0, err
	}
	wg.Wait()
	if failed.Load() > 0 {
		return 0, errors.New("not everybody was answered")
	}
	return weight, s.sound(ctx, event)
}

// firstGroup is how many the desk may have taken out of the queue before it
// waits for the lock.
const firstGroup = 1024

// inUse is what the heap and the stacks hold, without garbage.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
