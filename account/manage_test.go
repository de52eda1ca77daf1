package account_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/audit"
	"rowlock/db"
	"rowlock/db/dbtest"
)

// An office is a store with people to manage.
type office struct {
	t    *testing.T
	conn db.Conn
	*account.Store
}

func newOffice(t *testing.T, conn db.Conn) *office {
	t.Helper()
	return &office{t, conn, account.NewStore(conn, account.TestHasher())}
}

func (o *office) person(name string, role account.Role) account.User {
	o.t.Helper()
	email := strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.org"
	u, err := o.CreateUser(o.t.Context(), account.NewUser{Name: name, Email: email, Password: "rowlock-demo", Role: role}, uuid.Nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return u
}

// makeUp adds a person of a simulation.
func (o *office) makeUp(name string) uuid.UUID {
	o.t.Helper()
	run, id := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	o.exec(`insert into simulations (id, event_id, event_title, started_by, target, strategy, state, users, seats)
		values ($1, $1, '', $1, 'rehearsal', 'grouped', 'done', 1, 1)`, run)
	o.exec(`insert into users (id, name, email, role, simulation_id) values ($1, $2, 'sim-1@simulation.invalid', 'attendee', $3)`, id, name, run)
	return id
}

func (o *office) exec(sql string, args ...any) {
	o.t.Helper()
	if _, err := o.conn.Exec(o.t.Context(), sql, args...); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) now(id uuid.UUID) account.User {
	o.t.Helper()
	u, err := o.ByID(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return u
}

func TestList(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.Tx(t))
	o.person("Ana Almeida", account.Attendee)
	o.person("Otto Olsen", account.Organizer)
	o.person("Ada Admin", account.Admin)
	o.person("Percent % Sign", account.Attendee)
	o.person("Zoë Müller", account.Attendee)
	o.makeUp("Ana Madeup")

	tests := []struct {
		name   string
		filter account.Filter
		want   string
	}{
		{"everyone, by name", account.Filter{}, "Ada Admin, Ana Almeida, Otto Olsen, Percent % Sign, Zoë Müller"},
		{"part of a name, in any case", account.Filter{Query: "ALMEI"}, "Ana Almeida"},
		{"a name without its accents", account.Filter{Query: "zoe mul"}, "Zoë Müller"},
		{"part of an address", account.Filter{Query: "olsen@ex"}, "Otto Olsen"},
		{"space around what was typed", account.Filter{Query: "  otto "}, "Otto Olsen"},
		{"a wildcard is only a character", account.Filter{Query: "%"}, "Percent % Sign"},
		{"nobody", account.Filter{Query: "zzz"}, ""},
		{"a role", account.Filter{Role: account.Organizer}, "Otto Olsen"},
		{"a role and a name", account.Filter{Role: account.Admin, Query: "a"}, "Ada Admin"},
		{"a made-up person", account.Filter{Query: "madeup"}, ""},
		{"a page beyond the last", account.Filter{Query: "ana", Page: 9}, "Ana Almeida"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := o.List(t.Context(), tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, u := range list.Users {
				names = append(names, u.Name)
			}
			if got := strings.Join(names, ", "); got != tt.want || list.Total != len(names) || list.Page != 1 || list.Pages != 1 {
				t.Errorf("got %q (%d, page %d of %d), want %q", got, list.Total, list.Page, list.Pages, tt.want)
			}
		})
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.Tx(t))
	for i := range account.PerPage + 1 {
		o.exec(`insert into users (id, name, email, password_hash, role) values ($1, $2, $3, 'none', 'attendee')`,
			uuid.New(), fmt.Sprintf("Person %03d", i), fmt.Sprintf("p%d@example.org", i))
	}
	first, err := o.List(t.Context(), account.Filter{Page: 1})
	if err != nil {
		t.Fatal(err)
	}
	second, err := o.List(t.Context(), account.Filter{Page: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Users) != account.PerPage || len(second.Users) != 1 || second.Users[0].Name != "Person 050" {
		t.Errorf("got pages of %d and %d", len(first.Users), len(second.Users))
	}
	if first.Total != 51 || first.Pages != 2 || second.Page != 2 {
		t.Errorf("got a total of %d on %d pages, second is page %d", first.Total, first.Pages, second.Page)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.Tx(t))
	ana := o.person("Ana Almeida", account.Attendee)
	o.person("Kim", account.Attendee)
	o.exec(`insert into users (id, name, email, password_hash, role) values ($1, 'kim', 'other@example.org', 'none', 'attendee')`, uuid.New())
	o.exec(`insert into users (id, name, email, password_hash, role) values ($1, 'ana.almeida@example.org', 'prank@example.org', 'none', 'attendee')`, uuid.New())
	made := o.makeUp("Ghost")

	for _, text := range []string{ana.ID.String(), "ana.almeida@example.org", "ANA.Almeida@Example.org", " ana almeida "} {
		if u, err := o.Find(t.Context(), text); err != nil || u.ID != ana.ID {
			t.Errorf("%q: got %q, %v, want Ana", text, u.Email, err)
		}
	}
	if _, err := o.Find(t.Context(), "Kim"); !errors.Is(err, account.ErrAmbiguous) {
		t.Errorf("a shared name: got %v", err)
	}
	for _, text := range []string{"", "ana", made.String(), "Ghost", uuid.NewString()} {
		if u, err := o.Find(t.Context(), text); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%q: got %q, %v, want nobody", text, u.Email, err)
		}
	}
}

func TestCountActive(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.Tx(t))
	ada := o.person("Ada", account.Admin)
	ana := o.person("Ana", account.Attendee)
	o.makeUp("Ghost")
	if err := o.Manage(t.Context(), account.Change{UserID: ana.ID, ActorID: ada.ID, IsActive: new(false)}); err != nil {
		t.Fatal(err)
	}
	if n, err := o.CountActive(t.Context()); err != nil || n != 1 {
		t.Errorf("got %d, %v, want 1", n, err)
	}
}

