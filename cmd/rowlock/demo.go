package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/booking"
	"rowlock/db"
	"rowlock/event"
	"rowlock/views"
)

// demoPassword opens every account of a demo. It is printed at the start and
// on the sign-in page: a demo has nothing to protect.
const demoPassword = "rowlock-demo"

// demoPeople are who a demo's sign-in page offers to sign in as.
var demoPeople = []views.DemoPerson{
	{Name: "Ana Duarte", Email: "ana@rowlock.example", Role: account.Attendee, Password: demoPassword},
	{Name: "Jonas Lindqvist", Email: "organizer@rowlock.example", Role: account.Organizer, Password: demoPassword},
	{Name: "Marta Figueiredo", Email: "admin@rowlock.example", Role: account.Admin, Password: demoPassword},
}

// demoOrganizer is the second organizer, whose events the first cannot manage.
var demoOrganizer = views.DemoPerson{Name: "Priya Raman", Email: "priya@rowlock.example", Role: account.Organizer}

// demoCrowd signs up as first.last@rowlock.example.
var demoCrowd = []string{
	"Aaliyah Brooks", "Ahmed El-Sayed", "Aiko Tanaka", "Aleksander Nowak", "Amara Okafor", "Anouk Dubois",
	"Arjun Mehta", "Beatriz Santos", "Bjorn Halvorsen", "Camila Torres", "Chidi Eze", "Chloe Martin",
	"Daniel Kim", "Dmitri Volkov", "Elena Rossi", "Emre Yilmaz", "Esther Cohen", "Fatima Zahra",
	"Felix Baumann", "Freya Jensen", "Gabriel Costa", "Giulia Ferrari", "Hana Novakova", "Hiroshi Sato",
	"Ingrid Solberg", "Isabel Moreno", "Jamal Carter", "Jin Park", "Joana Ribeiro", "Kaito Yamamoto",
	"Karolina Kowalska", "Kwame Mensah", "Lars Eriksen", "Leila Haddad", "Liam Murphy", "Lucia Fernandez",
	"Mai Nguyen", "Malik Johnson", "Mateo Silva", "Mei Chen", "Miriam Weiss", "Nadia Petrova",
	"Noah Williams", "Nour Khalil", "Oluwaseun Adeyemi", "Oscar Lopez", "Paulo Almeida", "Quinn Taylor",
	"Rania Aziz", "Ravi Patel", "Rosa Garcia", "Samuel Osei", "Sigrid Berg", "Sofia Papadopoulos",
	"Tariq Hussain", "Thandiwe Dlamini", "Tomas Horak", "Valentina Ruiz", "Wei Zhang", "Yara Mansour",
	"Yusuf Demir", "Zoe Anderson",
}

// A demoEvent is one event of the demo: what it is, when it is seen from the
// day of the first start, and how many people booked it.
type demoEvent struct {
	title, location, zone string
	description           string
	// ofPriya gives the event to the second organizer.
	ofPriya bool
	// The event starts so many days from today at so many hours and minutes.
	days, hour, minute int
	lasts              time.Duration
	capacity           int
	// Registration opens and closes so many days from today; 0 leaves it.
	opensIn, closesIn int
	status            event.Status
	// before book ahead of Ana, and after her, if she books at all.
	before, after int
	ana           bool
	// anaCancels and cancels are who gives up again.
	anaCancels bool
	cancels    int
}

// demoSetting is there in a database that has the demo in it. Beside it is, for
// each event that is yet to be filled, a setting with the event's ID.
const demoSetting = "demo"

func (e demoEvent) setting() string { return demoSetting + ": " + e.title }

// hasDemo tells whether the database has the demo in it.
func hasDemo(ctx context.Context, conn db.Conn) (has bool, err error) {
	err = conn.QueryRow(ctx, `select exists (select from settings where name = $1)`, demoSetting).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for the demo: %w", err)
	}
	return has, nil
}

