package account_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/db"
	"rowlock/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// password is everybody's in tests.
const password = "a boat for three"

// home is where sign-ins come from, unless a test is about that.
var home = netip.MustParseAddr("192.0.2.1")

var people atomic.Int64

// newStore is a store on conn whose hashes cost next to nothing.
func newStore(conn db.Conn) *account.Store {
	return account.NewStore(conn, account.TestHasher())
}

// add makes a person with [password].
func add(t testing.TB, s *account.Store, role account.Role) account.User {
	t.Helper()
	n := people.Add(1)
	u, err := s.CreateUser(t.Context(), account.NewUser{
		Name: fmt.Sprintf("Person %d", n), Email: fmt.Sprintf("person-%d@example.org", n), Password: password, Role: role,
	}, uuid.Nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func exec(t testing.TB, conn db.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// value is the one value that a query finds.
func value[T any](t testing.TB, conn db.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// race runs f n times at once and returns what each ended with.
func race(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// twoInstances are stores with hashers of their own on one database, as two
// running programs have.
func twoInstances(t testing.TB) (*pgxpool.Pool, [2]*account.Store) {
	t.Helper()
	pool := dbtest.Pool(t)
	return pool, [2]*account.Store{newStore(pool), newStore(pool)}
}

// signIn tries to sign in from home.
func signIn(ctx context.Context, s *account.Store, email, password string) error {
	_, err := s.SignIn(ctx, email, password, home)
	return err
}