func TestManage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// who is changed: of the only admin "ada", the deactivated admin "ines" and
		// the attendee "ana".
		who    string
		role   account.Role
		active *bool
		err    error
		log    string
	}{
		{"a new organizer", "ana", account.Organizer, new(true), nil, "user.role_changed map[role:map[from:attendee to:organizer]]"},
		{"a deactivated attendee", "ana", account.Attendee, new(false), nil, "user.deactivated map[is_active:map[from:true to:false]]"},
		{"an admin again active", "ines", account.Admin, new(true), nil, "user.activated map[is_active:map[from:false to:true]]"},
		{"both at once", "ines", account.Organizer, new(true), nil,
			"user.activated map[is_active:map[from:false to:true]], user.role_changed map[role:map[from:admin to:organizer]]"},
		{"nothing", "ana", account.Attendee, new(true), nil, ""},
		{"no such role", "ana", "king", new(true), account.ErrRole, ""},
		{"nothing asked for", "ana", "", nil, nil, ""},
		{"a new role alone", "ines", account.Organizer, nil, nil, "user.role_changed map[role:map[from:admin to:organizer]]"},
		{"deactivated and nothing else", "ana", "", new(false), nil, "user.deactivated map[is_active:map[from:true to:false]]"},
		{"the last admin deactivated and nothing else", "ada", "", new(false), account.ErrLastAdmin, ""},
		{"the last admin made an organizer", "ada", account.Organizer, new(true), account.ErrLastAdmin, ""},
		{"the last admin deactivated", "ada", account.Admin, new(false), account.ErrLastAdmin, ""},
		{"the last admin left as she is", "ada", account.Admin, new(true), nil, ""},
		{"a deactivated admin demoted", "ines", account.Attendee, new(false), nil, "user.role_changed map[role:map[from:admin to:attendee]]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, dbtest.Tx(t))
			people := map[string]account.User{"ada": o.person("Ada", account.Admin), "ines": o.person("Ines", account.Admin), "ana": o.person("Ana", account.Attendee)}
			o.exec(`update users set is_active = false where id = $1`, people["ines"].ID)
			before := o.now(people[tt.who].ID)

			err := o.Manage(t.Context(), account.Change{UserID: before.ID, ActorID: people["ada"].ID, Role: tt.role, IsActive: tt.active})
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			want := before
			if tt.err == nil {
				want.Role = cmp.Or(tt.role, before.Role)
				if tt.active != nil {
					want.IsActive = *tt.active
				}
			}
			if got := o.now(before.ID); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got := o.log(people["ada"].ID, before.ID); got != tt.log {
				t.Errorf("the log says %q, want %q", got, tt.log)
			}
		})
	}
}

