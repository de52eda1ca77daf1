package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/db/dbtest"
)

func TestSignUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   account.SignUp
		// field has the problem; empty when there is none.
		field string
	}{
		{"fine", account.SignUp{"Ana Lopes", "ana@example.org", password}, ""},
		{"space around name and address", account.SignUp{" Ana Lopes ", " ana@example.org\t", password}, ""},
		{"the longest name", account.SignUp{strings.Repeat("ã", 100), "long@example.org", password}, ""},
		{"ten characters of two bytes each", account.SignUp{"Ana", "bytes@example.org", "äöüßéèêñçø"}, ""},
		{"no name", account.SignUp{"  ", "ana@example.org", password}, "name"},
		{"a name too long", account.SignUp{strings.Repeat("ã", 101), "ana@example.org", password}, "name"},
		{"a name of two lines", account.SignUp{"Ana\nLopes", "ana@example.org", password}, "name"},
		{"no address", account.SignUp{"Ana", "", password}, "email"},
		{"no @", account.SignUp{"Ana", "ana.example.org", password}, "email"},
		{"a name around the address", account.SignUp{"Ana", "Ana <ana@example.org>", password}, "email"},
		{"two addresses", account.SignUp{"Ana", "ana@example.org, bo@example.org", password}, "email"},
		{"an address too long", account.SignUp{"Ana", "a@" + strings.Repeat("b", 253), password}, "email"},
		{"no password", account.SignUp{"Ana", "ana@example.org", ""}, "password"},
		{"nine characters of two bytes each", account.SignUp{"Ana", "ana@example.org", "äöüßéèêñç"}, "password"},
		{"a password too long", account.SignUp{"Ana", "ana@example.org", strings.Repeat("abcde", 41)}, "password"},
		{"the address as password", account.SignUp{"Ana", "ana@example.org", "ANA@example.org"}, "password"},
		{"the name as password", account.SignUp{"Ana Lopes Silva", "ana@example.org", "ana lopes silva"}, "password"},
		{"a password everybody tries", account.SignUp{"Ana", "ana@example.org", "Password123"}, "password"},
		{"the demo's password", account.SignUp{"Ana", "ana@example.org", "rowlock-demo"}, "password"},
		{"one character over and over", account.SignUp{"Ana", "ana@example.org", "aaaaaaaaaaaaaaaa"}, "password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// Nothing is written but by the few that are fine.
			store := newStore(dbtest.Tx(t))
			u, err := store.SignUp(t.Context(), tt.in)
			if tt.field != "" {
				invalid, ok := errors.AsType[*account.InvalidError](err)
				if !ok || len(invalid.Problems) != 1 || invalid.Problems[tt.field].IsEmpty() {
					t.Fatalf("got %v, want a problem with %s alone", err, tt.field)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if u.Name != strings.TrimSpace(tt.in.Name) || u.Email != strings.TrimSpace(tt.in.Email) || u.Role != account.Attendee || !u.IsActive {
				t.Errorf("got %+v", u)
			}
			if got, err := store.SignIn(t.Context(), tt.in.Email, tt.in.Password, home); err != nil || got != u {
				t.Errorf("sign in: got %+v, %v, want %+v", got, err, u)
			}
		})
	}
}

func TestEveryProblemIsTold(t *testing.T) {
	t.Parallel()
	_, err := newStore(dbtest.Tx(t)).SignUp(t.Context(), account.SignUp{})
	invalid, ok := errors.AsType[*account.InvalidError](err)
	if !ok || len(invalid.Problems) != 3 {
		t.Errorf("got %v, want problems with name, email and password", err)
	}
}

func TestTwoSignUpsWithOneAddress(t *testing.T) {
	t.Parallel()
	pool, stores := twoInstances(t)
	emails := []string{"Ana@Example.org", "ana@example.org", "ANA@EXAMPLE.ORG"}

	errs := race(24, func(i int) error {
		_, err := stores[i%2].SignUp(t.Context(), account.SignUp{Name: "Ana", Email: emails[i%3], Password: password})
		return err
	})
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, account.ErrEmailTaken):
			t.Errorf("got %v, want ErrEmailTaken", err)
		}
	}
	if won != 1 {
		t.Errorf("%d signed up, want 1", won)
	}
	if n := value[int](t, pool, `select count(*) from users`); n != 1 {
		t.Errorf("%d people, want 1", n)
	}
	if n := value[int](t, pool, `select count(*) from audit_log where action = 'user.signed_up'`); n != 1 {
		t.Errorf("%d lines in the log, want 1", n)
	}
}

func TestCreateUserLogsWhoDidIt(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	admin, err := store.CreateAdmin(t.Context(), "Root", "log-root@example.org", password)
	if err != nil || !admin.IsAdmin() {
		t.Fatalf("got %+v, %v", admin, err)
	}
	u, err := store.CreateUser(t.Context(), account.NewUser{"Org", "log-org@example.org", "rowlock-demo", account.Organizer}, admin.ID)
	if err != nil {
		t.Fatal(err)
	}
	actor := value[uuid.UUID](t, tx, `select actor_id from audit_log where user_id = $1 and action = 'user.created' and detail->>'role' = 'organizer'`, u.ID)
	if actor != admin.ID {
		t.Errorf("the log names %s, want %s", actor, admin.ID)
	}
	if _, err := store.CreateAdmin(t.Context(), "Root", "log-root2@example.org", "rowlock-demo"); err == nil {
		t.Error("an admin may have the password that the demo prints")
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	u, gone := add(t, store, account.Attendee), add(t, store, account.Attendee)
	exec(t, tx, `update users set is_active = false where id = $1`, gone.ID)

	tests := []struct {
		name, email, password string
		want                  error
	}{
		{"right", u.Email, password, nil},
		{"in capitals, with space", " " + strings.ToUpper(u.Email) + " ", password, nil},
		{"wrong password", u.Email, "a boat for four", account.ErrWrongPassword},
		{"space added to the password", u.Email, password + " ", account.ErrWrongPassword},
		{"no password", u.Email, "", account.ErrWrongPassword},
		{"unknown address", "nobody@example.org", password, account.ErrWrongPassword},
		{"unknown address, no password", "nobody@example.org", "", account.ErrWrongPassword},
		{"deactivated", gone.Email, password, account.ErrInactive},
		{"deactivated, wrong password", gone.Email, "a boat for four", account.ErrWrongPassword},
	}
	for _, tt := range tests {
		got, err := store.SignIn(t.Context(), tt.email, tt.password, home)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if tt.want == nil && got != u {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, u)
		}
	}
}

