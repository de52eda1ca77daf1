package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

const (
	// inFlight is how many bookings an instance must take at once.
	inFlight = 10_000
	// overload is more than it lets in: filling clicks take every place that
	// there is, and those who come later are too many.
	filling  = 12_500
	overload = 15_000
)

// measureCrowd keeps ten thousand bookings under way, each of another person
// over another connection.
func (f *front) measureCrowd(ctx context.Context, b *bench) error {
	p, err := f.start(ctx)
	if err != nil {
		return err
	}
	before, err := p.resident("VmRSS")
	if err != nil {
		return err
	}
	l, err := f.book(ctx, inFlight, 20*time.Second, p)
	if err != nil {
		return err
	}
	peak, err := p.resident("VmHWM")
	if err != nil {
		return err
	}
	b.printf("\n%s people keep as many bookings under way over as many connections for twenty seconds (wrk):\n\n| | |\n|---|---|\n", thousands(inFlight))
	b.printf("| bookings answered | %s |\n| failed | 0 |\n| bookings/s | %.0f |\n| p99, slowest | %.0f ms, %.0f ms |\n| resident before, at most | %d MiB, %d MiB |\n| for each booking under way | %.0f KiB |\n",
		thousands(int(l.requests)), l.perSecond, l.p99, l.slowest, before, peak, float64(peak-before)*1024/inFlight)
	return nil
}

// measureOverload sends more bookings at once than an instance lets in, while
// somebody holds the event's row, so that none of them can end. Then the row
// is let go, and those who were refused try again.
func (f *front) measureOverload(ctx context.Context, b *bench) error {
	if err := f.clear(ctx); err != nil {
		return err
	}
	event, err := f.event(ctx, overload/2)
	if err != nil {
		return err
	}
	p, err := f.start(ctx)
	if err != nil {
		return err
	}
	release, err := f.hold(ctx, event)
	if err != nil {
		return err
	}
	c := f.newClickers(p, event)
	wait := c.click(ctx, between(0, filling), filling)
	err = c.untilQuiet(ctx, filling)
	later := c.click(ctx, between(filling, overload), 20)()
	peak, memoryErr := p.resident("VmHWM")
	if err = errors.Join(err, memoryErr, release()); err != nil {
		return err
	}
	booked, refused, err := sortOut(append(wait(), later...))
	if err != nil {
		return err
	}
	again := make([]int, len(refused))
	for i, k := range refused {
		again[i] = k.person
	}
	late, refusedTwice, err := sortOut(c.click(ctx, again, 500)())
	if err != nil {
		return err
	}
	told := make(spread, len(later))
	for i, k := range later {
		told[i] = milliseconds(k.took)
		if k.status == http.StatusOK {
			return fmt.Errorf("%d bookings under way are not beyond the bound", filling)
		}
	}
	if len(refusedTwice) > 0 {
		return fmt.Errorf("%d people were refused twice", len(refusedTwice))
	}
	b.printf("\n%s people click at the same moment on an event whose row somebody holds, so that nobody can be answered;\nthen %s more, 20 at a time (our own client, for wrk does not try again). Those who were refused click once more\nwhen the row is free.\n\n| | |\n|---|---|\n", thousands(filling), thousands(overload-filling))
	b.printf("| let in, and booked when the row was free | %s |\n| refused with 503 and Retry-After | %s |\n| who came later was told so after | %s ms |\n| booked when they tried again | %s |\n| failed otherwise | 0 |\n| resident at most | %d MiB |\n",
		thousands(len(booked)), thousands(len(late)), told.text(0), thousands(len(late)), peak)
	if err := f.everybodyBooked(ctx, event, overload); err != nil {
		return err
	}
	b.printf("\nEverybody has exactly one seat or place in line, and every rule holds.\n")
	b.target("10,000 bookings under way without a failure, and beyond the bound a 503 with nothing lost", true)
	return nil
}

// hold takes the event's row lock, as a long edit would, and keeps it until it
// is released.
func (f *front) hold(ctx context.Context, event uuid.UUID) (release func() error, err error) {
	tx, err := f.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	release = func() error { return tx.Rollback(ctx) }
	// Our connections end transactions that do nothing for long.
	if _, err := tx.Exec(ctx, `set local idle_in_transaction_session_timeout = 0`); err != nil {
		return nil, errors.Join(err, release())
	}
	if _, err := tx.Exec(ctx, `select from events where id = $1 for update`, event); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}