// seedDemo fills an empty database with people of every role and events in
// every state, which takes a second or two. What it was broken off in, by the
// end of ctx or of the program, it finishes the next time. It does nothing, and
// says so, where the demo is whole or people came without it.
//
// Seats are booked through the desk like anybody's, so all rules hold and the
// log tells how it came about. Only afterwards are the events moved to their
// times, and the bookings spread over the days before.
func seedDemo(ctx context.Context, pool *pgxpool.Pool, hasher *account.Hasher, desk *booking.Desk, now time.Time) (seeded bool, err error) {
	d := demo{pool: pool, hasher: hasher, desk: desk, now: now, people: map[string]uuid.UUID{}, unfilled: map[string]uuid.UUID{}}
	if err := d.begin(ctx); err != nil {
		return false, fmt.Errorf("begin the demo: %w", err)
	}
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(4)
	for i, e := range demoEvents {
		if id, ok := d.unfilled[e.setting()]; ok {
			work.Go(func() error { return d.fill(workCtx, i, id) })
		}
	}
	if err := work.Wait(); err != nil {
		return false, fmt.Errorf("fill in the demo: %w", err)
	}
	return len(d.unfilled) > 0, nil
}

// A demo is a demo in the making.
type demo struct {
	pool   *pgxpool.Pool
	hasher *account.Hasher
	desk   *booking.Desk
	now    time.Time

	// people are the demo's, by their addresses.
	people map[string]uuid.UUID
	// unfilled are the events that are yet to be filled, by their settings.
	unfilled map[string]uuid.UUID
}

// begin makes people and events in one transaction, so that people are never
// there without events. Where there are people, it finds what was begun.
func (d *demo) begin(ctx context.Context) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		var populated bool
		if err := tx.QueryRow(ctx, `select exists (select from users)`).Scan(&populated); err != nil {
			return fmt.Errorf("look for people: %w", err)
		}
		if populated {
			return d.find(ctx, tx)
		}
		if err := d.createPeople(ctx, tx); err != nil {
			return err
		}
		return d.createEvents(ctx, tx)
	})
}

// find reads what an earlier start made and did not finish.
func (d *demo) find(ctx context.Context, tx pgx.Tx) error {
	err := collect(ctx, tx, d.unfilled,
		`select name, encode(value, 'hex')::uuid from settings where starts_with(name, $1)`, demoEvent{}.setting())
	if err != nil {
		return fmt.Errorf("find the events to fill: %w", err)
	}
	err = collect(ctx, tx, d.people, `select email, id from users where email like '%' || $1`, demoDomain)
	if err != nil {
		return fmt.Errorf("find the demo's people: %w", err)
	}
	return nil
}

// collect reads names and IDs into a map.
func collect(ctx context.Context, tx pgx.Tx, into map[string]uuid.UUID, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	var name string
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&name, &id}, func() error {
		into[name] = id
		return nil
	})
	return err
}

// createPeople hashes the password once and has everyone use the hash: that
// is what makes a demo start at once.
func (d *demo) createPeople(ctx context.Context, tx pgx.Tx) error {
	accounts := account.NewStore(tx, d.hasher)
	admin, err := accounts.CreateUser(ctx, account.NewUser{
		Name: demoPeople[2].Name, Email: demoPeople[2].Email, Password: demoPassword, Role: account.Admin,
	}, uuid.Nil)
	if err != nil {
		return err
	}
	people := []views.DemoPerson{demoPeople[0], demoPeople[1], demoOrganizer}
	for _, name := range demoCrowd {
		people = append(people, views.DemoPerson{Name: name, Email: demoAddress(name), Role: account.Attendee})
	}
	return d.insertPeople(ctx, tx, people, admin.ID)
}

// insertPeople adds people with the password of the admin.
func (d *demo) insertPeople(ctx context.Context, tx pgx.Tx, people []views.DemoPerson, admin uuid.UUID) error {
	ids := make([]uuid.UUID, len(people))
	names, emails, roles := make([]string, len(people)), make([]string, len(people)), make([]string, len(people))
	entries := make([]audit.Entry, len(people))
	for i, p := range people {
		ids[i] = uuid.Must(uuid.NewV7())
		names[i], emails[i], roles[i] = p.Name, p.Email, string(p.Role)
		entries[i] = audit.Entry{
			Action: audit.UserCreated, Entity: audit.User, EntityID: ids[i], User: ids[i],
			Detail: map[string]any{"role": p.Role},
		}
		d.people[p.Email] = ids[i]
	}
	_, err := tx.Exec(ctx, `
		insert into users (id, name, email, role, password_hash, created_at)
		select p.id, p.name, p.email, p.role, admin.password_hash, $6::timestamptz - p.n * interval '17 hours'
		from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) with ordinality as p (id, name, email, role, n),
		     users admin
		where admin.id = $5`, ids, names, emails, roles, admin, d.now.AddDate(0, 0, -45))
	if err != nil {
		return fmt.Errorf("insert people: %w", err)
	}
	return audit.Write(ctx, tx, entries...)
}

