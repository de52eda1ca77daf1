package views

import (
	"context"
	"strings"
	"testing"
	"time"

	"rowlock/event"
)

func at(t *testing.T, zone, local string) time.Time {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	moment, err := time.ParseInLocation(LocalTime, local, location)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func eventAt(t *testing.T, zone, start, end string) event.Event {
	t.Helper()
	return event.Event{Details: event.Details{TimeZone: zone, StartsAt: at(t, zone, start), EndsAt: at(t, zone, end)}}
}

func TestEventTimesAreToldInTheEventsZone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		zone, start, end string
		clock            string
		zoneText         string
	}{
		{
			"one evening", "Europe/Lisbon", "2027-03-04T18:30", "2027-03-04T20:30",
			"18:30–20:30", "Lisbon time (UTC)",
		},
		{
			"summer time", "Europe/Lisbon", "2027-07-04T18:30", "2027-07-04T20:30",
			"18:30–20:30", "Lisbon time (UTC+1)",
		},
		{
			"past midnight", "America/Argentina/Buenos_Aires", "2027-03-04T22:00", "2027-03-05T02:00",
			"22:00 – Fri 5 March, 02:00", "Buenos Aires time (UTC−3)",
		},
		{
			"half an hour off", "Asia/Kolkata", "2027-03-04T09:00", "2027-03-04T10:00",
			"09:00–10:00", "Kolkata time (UTC+5:30)",
		},
		{
			"far east", "Pacific/Auckland", "2027-01-04T09:00", "2027-01-04T10:00",
			"09:00–10:00", "Auckland time (UTC+13)",
		},
		{
			"UTC itself", "UTC", "2027-03-04T09:00", "2027-03-04T10:00",
			"09:00–10:00", "UTC",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := eventAt(t, tt.zone, tt.start, tt.end)
			if got := clockText(context.Background(), e); got != tt.clock {
				t.Errorf("clock: got %q, want %q", got, tt.clock)
			}
			if short, _, _ := strings.Cut(tt.zoneText, " ("); zoneShort(context.Background(), e) != short {
				t.Errorf("zone in short: got %q, want %q", zoneShort(context.Background(), e), short)
			}
			if got := zoneText(context.Background(), e.StartsAt, e); got != tt.zoneText {
				t.Errorf("zone: got %q, want %q", got, tt.zoneText)
			}
		})
	}
}

// A moment's distance from UTC is its own, whenever the event is.
func TestAMomentIsToldInSummerOrWinterTime(t *testing.T) {
	t.Parallel()
	e := eventAt(t, "Europe/Lisbon", "2027-04-04T18:30", "2027-04-04T20:30")
	opens := at(t, "Europe/Lisbon", "2027-03-04T18:30")
	if got, want := MomentText(t.Context(), opens, e), "Thu 4 March 2027, 18:30, Lisbon time (UTC)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFromNow(t *testing.T) {
	t.Parallel()
	const zone = "Europe/Berlin"
	now := at(t, zone, "2027-03-27T22:00") // the clocks go forward that night
	tests := []struct{ then, want string }{
		{"2027-03-27T22:00", "now"},
		{"2027-03-27T22:01", "in 1 minute"},
		{"2027-03-27T22:40", "in 40 minutes"},
		{"2027-03-27T23:10", "in 1 hour"},
		{"2027-03-27T19:00", "3 hours ago"},
		{"2027-03-28T00:10", "in 2 hours"},
		{"2027-03-28T09:30", "tomorrow"},
		{"2027-03-28T23:30", "tomorrow"},
		{"2027-03-29T01:00", "in 2 days"},
		{"2027-03-26T00:01", "yesterday"},
		{"2027-04-08T18:30", "in 12 days"},
		{"2027-05-28T18:30", "in 2 months"},
		{"2026-12-27T18:30", "3 months ago"},
		{"2029-03-27T18:30", "in 2 years"},
	}
	for _, tt := range tests {
		if got := fromNow(context.Background(), at(t, zone, tt.then), now, now.Location()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.then, got, tt.want)
		}
	}
}

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	tests := []struct{ got, want string }{
		{numberText(context.Background(), 0), "0"},
		{numberText(context.Background(), 999), "999"},
		{numberText(context.Background(), 1000), "1,000"},
		{numberText(context.Background(), 100_000), "100,000"},
		{numberText(context.Background(), 1_234_567), "1,234,567"},
		{numberText(context.Background(), -120), "-120"},
		{numberText(context.Background(), -1200), "-1,200"},
		{countText(context.Background(), 1, "%s seat", "%s seats"), "1 seat"},
		{countText(context.Background(), 0, "%s seat", "%s seats"), "0 seats"},
		{countText(context.Background(), 1200, "%s seat", "%s seats"), "1,200 seats"},
		{took(context.Background(), 840*time.Microsecond), "0.84 ms"},
		{took(context.Background(), 12_340*time.Microsecond), "12.3 ms"},
		{took(context.Background(), 999*time.Millisecond), "999 ms"},
		{took(context.Background(), 999_499*time.Microsecond), "999 ms"},
		{took(context.Background(), 999_500*time.Microsecond), "1 s"},
		{took(context.Background(), 50*time.Millisecond), "50 ms"},
		{took(context.Background(), 2500*time.Millisecond), "2.5 s"},
		{took(context.Background(), 0), "0 ms"},
		{took(context.Background(), 1520*time.Millisecond), "1.52 s"},
		{bytesText(context.Background(), 512), "512 bytes"},
		{bytesText(context.Background(), 38_240_000), "38.2 MB"},
		{bytesText(context.Background(), 999), "999 bytes"},
		{bytesText(context.Background(), 999_700), "1 MB"},
		{bytesText(context.Background(), 999_499_000_000), "999 GB"},
		{ticketText("K7QF2M9X4TPA"), "K7QF 2M9X 4TPA"},
		{ticketText(""), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestPercentIsNeverQuiteFullNorQuiteEmpty(t *testing.T) {
	t.Parallel()
	tests := []struct{ part, whole, want int }{
		{0, 30, 0}, {30, 30, 100}, {15, 30, 50}, {999, 1000, 99}, {1, 1000, 1}, {0, 0, 0},
	}
	for _, tt := range tests {
		if got := percent(tt.part, tt.whole); got != tt.want {
			t.Errorf("%d of %d: got %d, want %d", tt.part, tt.whole, got, tt.want)
		}
	}
}

func TestAgentText(t *testing.T) {
	t.Parallel()
	tests := []struct{ agent, want string }{
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"},
		{"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"},
		{"curl/8.5.0", "curl"},
		{"", "Unknown browser"},
	}
	for _, tt := range tests {
		if got := agentText(context.Background(), tt.agent); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.agent, got, tt.want)
		}
	}
}

func TestAddressLeavesOutWhatIsEmpty(t *testing.T) {
	t.Parallel()
	if got, want := address("/events", "q", "", "page", ""), "/events"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := address("/events", "q", "a b&c", "page", "2"), "/events?page=2&q=a+b%26c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
