package event_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/audit"
	"rowlock/db"
	"rowlock/db/dbtest"
	"rowlock/event"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestCreate(t *testing.T) {
	t.Parallel()
	conn := dbtest.Tx(t)
	store := event.NewStore(conn)
	organizer := addOrganizer(t, conn, "Olga Organizer")
	opens := noon.AddDate(0, 0, 1)
	d := details()
	d.RegistrationOpensAt = &opens

	e, err := store.Create(t.Context(), organizer, d)
	if err != nil {
		t.Fatal(err)
	}

	if diff := event.Diff(d, e.Details); len(diff) > 0 {
		t.Errorf("saved other details: %v", diff)
	}
	if e.Status != event.Draft || e.OrganizerID != organizer || e.OrganizerName != "Olga Organizer" || e.SeatsRemaining != d.Capacity || e.Revision != 1 {
		t.Errorf("got %+v", e)
	}
	found, err := store.ByID(t.Context(), e.ID)
	if err != nil || found.ID != e.ID || found.Title != e.Title {
		t.Errorf("ByID gave %q, %v", found.Title, err)
	}
	if got := log(t, conn, e.ID); got != "event.created {}" {
		t.Errorf("the log says %q", got)
	}
}

// The database holds every limit itself, and names it in words.
func TestProblemsInWhatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field  string
		change func(d *event.Details)
	}{
		{"title", func(d *event.Details) { d.Title = "" }},
		{"title", func(d *event.Details) { d.Title = strings.Repeat("é", event.MaxTitle+1) }},
		{"description", func(d *event.Details) { d.Description = strings.Repeat("é", event.MaxDescription+1) }},
		{"location", func(d *event.Details) { d.Location = strings.Repeat("é", event.MaxLocation+1) }},
		{"time_zone", func(d *event.Details) { d.TimeZone = "" }},
		{"capacity", func(d *event.Details) { d.Capacity = event.MaxCapacity + 1 }},
		{"ends_at", func(d *event.Details) { d.EndsAt = d.StartsAt }},
		{"registration_closes_at", func(d *event.Details) {
			d.RegistrationOpensAt, d.RegistrationClosesAt = &d.StartsAt, &noon
		}},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			t.Parallel()
			conn := dbtest.Tx(t)
			d := details()
			tt.change(&d)
			_, err := event.NewStore(conn).Create(t.Context(), addOrganizer(t, conn, "Olga"), d)
			if problems := event.ProblemsIn(err); len(problems) != 1 || problems[tt.field].IsEmpty() {
				t.Errorf("got %v from %v, want a problem with %s", problems, err, tt.field)
			}
			if d.Problems(time.Time{})[tt.field].IsEmpty() {
				t.Errorf("Problems overlooks %s", tt.field)
			}
		})
	}
	if problems := event.ProblemsIn(errors.New("the network is down")); problems != nil {
		t.Errorf("another error has problems: %v", problems)
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	ended := details().EndsAt
	tests := []struct {
		name    string
		status  event.Status
		now     time.Time
		want    error
		entries string
	}{
		{"a draft", event.Draft, noon, nil, "event.published {}"},
		{"a draft of an event under way", event.Draft, ended.Add(-time.Minute), nil, "event.published {}"},
		{"a draft that is over", event.Draft, ended, event.ErrEnded, ""},
		{"twice", event.Published, noon, nil, ""},
		{"a cancelled event", event.Cancelled, noon, event.ErrCancelled, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := dbtest.Tx(t)
			organizer := addOrganizer(t, conn, "Olga")
			id := addEvent(t, conn, organizer, tt.status, details())

			e, err := event.NewStore(conn).Publish(t.Context(), id, organizer, tt.now)

			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && e.Status != event.Published {
				t.Errorf("the event is %s", e.Status)
			}
			if got := log(t, conn, id); got != tt.entries {
				t.Errorf("the log says %q, want %q", got, tt.entries)
			}
		})
	}
	t.Run("no such event", func(t *testing.T) {
		t.Parallel()
		_, err := event.NewStore(dbtest.Tx(t)).Publish(t.Context(), uuid.New(), uuid.New(), noon)
		if !errors.Is(err, event.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// Publishing waits for whoever holds the event's row, and decides after that.
func TestPublishAgainstCancel(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	organizer := addOrganizer(t, pool, "Olga")
	id := addEvent(t, pool, organizer, event.Draft, details())

	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // ends with the test
	exec(t, tx, `select from events where id = $1 for update`, id)

	published := make(chan error, 1)
	go func() {
		_, err := event.NewStore(pool).Publish(context.WithoutCancel(t.Context()), id, organizer, noon)
		published <- err
	}()
	select {
	case err := <-published:
		t.Fatalf("published without waiting for the row: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	exec(t, tx, `update events set status = 'cancelled' where id = $1`, id)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-published; !errors.Is(err, event.ErrCancelled) {
		t.Errorf("got %v, want %v", err, event.ErrCancelled)
	}
}

func TestDuplicate(t *testing.T) {
	t.Parallel()
	conn := dbtest.Tx(t)
	organizer, admin := addOrganizer(t, conn, "Olga"), addOrganizer(t, conn, "Adam")
	id := addEvent(t, conn, organizer, event.Cancelled, details())
	exec(t, conn, `update events set seats_remaining = 0, waiting = 3, next_position = 16, revision = 4 where id = $1`, id)

	e, err := event.NewStore(conn).Duplicate(t.Context(), id, admin, noon)
	if err != nil {
		t.Fatal(err)
	}

	want := details()
	want.StartsAt, want.EndsAt = want.StartsAt.AddDate(0, 0, 7), want.EndsAt.AddDate(0, 0, 7)
	if diff := event.Diff(want, e.Details); len(diff) > 0 {
		t.Errorf("the copy differs: %v", diff)
	}
	if e.ID == id || e.Status != event.Draft || e.SeatsRemaining != e.Capacity || e.Waiting != 0 || e.Revision != 1 || e.OrganizerID != organizer {
		t.Errorf("the copy is not a fresh draft of its organizer: %+v", e)
	}
	if got, want := log(t, conn, e.ID), fmt.Sprintf(`event.created {"copy_of":%q}`, id); got != want {
		t.Errorf("the log says %s, want %s", got, want)
	}
	if _, err := event.NewStore(conn).Duplicate(t.Context(), uuid.New(), admin, noon); !errors.Is(err, event.ErrNotFound) {
		t.Errorf("a copy of nothing: %v", err)
	}
}

func TestQueueDetails(t *testing.T) {
	t.Parallel()
	conn := dbtest.Tx(t)
	id := addEvent(t, conn, addOrganizer(t, conn, "Olga"), event.Published, details())
	exec(t, conn, `update events set seats_remaining = 4 where id = $1`, id)
	want := details()
	closes := want.StartsAt.Add(-time.Hour)
	want.Title, want.Description, want.Location, want.TimeZone = "New title", "New words", "New place", "Asia/Tokyo"
	want.StartsAt, want.EndsAt = want.StartsAt.AddDate(0, 1, 0), want.EndsAt.AddDate(0, 1, 0)
	want.RegistrationOpensAt, want.RegistrationClosesAt = &noon, &closes

	asked := want
	asked.Capacity = 99 // the desk's to change
	var b pgx.Batch
	event.QueueDetails(&b, id, asked)
	if err := conn.SendBatch(t.Context(), &b).Close(); err != nil {
		t.Fatal(err)
	}

	e, err := event.NewStore(conn).ByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := event.Diff(want, e.Details); len(diff) > 0 {
		t.Errorf("saved other details: %v", diff)
	}
	if e.Revision != 2 || e.SeatsRemaining != 4 {
		t.Errorf("revision %d, %d seats remaining", e.Revision, e.SeatsRemaining)
	}
}

func TestUpcoming(t *testing.T) {
	t.Parallel()
	conn := dbtest.Tx(t)
	organizer := addOrganizer(t, conn, "Olga")
	add := func(title, location, description string, status event.Status, startsIn time.Duration) {
		d := details()
		d.Title, d.Location, d.Description = title, location, description
		d.StartsAt, d.EndsAt = noon.Add(startsIn), noon.Add(startsIn+time.Hour)
		addEvent(t, conn, organizer, status, d)
	}
	add("Chess night", "Café Sol", "Bring 100% of your wits", event.Published, 3*time.Hour)
	add("Night walk", "Sintra", "Owls, stars_and silence", event.Published, time.Hour)
	add("Choir", "Porto", `Back\slash songs`, event.Published, 2*time.Hour)
	add("Draft night", "Porto", "", event.Draft, time.Hour)
	add("Cancelled night", "Porto", "", event.Cancelled, time.Hour)
	add("Night under way", "Porto", "", event.Published, 0)
	add("Past night", "Porto", "", event.Published, -48*time.Hour)
	addSimulationCopy(t, conn, organizer, "Night of the rehearsal")

	tests := []struct {
		query string
		want  string
	}{
		{"", "Night walk, Choir, Chess night"},
		{"   ", "Night walk, Choir, Chess night"},
		{"NIGHT", "Night walk, Chess night"},
		{"night café", "Chess night"},
		{"CAFE nïght", "Chess night"},
		{"sol chess wits", "Chess night"},
		{"night porto", ""},
		{"%", "Chess night"},
		{"_", "Night walk"},
		{`\`, "Choir"},
		{"' or 1=1 --", ""},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			list, err := event.NewStore(conn).Upcoming(t.Context(), event.Search{Query: tt.query, Page: 1, Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			if got := titles(list); got != tt.want || list.Total != len(list.Events) || list.Page != 1 || list.Pages != 1 {
				t.Errorf("got %q, total %d, page %d of %d, want %q", got, list.Total, list.Page, list.Pages, tt.want)
			}
		})
	}
}

func TestUpcomingPages(t *testing.T) {
	t.Parallel()
	conn := dbtest.Tx(t)
	organizer := addOrganizer(t, conn, "Olga")
	for i := range 2*event.UpcomingPerPage + 1 {
		d := details() // all at the same time: the order is steady all the same
		d.Title = fmt.Sprintf("Event %02d", i)
		addEvent(t, conn, organizer, event.Published, d)
	}
	store := event.NewStore(conn)

	seen := map[uuid.UUID]bool{}
	for page, want := range map[int]int{1: event.UpcomingPerPage, 2: event.UpcomingPerPage, 3: 1} {
		list, err := store.Upcoming(t.Context(), event.Search{Page: page, Now: noon})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Events) != want || list.Total != 25 || list.Page != page || list.Pages != 3 {
			t.Errorf("page %d: %d events, total %d, page %d of %d", page, len(list.Events), list.Total, list.Page, list.Pages)
		}
		for _, e := range list.Events {
			seen[e.ID] = true
		}
	}
	if len(seen) != 25 {
		t.Errorf("the pages show %d different events of 25", len(seen))
	}
	for page, want := range map[int]int{-1: 1, 0: 1, 4: 3, 1 << 40: 3} {
		if list, err := store.Upcoming(t.Context(), event.Search{Page: page, Now: noon}); err != nil || list.Page != want {
			t.Errorf("page %d gives page %d, %v; want %d", page, list.Page, err, want)
		}
	}
}

func TestManagedLists(t *testing.T) {
	t.Parallel()
	conn := dbtest.Tx(t)
	olga, otto := addOrganizer(t, conn, "Olga"), addOrganizer(t, conn, "Otto")
	add := func(organizer uuid.UUID, title string, status event.Status, startsIn time.Duration) {
		d := details()
		d.Title, d.StartsAt, d.EndsAt = title, noon.Add(startsIn), noon.Add(startsIn+time.Hour)
		addEvent(t, conn, organizer, status, d)
	}
	add(olga, "long past", event.Published, -72*time.Hour)
	add(olga, "past", event.Cancelled, -24*time.Hour)
	add(olga, "later", event.Draft, 48*time.Hour)
	add(olga, "under way", event.Published, -time.Minute)
	add(olga, "soon", event.Published, time.Hour)
	add(otto, "otto's", event.Published, 2*time.Hour)
	addSimulationCopy(t, conn, olga, "rehearsal")
	store := event.NewStore(conn)

	tests := []struct {
		name      string
		organizer uuid.UUID // Nil asks for all
		q         event.Search
		want      string
	}{
		{"an organizer's", olga, event.Search{}, "under way, soon, later, past, long past"},
		{"an organizer's drafts", olga, event.Search{Status: event.Draft}, "later"},
		{"an organizer's search", olga, event.Search{Query: "past"}, "past, long past"},
		{"another organizer's", otto, event.Search{}, "otto's"},
		{"everyone's", uuid.Nil, event.Search{}, "under way, soon, otto's, later, past, long past"},
		{"everyone's published", uuid.Nil, event.Search{Status: event.Published}, "under way, soon, otto's, long past"},
		{"everyone's, searched", uuid.Nil, event.Search{Query: "otto"}, "otto's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Now, tt.q.Page = noon, 1
			list, err := store.OfOrganizer(t.Context(), tt.organizer, tt.q)
			if tt.organizer == uuid.Nil {
				list, err = store.All(t.Context(), tt.q)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := titles(list); got != tt.want || list.Total != len(list.Events) {
				t.Errorf("got %q of %d, want %q", got, list.Total, tt.want)
			}
		})
	}
}

func TestRehearsalsDoNotExist(t *testing.T) {
	t.Parallel()
	conn := dbtest.Tx(t)
	organizer := addOrganizer(t, conn, "Olga")
	id := addSimulationCopy(t, conn, organizer, "rehearsal")
	store := event.NewStore(conn)

	_, byID := store.ByID(t.Context(), id)
	_, published := store.Publish(t.Context(), id, organizer, noon)
	_, copied := store.Duplicate(t.Context(), id, organizer, noon)
	for _, err := range []error{byID, published, copied} {
		if !errors.Is(err, event.ErrNotFound) {
			t.Errorf("got %v, want %v", err, event.ErrNotFound)
		}
	}
}

func titles(l event.List) string {
	var all []string
	for _, e := range l.Events {
		all = append(all, e.Title)
	}
	return strings.Join(all, ", ")
}

func addOrganizer(t *testing.T, conn db.Conn, name string) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	exec(t, conn, `insert into users (id, name, email, password_hash, role) values ($1, $2, $3, 'none', 'organizer')`,
		id, name, id.String()+"@rowlock.example")
	return id
}

func addEvent(t *testing.T, conn db.Conn, organizer uuid.UUID, status event.Status, d event.Details) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	exec(t, conn, `
		insert into events (id, title, description, location, starts_at, ends_at, time_zone, capacity, seats_remaining, status, organizer_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)`,
		id, d.Title, d.Description, d.Location, d.StartsAt, d.EndsAt, d.TimeZone, d.Capacity, status, organizer)
	return id
}

// addSimulationCopy adds a simulation's private copy of a published event.
func addSimulationCopy(t *testing.T, conn db.Conn, organizer uuid.UUID, title string) uuid.UUID {
	t.Helper()
	d := details()
	d.Title = title
	id, simulation := addEvent(t, conn, organizer, event.Published, d), uuid.Must(uuid.NewV7())
	exec(t, conn, `
		insert into simulations (id, event_id, event_title, started_by, target, strategy, state, users, seats)
		values ($1, $2, $3, $4, 'rehearsal', 'grouped', 'done', 1, 1)`, simulation, id, title, organizer)
	exec(t, conn, `update events set simulation_id = $2 where id = $1`, id, simulation)
	return id
}

// log is what the audit log says about the event, one entry after the other.
func log(t *testing.T, conn db.Conn, id uuid.UUID) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `select action, detail from audit_log where event_id = $1 and entity_id = $1 and actor_id is not null order by id`, id)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var action audit.Action
	var detail map[string]any
	_, err = pgx.ForEachRow(rows, []any{&action, &detail}, func() error {
		text, err := json.Marshal(detail)
		lines = append(lines, fmt.Sprintf("%s %s", action, text))
		detail = nil
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "; ")
}

func exec(t *testing.T, conn db.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}