// everybodyBooked fails unless n people have a seat or a place in line, each
// one of them, and every rule holds.
func (f *front) everybodyBooked(ctx context.Context, event uuid.UUID, n int) error {
	var people, rows int
	err := f.pool.QueryRow(ctx, `
		select count(distinct user_id), count(*) from (
		    select user_id from registrations where event_id = $1 and status = 'confirmed'
		    union all select user_id from waitlist_entries where event_id = $1) as held`, event).Scan(&people, &rows)
	if err != nil {
		return err
	}
	if people != n || rows != n {
		return fmt.Errorf("%d people hold %d seats and places, want %d", people, rows, n)
	}
	return f.sound(ctx, event)
}

// between lists the numbers from first up to, but not including, end.
func between(first, end int) []int {
	list := make([]int, end-first)
	for i := range list {
		list[i] = first + i
	}
	return list
}

// clickers are people who book one event, each over a connection of their own.
type clickers struct {
	address  string
	requests []string
	// dialing bounds how many connect at once, as systems do.
	dialing        chan struct{}
	sent, answered atomic.Int64
}

func (f *front) newClickers(p *program, event uuid.UUID) *clickers {
	c := &clickers{address: strings.TrimPrefix(p.url, "http://"), dialing: make(chan struct{}, 500)}
	for _, cookie := range f.cookies[:overload] {
		c.requests = append(c.requests, "POST /events/"+event.String()+"/book HTTP/1.1\r\nHost: rowlock\r\nAccept: application/json\r\nConnection: close\r\nContent-Length: 0\r\nCookie: "+cookie+"\r\n\r\n")
	}
	return c
}

// A click is what became of one request.
type click struct {
	person int
	status int
	took   time.Duration
	err    error
}

// click has each of the people send their request, so many of them at once;
// wait returns what became of them.
func (c *clickers) click(ctx context.Context, people []int, atOnce int) (wait func() []click) {
	clicks := make([]click, len(people))
	var next atomic.Int64
	var crowd sync.WaitGroup
	for range atOnce {
		crowd.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(people)); i = next.Add(1) - 1 {
				clicks[i] = c.ask(ctx, people[i])
				c.answered.Add(1)
			}
		})
	}
	return func() []click {
		crowd.Wait()
		return clicks
	}
}

// ask sends one person's request and reads the answer. The time that it takes
// to connect does not count.
func (c *clickers) ask(ctx context.Context, person int) click {
	k := click{person: person}
	c.dialing <- struct{}{}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", c.address)
	start := time.Now()
	if err == nil {
		defer conn.Close() //nolint:errcheck // all that came was read
		_, err = io.WriteString(conn, c.requests[person])
	}
	<-c.dialing
	c.sent.Add(1)
	if err != nil {
		k.err = err
		return k
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 1024), nil)
	if err != nil {
		k.err = err
		return k
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	_, k.err = io.Copy(io.Discard, answer.Body)
	k.status, k.took = answer.StatusCode, time.Since(start)
	if k.status == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
		k.err = errors.New("a 503 does not say when to try again")
	}
	return k
}

// sortOut parts those who booked from those who were refused, and fails when
// anything else became of somebody.
func sortOut(clicks []click) (booked, refused []click, err error) {
	for _, k := range clicks {
		switch {
		case k.err != nil:
			return nil, nil, k.err
		case k.status == http.StatusOK:
			booked = append(booked, k)
		case k.status == http.StatusServiceUnavailable:
			refused = append(refused, k)
		default:
			return nil, nil, fmt.Errorf("somebody who clicked got status %d", k.status)
		}
	}
	return booked, refused, nil
}

// untilQuiet waits until so many have sent their request and nobody has been
// answered for two seconds.
func (c *clickers) untilQuiet(ctx context.Context, requests int64) error {
	for last := int64(-1); c.sent.Load() < requests || c.answered.Load() != last; {
		last = c.answered.Load()
		if err := sleep(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}