// demoDomain is what the addresses of all the demo's people end in.
const demoDomain = "@rowlock.example"

// demoAddress is the address that a name signs up with.
func demoAddress(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, " ", ".")) + demoDomain
}

// createEvents makes every event as one to come, and notes that it is to be
// filled.
func (d *demo) createEvents(ctx context.Context, tx pgx.Tx) error {
	if err := note(ctx, tx, demoSetting, []byte{}); err != nil {
		return err
	}
	store := event.NewStore(tx)
	for _, e := range demoEvents {
		made, err := store.Create(ctx, d.organizerOf(e), event.Details{
			Title: e.title, Description: paragraphs(e.description), Location: e.location, TimeZone: e.zone,
			StartsAt: d.now.AddDate(0, 0, 30), EndsAt: d.now.AddDate(0, 0, 31), Capacity: e.capacity,
		})
		if err != nil {
			return err
		}
		if e.status != event.Draft {
			if _, err := store.Publish(ctx, made.ID, d.organizerOf(e), d.now); err != nil {
				return err
			}
		}
		if err := note(ctx, tx, e.setting(), made.ID[:]); err != nil {
			return err
		}
		d.unfilled[e.setting()] = made.ID
	}
	return nil
}

// note writes a setting.
func note(ctx context.Context, tx pgx.Tx, name string, value []byte) error {
	if _, err := tx.Exec(ctx, `insert into settings (name, value) values ($1, $2)`, name, value); err != nil {
		return fmt.Errorf("note %q: %w", name, err)
	}
	return nil
}

func (d *demo) organizerOf(e demoEvent) uuid.UUID {
	if e.ofPriya {
		return d.people[demoOrganizer.Email]
	}
	return d.people[demoPeople[1].Email]
}