// log lists what actor did to user, newest first.
func (o *office) log(actor, user uuid.UUID) string {
	o.t.Helper()
	lines, err := audit.List(o.t.Context(), o.conn, audit.Filter{Person: user})
	if err != nil {
		o.t.Fatal(err)
	}
	var words []string
	for _, l := range lines {
		if l.Actor == actor && l.Entity == audit.User && l.EntityID == user {
			words = append(words, fmt.Sprint(l.Action, " ", l.Detail))
		}
	}
	return strings.Join(words, ", ")
}

func TestManageNobody(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.Tx(t))
	ada := o.person("Ada", account.Admin)
	for name, id := range map[string]uuid.UUID{"a stranger": uuid.New(), "a made-up person": o.makeUp("Ghost")} {
		err := o.Manage(t.Context(), account.Change{UserID: id, ActorID: ada.ID, Role: account.Admin})
		if !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%s: got %v, want nobody", name, err)
		}
	}
}

// Somebody who is deactivated is out in every browser, and stays out when the
// account is activated again.
func TestDeactivationEndsSessions(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.Tx(t))
	ada, ana := o.person("Ada", account.Admin), o.person("Ana", account.Attendee)
	var tokens []account.Token
	for _, browser := range []string{"Firefox", "Safari"} {
		token, err := o.StartSession(t.Context(), ana.ID, browser)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	kept, err := o.StartSession(t.Context(), ada.ID, "Chrome")
	if err != nil {
		t.Fatal(err)
	}
	for _, active := range []bool{false, true} {
		if err := o.Manage(t.Context(), account.Change{UserID: ana.ID, ActorID: ada.ID, IsActive: &active}); err != nil {
			t.Fatal(err)
		}
		for _, token := range tokens {
			if _, err := o.SignedIn(t.Context(), token); !errors.Is(err, account.ErrNoSession) {
				t.Errorf("active %v: got %v, want no session", active, err)
			}
		}
	}
	if u, err := o.SignedIn(t.Context(), kept); err != nil || u.ID != ada.ID {
		t.Errorf("the admin's own session: got %q, %v", u.Name, err)
	}
}

// Admins who demote each other at the same moment leave one of them.
func TestAdminsDemoteEachOther(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.Pool(t))
	admins := make([]account.User, 6)
	for i := range admins {
		admins[i] = o.person(fmt.Sprint("Admin ", i), account.Admin)
	}
	errs := make([]error, len(admins))
	gate := make(chan struct{})
	var all sync.WaitGroup
	for i := range admins {
		all.Go(func() {
			<-gate
			victim := admins[(i+1)%len(admins)]
			change := account.Change{UserID: victim.ID, ActorID: admins[i].ID, Role: account.Organizer}
			if i%2 == 0 {
				change.Role, change.IsActive = "", new(false)
			}
			errs[i] = o.Manage(context.Background(), change)
		})
	}
	close(gate)
	all.Wait()

	refused := 0
	for _, err := range errs {
		switch {
		case errors.Is(err, account.ErrLastAdmin):
			refused++
		case err != nil:
			t.Error(err)
		}
	}
	left := 0
	for _, a := range admins {
		if u := o.now(a.ID); u.IsAdmin() && u.IsActive {
			left++
		}
	}
	if refused != 1 || left != 1 {
		t.Errorf("%d were refused and %d admins are left, want 1 and 1", refused, left)
	}
}
