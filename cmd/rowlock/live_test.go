package main

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db"
	"rowlock/db/dbtest"
	"rowlock/event"
	"rowlock/live"
)

// Two programs on one database: what is booked at one moves on a page that is
// open at the other, and stopping a program does not wait for its open pages.
func TestServeKeepsOpenPagesCurrent(t *testing.T) {
	url := dbtest.URL(t)
	t.Setenv("DATABASE_URL", url)
	address, stop := serving(t)
	desk, request := anotherInstance(t, url)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/events/"+request.EventID.String()+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read until it broke off
	seats := make(chan string, 10)
	go func() {
		defer close(seats)
		left := regexp.MustCompile(`data-seats-remaining="(\d+)"`)
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() {
			if found := left.FindStringSubmatch(lines.Text()); found != nil {
				seats <- found[1]
			}
		}
	}()
	if got := <-seats; got != "2" {
		t.Fatalf("the page opens with %q seats", got)
	}

	if _, err := desk.Book(ctx, request); err != nil {
		t.Fatal(err)
	}
	if got := <-seats; got != "1" {
		t.Errorf("then it shows %q seats", got)
	}
	start := time.Now()
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(start); took > closeTimeout/2 {
		t.Errorf("the stop took %s with a page open", took)
	}
	if got, open := <-seats; open {
		t.Errorf("the stream goes on with %q", got)
	}
}

// anotherInstance is the desk of a program beside the one that serves, an
// event with two seats, and somebody who may book it.
func anotherInstance(t *testing.T, url string) (*booking.Desk, booking.Request) {
	t.Helper()
	pool, err := db.Open(t.Context(), url, db.PageLimits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	hub := live.NewHub(slog.New(slog.DiscardHandler))
	t.Cleanup(hub.Close)
	if err := hub.Join(url); err != nil {
		t.Fatal(err)
	}
	desk := booking.NewDesk(pool, slog.New(slog.DiscardHandler), hub.Changed)

	host, err := account.NewStore(pool, account.TestHasher()).CreateUser(t.Context(),
		account.NewUser{Name: "Olive Host", Email: "olive@example.org", Password: "a boat for three", Role: account.Organizer}, uuid.Nil)
	if err != nil {
		t.Fatal(err)
	}
	events, start := event.NewStore(pool), time.Now().Add(24*time.Hour)
	e, err := events.Create(t.Context(), host.ID, event.Details{Title: "Regatta", TimeZone: "UTC", Capacity: 2, StartsAt: start, EndsAt: start.Add(time.Hour)})
	if err == nil {
		_, err = events.Publish(t.Context(), e.ID, host.ID, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	return desk, booking.Request{EventID: e.ID, UserID: host.ID}
}
