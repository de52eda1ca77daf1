package views_test

import (
	"strconv"
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
	"rowlock/locale"
	"rowlock/simulation"
	"rowlock/views"
)

var now = time.Date(2027, 2, 20, 9, 30, 0, 0, time.UTC)

func render(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	return renderIn(t, locale.English, c)
}

func renderIn(t *testing.T, l *locale.Locale, c templ.Component) *goquery.Document {
	t.Helper()
	var b strings.Builder
	if err := c.Render(locale.With(t.Context(), l), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func one(t *testing.T, doc *goquery.Document, selector string) *goquery.Selection {
	t.Helper()
	s := doc.Find(selector)
	if s.Length() != 1 {
		t.Fatalf("%d of %s", s.Length(), selector)
	}
	return s
}

func wants(t *testing.T, s *goquery.Selection, attributes map[string]string) {
	t.Helper()
	for name, want := range attributes {
		if got, _ := s.Attr(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func signedIn(role account.Role) views.Page {
	return views.Page{Title: "A page", Path: "/events", Now: now, Viewer: &account.User{ID: uuid.New(), Name: "Ana Martins", Email: "ana@rowlock.example", Role: role, IsActive: true}}
}

func stranger() views.Page { return views.Page{Title: "A page", Path: "/events", Now: now} }

func upcoming(capacity, remaining, waiting int) event.Event {
	start := now.AddDate(0, 0, 12)
	return event.Event{
		ID: uuid.MustParse("0193a000-0000-7000-8000-000000000101"), Status: event.Published, SeatsRemaining: remaining, Waiting: waiting,
		Details: event.Details{Title: "Evening sculling", StartsAt: start, EndsAt: start.Add(2 * time.Hour), TimeZone: "Europe/Lisbon", Capacity: capacity},
	}
}

func TestBookingBoxTellsScriptsHowAPersonStands(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    event.Event
		mine booking.Mine
		want map[string]string
	}{
		{"a stranger", upcoming(30, 11, 0), booking.Mine{}, map[string]string{"data-booking": "none", "data-seats-remaining": "11", "data-capacity": "30", "data-place": ""}},
		{"a seat", upcoming(30, 10, 0), booking.Mine{Standing: booking.Confirmed}, map[string]string{"data-booking": "confirmed", "data-seats-remaining": "10", "data-place": ""}},
		{"in line", upcoming(30, 0, 4), booking.Mine{Standing: booking.Waitlisted, Place: 3}, map[string]string{"data-booking": "waitlisted", "data-seats-remaining": "0", "data-place": "3"}},
		{"cancelled", upcoming(30, 11, 0), booking.Mine{Standing: booking.Cancelled}, map[string]string{"data-booking": "cancelled", "data-place": ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			box := one(t, render(t, views.BookingBox(signedIn(account.Attendee), views.Booking{Event: tt.e, Mine: tt.mine})), "#booking")
			wants(t, box, tt.want)
		})
	}
}

func TestBookingBoxOffersWhatCanBeDoneNow(t *testing.T) {
	t.Parallel()
	running := upcoming(30, 11, 0)
	running.StartsAt = now.Add(-time.Hour)
	off := upcoming(30, 30, 0)
	off.Status = event.Cancelled
	later := now.Add(72 * time.Hour)
	soon := upcoming(30, 30, 0)
	soon.RegistrationOpensAt = &later

	seat := booking.Mine{Standing: booking.Confirmed, RegistrationID: uuid.New()}
	inLine := booking.Mine{Standing: booking.Waitlisted, Place: 1}
	tests := []struct {
		name         string
		page         views.Page
		in           views.Booking
		book, cancel bool
		says         string
	}{
		{"a seat is left", signedIn(account.Attendee), views.Booking{Event: upcoming(30, 1, 0)}, true, false, "Book a seat"},
		{"full", signedIn(account.Attendee), views.Booking{Event: upcoming(30, 0, 2)}, true, false, "Join the line"},
		{"has a seat", signedIn(account.Attendee), views.Booking{Event: upcoming(30, 1, 0), Mine: seat}, false, true, "You have a seat"},
		{"next in line", signedIn(account.Attendee), views.Booking{Event: upcoming(30, 0, 2), Mine: inLine}, false, true, "You are next in line"},
		{"has a seat and it started", signedIn(account.Attendee), views.Booking{Event: running, Mine: seat}, false, false, "You have a seat"},
		{"started", signedIn(account.Attendee), views.Booking{Event: running}, false, false, "under way"},
		{"cancelled", signedIn(account.Attendee), views.Booking{Event: off}, false, false, "This event is cancelled"},
		{"not open yet", signedIn(account.Attendee), views.Booking{Event: soon}, false, false, "Booking opens in 3 days"},
		{"a stranger", stranger(), views.Booking{Event: upcoming(30, 1, 0)}, false, false, "Sign in to book a seat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc := render(t, views.BookingBox(tt.page, tt.in))
			if got := doc.Find(`form[action$="/book"]`).Length() == 1; got != tt.book {
				t.Errorf("can book: %v", got)
			}
			if got := doc.Find(`form[action$="/cancel"]`).Length() == 1; got != tt.cancel {
				t.Errorf("can cancel: %v", got)
			}
			if !strings.Contains(doc.Text(), tt.says) {
				t.Errorf("does not say %q", tt.says)
			}
		})
	}
}

func TestBookFormTellsWhatWasOffered(t *testing.T) {
	t.Parallel()
	for remaining, want := range map[int]string{3: views.SeenSeat, 0: views.SeenLine} {
		doc := render(t, views.BookingBox(signedIn(account.Attendee), views.Booking{Event: upcoming(30, remaining, 0)}))
		form := one(t, doc, "form")
		wants(t, form, map[string]string{
			"method": "post", "action": "/events/0193a000-0000-7000-8000-000000000101/book", "hx-post": "/events/0193a000-0000-7000-8000-000000000101/book",
			"hx-target": "#booking", "hx-swap": "outerHTML",
		})
		wants(t, form.Find("input[name=seen]"), map[string]string{"value": want})
	}
}

func TestANoticeIsSaidAloudAndOnce(t *testing.T) {
	t.Parallel()
	const lost = "The last seat just went; you are number 3 in line."
	doc := render(t, views.BookingBox(signedIn(account.Attendee), views.Booking{Event: upcoming(30, 0, 3), Mine: booking.Mine{Standing: booking.Waitlisted, Place: 3}, Notice: lost}))
	if got := one(t, doc, "[role=status]").Text(); got != lost {
		t.Errorf("got %q", got)
	}
	if n := strings.Count(doc.Text(), "number 3 in line"); n != 1 {
		t.Errorf("the place is told %d times", n)
	}

	doc = render(t, views.BookingBox(signedIn(account.Attendee), views.Booking{Event: upcoming(30, 3, 0), Notice: "Very busy.", Refused: true}))
	if got := one(t, doc, "[role=alert]").Text(); got != "Very busy." {
		t.Errorf("got %q", got)
	}
	one(t, doc, `form[action$="/book"]`)
}

func TestAStrangerComesBackAfterSigningIn(t *testing.T) {
	t.Parallel()
	e := upcoming(30, 3, 0)
	doc := render(t, views.BookingBox(stranger(), views.Booking{Event: e}))
	wants(t, one(t, doc, "a.button"), map[string]string{"href": "/login?next=%2Fevents%2F" + e.ID.String()})
}

func TestWhoGivesUpATicketComesBackToTheirBookings(t *testing.T) {
	t.Parallel()
	e := upcoming(30, 3, 0)
	doc := render(t, views.TicketPage(signedIn(account.Attendee), booking.Held{Event: e, Mine: booking.Mine{Standing: booking.Confirmed, RegistrationID: uuid.New()}}))
	wants(t, one(t, doc, `form[action$="/cancel"] input[name=next]`), map[string]string{"name": "next", "value": "/bookings"})
}

func TestWhatPeopleTypeStaysText(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script><img src=x onerror=alert(1)>"'`
	e := upcoming(30, 3, 0)
	e.Title, e.Description, e.Location, e.OrganizerName = evil, evil+" javascript:alert(1)", evil, evil
	p := signedIn(account.Admin)
	p.Title, p.Viewer.Name = evil, evil
	p.Flash = &views.Flash{Kind: views.FlashDone, Text: evil}

	for name, page := range map[string]templ.Component{
		"event":     views.EventPage(p, views.Booking{Event: e, Notice: evil}),
		"events":    views.EventsPage(p, views.Events{Query: evil, Events: []event.Event{e}}),
		"nothing":   views.EventsPage(p, views.Events{Query: evil}),
		"form":      views.EventFormPage(p, views.EventForm{Title: evil, Description: evil, TimeZone: evil, Problems: map[string]string{"title": evil}}),
		"overview":  views.EventOverviewPage(p, views.EventOverview{Event: e}),
		"attendees": views.AttendeesPage(p, views.Attendees{Event: e, Query: evil, List: []booking.Attendee{{Name: evil, Email: evil}}}),
		"users":     views.UsersPage(p, views.Users{Users: []account.User{{Name: evil, Email: evil}}}),
		"audit":     views.AuditPage(p, views.Audit{Person: evil, Lines: []audit.Line{{Entry: audit.Entry{Action: "x", Detail: map[string]any{evil: evil}}, UserName: evil, EventTitle: evil}}}),
		"run":       views.SimulationPage(p, views.SimulationRun{Simulation: simulation.Simulation{State: simulation.Failed, EventTitle: evil, Failure: locale.Later(evil)}}),
		"error":     views.ErrorPage(p, views.Trouble{Status: 500, Title: evil, Text: evil}),
	} {
		doc := render(t, page)
		if n := doc.Find("script:not([src])").Length() + doc.Find("img").Length() + doc.Find("[onerror]").Length(); n > 0 {
			t.Errorf("%s: %d pieces of what was typed became markup", name, n)
		}
		if !strings.Contains(doc.Text()+doc.Find("input").AttrOr("value", ""), "<script>alert(1)") {
			t.Errorf("%s does not show what was typed", name)
		}
	}
}

func TestAnAddressInADescriptionIsALink(t *testing.T) {
	t.Parallel()
	e := upcoming(30, 3, 0)
	e.Description = "See https://example.org/a?b=1&c=2. Or (http://example.org), not ftp://example.org.\n\nSecond\nparagraph."
	doc := render(t, views.EventPage(stranger(), views.Booking{Event: e}))

	var links []string
	doc.Find(".prose a").Each(func(_ int, s *goquery.Selection) { links = append(links, s.AttrOr("href", "")) })
	if got, want := strings.Join(links, " "), "https://example.org/a?b=1&c=2 http://example.org"; got != want {
		t.Errorf("got links %q, want %q", got, want)
	}
	if n := doc.Find(".prose p").Length(); n != 2 {
		t.Errorf("%d paragraphs", n)
	}
	if got := doc.Find(".prose p").First().Text(); !strings.HasPrefix(got, "See https://example.org/a?b=1&c=2. Or (http") {
		t.Errorf("the text changed: %q", got)
	}
}

func TestEventsListCarriesItsHooks(t *testing.T) {
	t.Parallel()
	e, full := upcoming(30, 11, 0), upcoming(8, 0, 14)
	full.ID = uuid.New()
	doc := render(t, views.EventsList(signedIn(account.Attendee), views.Events{
		Events: []event.Event{e, full}, Pager: views.Pager{Total: 30, Page: 2, Pages: 3}, Query: "row",
		Mine: map[uuid.UUID]booking.Mine{full.ID: {Standing: booking.Waitlisted, Place: 2}},
	}))
	wants(t, doc.Find(".ticket").First(), map[string]string{"data-seats-remaining": "11", "data-capacity": "30", "data-booking": "none"})
	wants(t, doc.Find(".ticket").Last(), map[string]string{"data-seats-remaining": "0", "data-booking": "waitlisted"})
	wants(t, one(t, doc, "a[rel=next]"), map[string]string{"href": "/events?page=3&q=row"})
	wants(t, one(t, doc, "a[rel=prev]"), map[string]string{"href": "/events?q=row"})
	if !strings.Contains(doc.Text(), "14 in line") || !strings.Contains(doc.Text(), "You are number 2 in line") {
		t.Error("the line is not told")
	}
}

func TestSimulationProgressCarriesItsHooks(t *testing.T) {
	t.Parallel()
	run := simulation.Simulation{
		ID: uuid.New(), State: simulation.Running, Phase: simulation.Booking, Users: 12_000, Seats: 10, Answered: 3000, StartedAt: now,
	}
	doc := render(t, views.SimulationProgress(signedIn(account.Admin), views.SimulationRun{Simulation: run}))
	wants(t, one(t, doc, "#simulation"), map[string]string{
		"data-state": "running", "data-part": "/admin/simulations/" + run.ID.String(), "data-live": "/admin/simulations/" + run.ID.String() + "/live",
	})
	wants(t, one(t, doc, "progress"), map[string]string{"max": "12000", "value": "3000"})

	run.State, run.Answered = simulation.Done, 12_000
	run.Tally = simulation.Tally{Registered: 10, Waitlisted: 11_990}
	run.Results.Checks = []booking.Check{{Name: "no-overbooking", OK: true}, {Name: "seats-add-up", OK: true}}
	doc = render(t, views.SimulationProgress(signedIn(account.Admin), views.SimulationRun{Simulation: run}))
	wants(t, one(t, doc, "#simulation"), map[string]string{"data-state": "done", "data-part": "", "data-live": ""})
	for tally, want := range map[string]int{"registered": 10, "waitlisted": 11_990, "failed": 0, "seats-remaining": 0, "overbooked": 0} {
		if got := one(t, doc, `[data-tally="`+tally+`"]`).Text(); got != strconv.Itoa(want) {
			t.Errorf("%s: a script reads %q, want %d", tally, got, want)
		}
	}
	if got := one(t, doc, `[data-check="no-overbooking"][data-ok="true"] b`).Text(); got != "No overbooking" {
		t.Errorf("the check is called %q", got)
	}
	one(t, doc, ".verdict.holds")
}

// Tallies are written as the language writes numbers, and read as bare digits
// by scripts.
func TestTalliesAreWrittenAsTheReaderDoes(t *testing.T) {
	t.Parallel()
	run := simulation.Simulation{State: simulation.Done, Users: 100_000, Tally: simulation.Tally{Registered: 10, Waitlisted: 99_990}}
	for _, l := range locale.All() {
		doc := renderIn(t, l, views.SimulationProgress(signedIn(account.Admin), views.SimulationRun{Simulation: run}))
		tally := one(t, doc, `[data-tally=waitlisted]`)
		if got := strings.TrimSpace(tally.Text()); got != "99990" {
			t.Errorf("%s: a script reads %q", l.Name(), got)
		}
		tally.Find("[data-sign]").Each(func(_ int, group *goquery.Selection) { group.PrependHtml(group.AttrOr("data-sign", "")) })
		if got := strings.TrimSpace(tally.Text()); got != l.Number(99_990) {
			t.Errorf("%s: a person reads %q, want %q", l.Name(), got, l.Number(99_990))
		}
	}
}

func TestNoVerdictIsGoodWithoutProof(t *testing.T) {
	t.Parallel()
	good := []booking.Check{{Name: "no-overbooking", OK: true}}
	tests := []struct {
		name   string
		tally  simulation.Tally
		checks []booking.Check
		holds  bool
	}{
		{"all well", simulation.Tally{Registered: 10}, good, true},
		{"overbooked", simulation.Tally{Registered: 12, Overbooked: 2}, good, false},
		{"a check fails", simulation.Tally{Registered: 10}, []booking.Check{{Name: "no-overbooking"}}, false},
		{"nothing was checked", simulation.Tally{Registered: 10}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc := render(t, views.SimulationProgress(signedIn(account.Admin), views.SimulationRun{Simulation: simulation.Simulation{
				State: simulation.Done, Users: 20, Tally: tt.tally, Results: simulation.Results{Checks: tt.checks},
			}}))
			if got := doc.Find(".verdict.holds").Length() == 1; got != tt.holds {
				t.Errorf("the verdict is good: %v", got)
			}
		})
	}
}

func TestARunningSimulationReloadsWithoutAScript(t *testing.T) {
	t.Parallel()
	for state, want := range map[simulation.State]bool{simulation.Running: true, simulation.Done: false} {
		var b strings.Builder
		page := views.SimulationPage(signedIn(account.Admin), views.SimulationRun{Simulation: simulation.Simulation{State: state, Users: 1}})
		if err := page.Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), `<noscript><meta http-equiv="refresh"`); got != want {
			t.Errorf("%s: reloads %v", state, got)
		}
	}
}

