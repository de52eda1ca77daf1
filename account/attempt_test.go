package account_test

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"rowlock/account"
	"rowlock/db/dbtest"
)

func TestAccountIsClosedAfterTenFailures(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	u := add(t, store, account.Attendee)

	// From wherever the guesses come, and in whatever case the address is.
	for i := range 10 {
		from := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		if _, err := store.SignIn(t.Context(), u.Email, "wrong", from); !errors.Is(err, account.ErrWrongPassword) {
			t.Fatalf("guess %d: got %v", i, err)
		}
	}
	err := signIn(t.Context(), store, "P"+u.Email[1:], password)
	many, ok := errors.AsType[*account.TooManyAttemptsError](err)
	if !ok || !errors.Is(err, account.ErrTooManyAttempts) {
		t.Fatalf("got %v, want too many attempts, though the password is right", err)
	}
	// All failures carry the transaction's time.
	if many.RetryAfter != 15*time.Minute {
		t.Errorf("wait %s, want 15m", many.RetryAfter)
	}
	if err := signIn(t.Context(), store, add(t, store, account.Attendee).Email, password); err != nil {
		t.Errorf("somebody else: %v", err)
	}

	exec(t, tx, `update failed_sign_ins set at = at - interval '15 minutes' where id = (select min(id) from failed_sign_ins where email = $1)`, u.Email)
	if err := signIn(t.Context(), store, u.Email, password); err != nil {
		t.Errorf("when one failure is old: %v", err)
	}
	if n := value[int](t, tx, `select count(*) from failed_sign_ins where email = $1`, u.Email); n != 0 {
		t.Errorf("%d failures count after a success, want none", n)
	}
}

func TestUnknownAddressIsClosedLikeAKnownOne(t *testing.T) {
	t.Parallel()
	store := newStore(dbtest.Tx(t))
	for range 10 {
		if err := signIn(t.Context(), store, "nobody-here@example.org", "wrong"); !errors.Is(err, account.ErrWrongPassword) {
			t.Fatal(err)
		}
	}
	if err := signIn(t.Context(), store, "nobody-here@example.org", "wrong"); !errors.Is(err, account.ErrTooManyAttempts) {
		t.Errorf("got %v: closing tells which addresses are known", err)
	}
}

func TestAddressIsClosedAfterHundredFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		first, next string
		want        error
	}{
		{"the same address", "203.0.113.7", "203.0.113.7", account.ErrTooManyAttempts},
		{"its IPv6 spelling", "203.0.113.8", "::ffff:203.0.113.8", account.ErrTooManyAttempts},
		{"another address", "203.0.113.9", "203.0.113.10", nil},
		{"the same IPv6 network", "2001:db8:1:1::1", "2001:db8:1:1:ffff::2", account.ErrTooManyAttempts},
		{"another IPv6 network", "2001:db8:1:3::1", "2001:db8:1:4::1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := newStore(dbtest.Tx(t))
			u := add(t, store, account.Attendee)
			for i := range 100 {
				_, err := store.SignIn(t.Context(), fmt.Sprintf("guess-%d@example.org", i), "wrong", netip.MustParseAddr(tt.first))
				if !errors.Is(err, account.ErrWrongPassword) {
					t.Fatalf("guess %d: got %v", i, err)
				}
			}
			_, err := store.SignIn(t.Context(), u.Email, password, netip.MustParseAddr(tt.next))
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestVisitorsWithoutAddressSignIn(t *testing.T) {
	t.Parallel()
	store := newStore(dbtest.Tx(t))
	u := add(t, store, account.Attendee)
	if _, err := store.SignIn(t.Context(), u.Email, "wrong", netip.Addr{}); !errors.Is(err, account.ErrWrongPassword) {
		t.Errorf("got %v, want ErrWrongPassword", err)
	}
	if _, err := store.SignIn(t.Context(), u.Email, password, netip.Addr{}); err != nil {
		t.Error(err)
	}
}

func TestParallelGuessesKeepTheLimit(t *testing.T) {
	t.Parallel()
	pool, stores := twoInstances(t)
	u := add(t, stores[0], account.Attendee)

	errs := race(120, func(i int) error {
		return signIn(t.Context(), stores[i%2], u.Email, "wrong")
	})
	guesses := 0
	for i, err := range errs {
		switch {
		case errors.Is(err, account.ErrWrongPassword):
			guesses++
		case !errors.Is(err, account.ErrTooManyAttempts):
			t.Errorf("guess %d: got %v", i, err)
		}
	}
	// Each instance may have a few hashes in flight when the limit is reached.
	atOnce := 2 * min(runtime.GOMAXPROCS(0), 3)
	if guesses < 10 || guesses > 10+atOnce-1 {
		t.Errorf("%d guesses were checked, want 10, and %d more at most", guesses, atOnce-1)
	}
	if n := value[int](t, pool, `select count(*) from failed_sign_ins`); n != guesses {
		t.Errorf("%d failures are counted, want %d", n, guesses)
	}
}

func TestClassBehindOneAddress(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	store := newStore(pool)
	const class = 200

	email := func(i int) string { return fmt.Sprintf("pupil-%d@school.example", i) }
	for i, err := range race(class, func(i int) error {
		_, err := store.SignUp(t.Context(), account.SignUp{Name: "Pupil", Email: email(i), Password: password})
		return err
	}) {
		if err != nil {
			t.Errorf("sign up %d: %v", i, err)
		}
	}
	// A good part of them mistypes first.
	for i, err := range race(90, func(i int) error { return signIn(t.Context(), store, email(i), "mistyped") }) {
		if !errors.Is(err, account.ErrWrongPassword) {
			t.Errorf("mistype %d: %v", i, err)
		}
	}
	for i, err := range race(class, func(i int) error { return signIn(t.Context(), store, email(i), password) }) {
		if err != nil {
			t.Errorf("sign in %d: %v", i, err)
		}
	}
}

func TestOldFailuresAreSwept(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	store := newStore(pool)
	exec(t, pool, `insert into failed_sign_ins (address, email, at)
		select '192.0.2.1', 'old@example.org', now() - interval '16 minutes' from generate_series(1, 150)`)
	exec(t, pool, `insert into failed_sign_ins (address, email) values ('192.0.2.1', 'fresh@example.org')`)

	for _, err := range race(4, func(int) error { return signIn(t.Context(), store, "nobody@example.org", "wrong") }) {
		if !errors.Is(err, account.ErrWrongPassword) {
			t.Error(err)
		}
	}
	if n := value[int](t, pool, `select count(*) from failed_sign_ins where email = 'old@example.org'`); n != 0 {
		t.Errorf("%d old failures are left", n)
	}
	if n := value[int](t, pool, `select count(*) from failed_sign_ins`); n != 5 {
		t.Errorf("%d failures are left, want 5", n)
	}
}