// paragraphs joins the lines of each paragraph of a text in this file.
func paragraphs(text string) string {
	all := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range all {
		all[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(all, "\n\n")
}

// fill books the i-th event, then moves it to its time. An earlier start may
// have been broken off anywhere in between: whoever has booked gets the answer
// they have, and whoever has cancelled does so again.
func (d *demo) fill(ctx context.Context, i int, id uuid.UUID) error {
	e := demoEvents[i]
	cancelled, err := d.reopen(ctx, id)
	if err != nil {
		return err
	}
	if !cancelled {
		if err := d.bookAndCancel(ctx, id, e, d.crowdFor(i, e.before+e.after)); err != nil {
			return err
		}
	}
	return d.settle(ctx, id, e)
}

// reopen has an event start in a month, however long ago it was made, and
// tells whether it was cancelled already.
func (d *demo) reopen(ctx context.Context, id uuid.UUID) (cancelled bool, err error) {
	err = d.pool.QueryRow(ctx, `
		update events set starts_at = $2, ends_at = $3 where id = $1 returning status = 'cancelled'`,
		id, d.now.AddDate(0, 0, 30), d.now.AddDate(0, 0, 31)).Scan(&cancelled)
	if err != nil {
		return false, fmt.Errorf("reopen event %s: %w", id, err)
	}
	return cancelled, nil
}

func (d *demo) bookAndCancel(ctx context.Context, id uuid.UUID, e demoEvent, crowd []uuid.UUID) error {
	if err := d.book(ctx, id, crowd[:e.before]); err != nil {
		return err
	}
	if e.ana {
		if err := d.book(ctx, id, []uuid.UUID{d.ana()}); err != nil {
			return err
		}
	}
	if err := d.book(ctx, id, crowd[e.before:]); err != nil {
		return err
	}
	return d.cancelSome(ctx, id, e, crowd)
}

func (d *demo) ana() uuid.UUID { return d.people[demoPeople[0].Email] }

// crowdFor picks other people for each event, always the same.
func (d *demo) crowdFor(i, n int) []uuid.UUID {
	people := make([]uuid.UUID, n)
	for k := range people {
		people[k] = d.people[demoAddress(demoCrowd[(i*17+k)%len(demoCrowd)])]
	}
	return people
}

// book lets people book at the same moment.
func (d *demo) book(ctx context.Context, eventID uuid.UUID, people []uuid.UUID) error {
	rush, ctx := errgroup.WithContext(ctx)
	for _, person := range people {
		rush.Go(func() error {
			_, err := d.desk.Book(ctx, booking.Request{EventID: eventID, UserID: person})
			return err
		})
	}
	return rush.Wait()
}

func (d *demo) cancelSome(ctx context.Context, eventID uuid.UUID, e demoEvent, crowd []uuid.UUID) error {
	leaving := crowd[:e.cancels]
	if e.anaCancels {
		leaving = append([]uuid.UUID{d.ana()}, leaving...)
	}
	for _, person := range leaving {
		_, err := d.desk.Cancel(ctx, booking.Cancellation{EventID: eventID, UserID: person, ActorID: person})
		if err != nil {
			return err
		}
	}
	if e.status != event.Cancelled {
		return nil
	}
	_, err := d.desk.CancelEvent(ctx, eventID, d.organizerOf(e))
	return err
}

// settle moves an event to its own times and spreads its bookings, in their
// order, over the two weeks before: a rush at first, then fewer. With that the
// event is filled.
func (d *demo) settle(ctx context.Context, eventID uuid.UUID, e demoEvent) error {
	zone, err := event.LoadZone(e.zone)
	if err != nil {
		return fmt.Errorf("demo event %q: %w", e.title, err)
	}
	starts := e.startsAt(d.now, zone)
	until := d.now.Add(-time.Hour)
	if starts.Before(d.now) {
		until = starts.Add(-6 * time.Hour)
	}
	if e.closesIn < 0 {
		until = e.dayAt(d.now, zone, e.closesIn)
	}
	from := until.AddDate(0, 0, -14)

	b := &pgx.Batch{}
	b.Queue(`
		update events set starts_at = $2, ends_at = $3, registration_opens_at = $4, registration_closes_at = $5,
		    created_at = $6, updated_at = $6 where id = $1`,
		eventID, starts, starts.Add(e.lasts), e.window(d.now, zone, e.opensIn), e.window(d.now, zone, e.closesIn), from.Add(-time.Hour))
	b.Queue(`
		update registrations r
		set booked_at = $2::timestamptz + ($3::timestamptz - $2::timestamptz) * power(r.position::float / e.next_position, 1.7),
		    cancelled_at = case when r.cancelled_at is not null then $3::timestamptz end
		from events e where e.id = $1 and r.event_id = $1`, eventID, from, until)
	b.Queue(`
		update waitlist_entries w
		set joined_at = $2::timestamptz + ($3::timestamptz - $2::timestamptz) * power(w.position::float / e.next_position, 1.7)
		from events e where e.id = $1 and w.event_id = $1`, eventID, from, until)
	b.Queue(`delete from settings where name = $1`, e.setting())
	return sendBatch(ctx, d.pool, b)
}

func sendBatch(ctx context.Context, conn db.Conn, b *pgx.Batch) error {
	// A batch is one transaction: all of it or nothing.
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("write a batch: %w", err)
	}
	return nil
}

func (e demoEvent) startsAt(now time.Time, zone *time.Location) time.Time {
	y, m, day := now.In(zone).Date()
	return time.Date(y, m, day+e.days, e.hour, e.minute, 0, 0, zone)
}

func (e demoEvent) dayAt(now time.Time, zone *time.Location, days int) time.Time {
	y, m, day := now.In(zone).Date()
	return time.Date(y, m, day+days, 9, 0, 0, 0, zone)
}

// window is the moment of a registration window so many days from today; nil
// for 0, which leaves it open.
func (e demoEvent) window(now time.Time, zone *time.Location, days int) *time.Time {
	if days == 0 {
		return nil
	}
	t := e.dayAt(now, zone, days)
	return &t
}