func TestMadeUpPeopleNeverSignIn(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	run, id := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	exec(t, tx, `insert into simulations (id, event_id, event_title, started_by, target, strategy, state, users, seats)
		values ($1, $1, 'E', $1, 'event', 'grouped', 'done', 1, 1)`, run)
	exec(t, tx, `insert into users (id, name, email, role, simulation_id) values ($1, 'Made up', 'made-up@example.org', 'attendee', $2)`, id, run)

	for _, guess := range []string{"", password} {
		if err := signIn(t.Context(), store, "made-up@example.org", guess); !errors.Is(err, account.ErrWrongPassword) {
			t.Errorf("got %v, want ErrWrongPassword", err)
		}
	}
	if _, err := store.ByID(t.Context(), id); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("by id: got %v, want ErrNotFound", err)
	}
}

func TestPasswordIsHashedAnewWhenParametersChange(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	old := newStore(tx)
	u := add(t, old, account.Attendee)
	hash := func() string { return value[string](t, tx, `select password_hash from users where id = $1`, u.ID) }
	before := hash()

	if err := signIn(t.Context(), old, u.Email, password); err != nil || hash() != before {
		t.Fatalf("the same parameters: got %v and another hash: %t", err, hash() != before)
	}
	dearer := account.NewStore(tx, account.NewHasher(argon2id.Params{Memory: 128, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}))
	if err := signIn(t.Context(), dearer, u.Email, "a wrong password"); !errors.Is(err, account.ErrWrongPassword) || hash() != before {
		t.Fatalf("a wrong password: got %v and another hash: %t", err, hash() != before)
	}
	if err := signIn(t.Context(), dearer, u.Email, password); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(hash(), "$m=128,t=2,p=1$") {
		t.Errorf("got %s, want today's parameters", hash())
	}
	if err := signIn(t.Context(), dearer, u.Email, password); err != nil {
		t.Errorf("with the new hash: %v", err)
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	u := add(t, store, account.Attendee)

	if err := store.Rename(t.Context(), u.ID, "  Ana Lopes "); err != nil {
		t.Fatal(err)
	}
	if got, err := store.ByID(t.Context(), u.ID); err != nil || got.Name != "Ana Lopes" {
		t.Errorf("got %+v, %v", got, err)
	}
	// Saving the same name again is no change.
	if err := store.Rename(t.Context(), u.ID, "Ana Lopes"); err != nil {
		t.Fatal(err)
	}
	logged := value[int](t, tx, `select count(*) from audit_log where action = 'user.renamed' and actor_id = $1 and user_id = $1
		and detail = jsonb_build_object('from', $2::text, 'to', 'Ana Lopes')`, u.ID, u.Name)
	if logged != 1 {
		t.Errorf("%d lines in the log, want 1", logged)
	}
	if err := store.Rename(t.Context(), u.ID, " "); err == nil {
		t.Error("a name can be emptied")
	}
	if err := store.Rename(t.Context(), uuid.New(), "Nobody"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("nobody: got %v, want ErrNotFound", err)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	u := add(t, store, account.Attendee)
	here, there := startSession(t, store, u), startSession(t, store, u)
	change := account.PasswordChange{UserID: u.ID, Current: password, New: "a boat for four", SessionID: here.ID, From: home}

	wrong := change
	wrong.Current = "not my password"
	if err := store.ChangePassword(t.Context(), wrong); !errors.Is(err, account.ErrWrongPassword) {
		t.Errorf("wrong current password: got %v", err)
	}
	weak := change
	weak.New = "password123"
	if _, ok := errors.AsType[*account.InvalidError](store.ChangePassword(t.Context(), weak)); !ok {
		t.Error("a weak password was taken")
	}
	if _, err := store.SignedIn(t.Context(), there); err != nil {
		t.Errorf("a refused change ended a session: %v", err)
	}

	if err := store.ChangePassword(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if err := signIn(t.Context(), store, u.Email, password); !errors.Is(err, account.ErrWrongPassword) {
		t.Errorf("the old password: got %v", err)
	}
	if err := signIn(t.Context(), store, u.Email, "a boat for four"); err != nil {
		t.Errorf("the new password: got %v", err)
	}
	if _, err := store.SignedIn(t.Context(), here); err != nil {
		t.Errorf("the session that asked: got %v", err)
	}
	if _, err := store.SignedIn(t.Context(), there); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("the other session: got %v, want ErrNoSession", err)
	}
	if n := value[int](t, tx, `select count(*) from audit_log where action = 'user.password_changed' and user_id = $1`, u.ID); n != 1 {
		t.Errorf("%d lines in the log, want 1", n)
	}
}
