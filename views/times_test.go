package views_test

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/views"
)

// Wherever a page tells a time it says in which zone, and how far off it is.
func TestTimesTellTheirZoneAndDistance(t *testing.T) {
	t.Parallel()
	opens, closes := now.AddDate(0, 0, 4), now.AddDate(0, 0, 6)
	draft := upcoming(30, 30, 0)
	draft.Status, draft.TimeZone = event.Draft, "Europe/Berlin"
	draft.RegistrationOpensAt, draft.RegistrationClosesAt = &opens, &closes
	edited := audit.Entry{
		At: now.Add(-3 * time.Minute), Action: audit.EventEdited,
		Detail: map[string]any{"starts_at": map[string]any{"from": "2027-03-27T18:30:00+01:00", "to": "2027-03-29T18:30:00+02:00"}},
	}
	organizer, admin := signedIn(account.Organizer), signedIn(account.Admin)
	tests := []struct {
		name     string
		page     templ.Component
		selector string
		want     string
	}{
		{
			"the list of events", views.EventsPage(stranger(), views.Events{Events: []event.Event{upcoming(30, 30, 0)}}),
			".ticket-facts", "09:30–11:30, Lisbon time, in 12 days",
		},
		{
			"an organizer’s list", views.OrganizerEventsPage(organizer, views.OrganizerEvents{Events: []event.Event{upcoming(30, 30, 0)}}),
			".ledger-when", "Thu 4 March 2027, 09:30–11:30 Lisbon time (UTC) · in 12 days",
		},
		{
			"a draft", views.EventOverviewPage(organizer, views.EventOverview{Event: draft}),
			"[data-capacity] .facts div:nth-child(2) dd",
			"Opens on Wed 24 February 2027, 10:30 (in 4 days), closes on Fri 26 February 2027, 10:30 (in 6 days) Berlin time",
		},
		{
			"attendees", views.AttendeesPage(organizer, views.Attendees{
				Event: upcoming(30, 29, 0), Pager: views.Pager{Total: 1},
				List: []booking.Attendee{{Mine: booking.Mine{Standing: booking.Confirmed, Since: now.AddDate(0, 0, -2)}}},
			}),
			".attendees caption, .attendees td:nth-child(4)", "1 person · Lisbon time 18 Feb 2027, 09:30 2 days ago",
		},
		{
			"people", views.UsersPage(admin, views.Users{
				Users: []account.User{{ID: uuid.New(), CreatedAt: now.AddDate(0, 0, -5).In(time.FixedZone("far east", 14*60*60))}}, Pager: views.Pager{Total: 1},
			}),
			".people-table caption, .people-table td:nth-child(3)", "1 person · Times in UTC 15 Feb 2027 5 days ago",
		},
		{
			"the log", views.AuditPage(admin, views.Audit{Lines: []audit.Line{{Entry: edited}}}),
			"main > div > p, .log-when", "Times in UTC 20 Feb 2027, 09:27:00 · 3 minutes ago",
		},
		{
			"a change in the log", views.AuditPage(admin, views.Audit{Lines: []audit.Line{{Entry: edited}}}),
			".log .aside", "starts: Sat 27 March 2027, 18:30 (UTC+1) → Mon 29 March 2027, 18:30 (UTC+2)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := wordsOf(render(t, tt.page).Find(tt.selector)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// wordsOf is the text of all elements, with single spaces.
func wordsOf(s *goquery.Selection) string {
	var words []string
	s.Each(func(_ int, e *goquery.Selection) { words = append(words, strings.Fields(e.Text())...) })
	return strings.Join(words, " ")
}