func TestNavigationShowsWhatAPersonMayDo(t *testing.T) {
	t.Parallel()
	links := func(p views.Page) string {
		var texts []string
		render(t, views.ErrorPage(p, views.Trouble{Status: 404})).Find(".mainnav a").Each(func(_ int, s *goquery.Selection) {
			texts = append(texts, s.Text())
		})
		return strings.Join(texts, ", ")
	}
	for _, tt := range []struct {
		page views.Page
		want string
	}{
		{stranger(), "Events"},
		{signedIn(account.Attendee), "Events, My bookings"},
		{signedIn(account.Organizer), "Events, My bookings, Organize"},
		{signedIn(account.Admin), "Events, My bookings, Organize, Admin"},
	} {
		if got := links(tt.page); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestFormsKeepWhatWasTypedButNoPassword(t *testing.T) {
	t.Parallel()
	doc := render(t, views.SignUpPage(stranger(), views.SignUp{Name: "Ana", Email: "ana@", Next: "/events/1", Problems: map[string]string{"email": "Check the address."}}))
	wants(t, one(t, doc, "#name"), map[string]string{"value": "Ana"})
	wants(t, one(t, doc, "#email"), map[string]string{"value": "ana@", "aria-invalid": "true", "aria-describedby": "email-problem"})
	wants(t, one(t, doc, "#password"), map[string]string{"value": ""})
	wants(t, one(t, doc, "input[name=next]"), map[string]string{"value": "/events/1"})

	doc = render(t, views.EventFormPage(signedIn(account.Organizer), views.EditEventForm(upcoming(30, 11, 0))))
	for _, name := range []string{"title", "description", "location", "starts_at", "ends_at", "time_zone", "registration_opens_at", "registration_closes_at", "capacity", "revision"} {
		one(t, doc, `form [name="`+name+`"]`)
	}
	wants(t, one(t, doc, "#starts_at"), map[string]string{"value": "2027-03-04T09:30"})
	wants(t, one(t, doc, "#capacity"), map[string]string{"value": "30", "min": "19"})
}

func TestAnEditConflictShowsTheirsAndKeepsMine(t *testing.T) {
	t.Parallel()
	mine := views.EditEventForm(upcoming(30, 11, 0))
	theirs := upcoming(40, 21, 0)
	theirs.Title, theirs.Revision = "Now with soup", 7
	theirs.StartsAt = theirs.StartsAt.Add(90 * time.Minute)
	mine.Location, mine.Theirs, mine.Revision = "Boathouse 4", &theirs, "7"

	doc := render(t, views.EventFormPage(signedIn(account.Organizer), mine))
	conflict := one(t, doc, "[data-conflict]").Text()
	for _, want := range []string{"Somebody else saved this event", "Now with soup", "40", "empty", "Thu 4 March 2027, 11:00"} {
		if !strings.Contains(conflict, want) {
			t.Errorf("does not tell %q", want)
		}
	}
	if strings.Contains(conflict, "Time zone") {
		t.Error("tells what does not differ")
	}
	wants(t, one(t, doc, "#title"), map[string]string{"value": "Evening sculling"})
	wants(t, one(t, doc, "input[name=revision]"), map[string]string{"value": "7"})
}

func TestProblemsAreListedInTheOrderOfTheForm(t *testing.T) {
	t.Parallel()
	listed := func(page templ.Component) string {
		var fields []string
		render(t, page).Find(".problems a").Each(func(_ int, s *goquery.Selection) { fields = append(fields, s.AttrOr("href", "")) })
		return strings.Join(fields, " ")
	}
	broken := func(fields ...string) map[string]string {
		problems := map[string]string{}
		for _, name := range fields {
			problems[name] = "Put this right."
		}
		return problems
	}
	got := listed(views.SignUpPage(stranger(), views.SignUp{Problems: broken("email", "name", "password")}))
	if want := "#name #email #password"; got != want {
		t.Errorf("signing up: got %s, want %s", got, want)
	}
	got = listed(views.EventFormPage(signedIn(account.Organizer), views.EventForm{Problems: broken("capacity", "ends_at", "registration_opens_at", "starts_at", "title")}))
	if want := "#title #starts_at #ends_at #capacity #registration_opens_at"; got != want {
		t.Errorf("an event: got %s, want %s", got, want)
	}
	got = listed(views.LabPage(signedIn(account.Admin), views.Lab{Form: views.ComparisonForm{Events: []event.Event{upcoming(10, 10, 0)}, Problems: broken("name", "patience", "strategy", "users", "seats", "event")}}))
	if want := "#event #users #seats #strategy #patience #name"; got != want {
		t.Errorf("a comparison: got %s, want %s", got, want)
	}
}

// Whoever follows a problem to choices comes there with the keyboard, too.
func TestProblemsLeadToWhatTakesTheFocus(t *testing.T) {
	t.Parallel()
	events := []event.Event{upcoming(10, 10, 0)}
	problems := map[string]string{"event": "Choose.", "users": "Choose.", "strategy": "Choose.", "target": "Choose."}
	for name, page := range map[string]templ.Component{
		"a simulation": views.DashboardPage(signedIn(account.Admin), views.Dashboard{Form: views.SimulationForm{Events: events, Problems: problems}}),
		"a comparison": views.LabPage(signedIn(account.Admin), views.Lab{Form: views.ComparisonForm{Events: events, Problems: map[string]string{"event": "Choose.", "strategy": "Choose."}}}),
	} {
		doc := render(t, page)
		doc.Find(".problems a").Each(func(_ int, a *goquery.Selection) {
			target := doc.Find(a.AttrOr("href", ""))
			if target.Length() != 1 || !target.Is("input, select, textarea, [tabindex]") {
				t.Errorf("%s: %s leads to nothing that takes the focus", name, a.AttrOr("href", ""))
			}
		})
	}
}

func TestAnEventThatIsOverOffersNothing(t *testing.T) {
	t.Parallel()
	over := upcoming(30, 2, 0)
	over.StartsAt, over.EndsAt = now.AddDate(0, 0, -9), now.AddDate(0, 0, -8)
	doc := render(t, views.EventPage(stranger(), views.Booking{Event: over}))
	if text := doc.Find("#booking").Text(); strings.Contains(text, "left") || !strings.Contains(text, "28 of 30 seats were taken") {
		t.Errorf("the box says %q", text)
	}
	off := upcoming(30, 2, 0)
	off.Status = event.Cancelled
	for name, e := range map[string]event.Event{"over": over, "cancelled": off} {
		if render(t, views.EventPage(stranger(), views.Booking{Event: e})).Find(`[href$=".ics"]`).Length() > 0 {
			t.Errorf("%s: offers the calendar", name)
		}
	}
	one(t, render(t, views.EventPage(stranger(), views.Booking{Event: upcoming(30, 2, 0)})), `[href$=".ics"]`)
}

func TestADraftIsToBePublishedAndAnEventToBeShared(t *testing.T) {
	t.Parallel()
	p := signedIn(account.Organizer)
	p.BaseURL = "https://rowlock.example"
	e := upcoming(30, 30, 0)
	overview := func() *goquery.Document { return render(t, views.EventOverviewPage(p, views.EventOverview{Event: e})) }
	wants(t, one(t, overview(), "#link"), map[string]string{"value": "https://rowlock.example/events/" + e.ID.String()})

	e.Status = event.Draft
	doc := overview()
	one(t, doc, `form[action$="/publish"]`)
	if n := doc.Find("#link").Length() + doc.Find(`a[href$="/attendees"]`).Length(); n > 0 {
		t.Errorf("a draft offers %d things that only a published event has", n)
	}
	form := render(t, views.EventFormPage(p, views.EditEventForm(e)))
	one(t, form, `form button[name=publish][value=true]`)
	e.Status = event.Published
	if render(t, views.EventFormPage(p, views.EditEventForm(e))).Find("[name=publish]").Length() > 0 {
		t.Error("a published event can be published again")
	}
}

func TestTheLogIsTold(t *testing.T) {
	t.Parallel()
	ana, marta, e := uuid.New(), uuid.New(), uuid.New()
	tests := []struct {
		line audit.Line
		want string
	}{
		{audit.Line{Entry: audit.Entry{Action: audit.SeatConfirmed, Actor: ana, User: ana, Event: e}, ActorName: "Ana", UserName: "Ana", EventTitle: "Sculling"}, "Ana booked a seat at “Sculling”"},
		{audit.Line{Entry: audit.Entry{Action: audit.SeatPromoted, User: ana, Event: e}, UserName: "Ana", EventTitle: "Sculling"}, "Ana came from the line to a seat at “Sculling”"},
		{audit.Line{Entry: audit.Entry{Action: audit.SeatRemoved, Actor: marta, User: ana, Event: e}, ActorName: "Marta", UserName: "Ana", EventTitle: "Sculling"}, "Marta took the seat of Ana at “Sculling”"},
		{audit.Line{Entry: audit.Entry{Action: audit.EventEdited, Actor: marta, Event: e}, ActorName: "Marta"}, "Marta edited an event that is gone"},
		{audit.Line{Entry: audit.Entry{Action: audit.RoleChanged, User: ana}, UserName: "Ana"}, "Rowlock changed the role of Ana"},
	}
	for _, tt := range tests {
		doc := render(t, views.AuditPage(signedIn(account.Admin), views.Audit{Lines: []audit.Line{tt.line}}))
		if got := strings.TrimSpace(one(t, doc, ".log p").Text()); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	for _, action := range audit.Actions() {
		doc := render(t, views.AuditPage(signedIn(account.Admin), views.Audit{Lines: []audit.Line{{Entry: audit.Entry{Action: action}}}}))
		if text := doc.Find(".log p").Text(); strings.Contains(text, string(action)) || strings.Contains(text, "{") {
			t.Errorf("%s is not told: %q", action, text)
		}
	}

	doc := render(t, views.AuditPage(signedIn(account.Admin), views.Audit{Lines: []audit.Line{{Entry: audit.Entry{
		Action: audit.EventEdited, Detail: map[string]any{"capacity": map[string]any{"from": 20.0, "to": 1200.0}, "because": "event cancelled"},
	}}}}))
	if got := doc.Find(".log .aside").Text(); got != "because: event cancelled · capacity: 20 → 1,200" {
		t.Errorf("got %q", got)
	}

	copied := audit.Entry{Action: audit.EventCreated, Detail: map[string]any{"copy_of": uuid.NewString()}}
	doc = render(t, views.AuditPage(signedIn(account.Admin), views.Audit{Lines: []audit.Line{
		{Entry: copied, OriginalTitle: "Sculling"}, {Entry: copied},
	}}))
	if got := doc.Find(".log .aside").Text(); got != "copy of: “Sculling”copy of: an event that is gone" {
		t.Errorf("got %q", got)
	}
}

func TestUserRowsAreFormsOfTheirOwn(t *testing.T) {
	t.Parallel()
	u := account.User{ID: uuid.New(), Name: "Ana", Role: account.Organizer, IsActive: true}
	doc := render(t, views.UsersPage(signedIn(account.Admin), views.Users{Users: []account.User{u}}))
	form := one(t, doc, `form[action="/admin/users/`+u.ID.String()+`"]`)
	id := form.AttrOr("id", "")
	wants(t, one(t, doc, `select[name=role][form="`+id+`"] option[selected]`), map[string]string{"value": "organizer"})
	checkbox := one(t, doc, `input[type=hidden][name=is_active][value=false][form="`+id+`"] ~ label input[type=checkbox][name=is_active][form="`+id+`"]`)
	wants(t, checkbox, map[string]string{"value": "true"})
	if _, checked := checkbox.Attr("checked"); !checked {
		t.Error("an active person is shown as inactive")
	}
}

func TestErrorPartSaysWhatToDo(t *testing.T) {
	t.Parallel()
	doc := render(t, views.ErrorPart(stranger(), views.Trouble{Status: 503, Title: "Very busy", Text: "Wait a few seconds."}))
	if got := strings.TrimSpace(one(t, doc, "[data-status='503']").Text()); got != "Very busy. Wait a few seconds." {
		t.Errorf("got %q", got)
	}
}
