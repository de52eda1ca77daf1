package account_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/db"
	"rowlock/db/dbtest"
)

func startSession(t testing.TB, s *account.Store, u account.User) account.Token {
	t.Helper()
	token, err := s.StartSession(t.Context(), u.ID, "Firefox")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSession(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	u := add(t, store, account.Organizer)
	token := startSession(t, store, u)

	parsed, err := account.ParseToken(token.Encode())
	if err != nil || parsed != token {
		t.Fatalf("parse: got %+v, %v", parsed, err)
	}
	if got, err := store.SignedIn(t.Context(), parsed); err != nil || got != u {
		t.Errorf("got %+v, %v", got, err)
	}
	if stored := value[string](t, tx, `select s::text from sessions s where id = $1`, token.ID); strings.Contains(stored, token.Secret) {
		t.Error("the secret is in the database")
	}

	forged := token
	forged.Secret = startSession(t, store, u).Secret
	if _, err := store.SignedIn(t.Context(), forged); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("another session's secret: got %v, want ErrNoSession", err)
	}
	for _, text := range []string{"", ".", token.ID.String(), token.ID.String() + ".", "x." + token.Secret} {
		if _, err := account.ParseToken(text); !errors.Is(err, account.ErrNoSession) {
			t.Errorf("parse %q: got %v, want ErrNoSession", text, err)
		}
	}
	if _, err := store.StartSession(t.Context(), uuid.New(), ""); err == nil {
		t.Error("nobody got a session")
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		end  func(t *testing.T, conn db.Conn, s *account.Store, u account.User, token account.Token)
	}{
		{"when it is ended", func(t *testing.T, _ db.Conn, s *account.Store, u account.User, token account.Token) {
			if err := s.EndSession(t.Context(), u.ID, token.ID); err != nil {
				t.Error(err)
			}
			if err := s.EndSession(t.Context(), u.ID, token.ID); !errors.Is(err, account.ErrNoSession) {
				t.Errorf("twice: got %v, want ErrNoSession", err)
			}
		}},
		{"when the others are ended", func(t *testing.T, _ db.Conn, s *account.Store, u account.User, _ account.Token) {
			other := startSession(t, s, u)
			if n, err := s.EndOtherSessions(t.Context(), u.ID, other.ID); n != 1 || err != nil {
				t.Errorf("got %d, %v, want 1", n, err)
			}
			if _, err := s.SignedIn(t.Context(), other); err != nil {
				t.Errorf("the session to keep: %v", err)
			}
		}},
		{"when all are ended", func(t *testing.T, _ db.Conn, s *account.Store, u account.User, _ account.Token) {
			if n, err := s.EndOtherSessions(t.Context(), u.ID, uuid.Nil); n != 1 || err != nil {
				t.Errorf("got %d, %v, want 1", n, err)
			}
		}},
		{"when the person is deactivated", func(t *testing.T, conn db.Conn, _ *account.Store, u account.User, _ account.Token) {
			exec(t, conn, `update users set is_active = false where id = $1`, u.ID)
		}},
		{"when it expires", func(t *testing.T, conn db.Conn, _ *account.Store, _ account.User, token account.Token) {
			exec(t, conn, `update sessions set expires_at = now() where id = $1`, token.ID)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tx := dbtest.Tx(t)
			store := newStore(tx)
			u, neighbour := add(t, store, account.Attendee), add(t, store, account.Attendee)
			token, next := startSession(t, store, u), startSession(t, store, neighbour)
			if _, err := store.SignedIn(t.Context(), token); err != nil {
				t.Fatalf("before: %v", err)
			}
			tt.end(t, tx, store, u, token)
			if _, err := store.SignedIn(t.Context(), token); !errors.Is(err, account.ErrNoSession) {
				t.Errorf("got %v, want ErrNoSession", err)
			}
			if _, err := store.SignedIn(t.Context(), next); err != nil {
				t.Errorf("somebody else's session: %v", err)
			}
		})
	}
}

// Look-ups that come together share a query: still nobody is recognized by a
// query that began before they signed out, or by somebody else's secret.
func TestSessionsEndAtOnceInARush(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	store := newStore(pool)
	rush, end := context.WithCancel(t.Context())
	var visitors sync.WaitGroup
	for range 8 {
		token := startSession(t, store, add(t, store, account.Attendee))
		forged := account.Token{ID: token.ID, Secret: "guessed"}
		visitors.Go(func() {
			for rush.Err() == nil {
				if u, err := store.SignedIn(t.Context(), token); err != nil || u.Name == "" {
					t.Errorf("a visitor in the rush: %v", err)
				}
			}
		})
		visitors.Go(func() {
			for rush.Err() == nil {
				if _, err := store.SignedIn(t.Context(), forged); !errors.Is(err, account.ErrNoSession) {
					t.Errorf("a guessed secret: got %v, want ErrNoSession", err)
				}
			}
		})
	}
	u := add(t, store, account.Attendee)
	for i := range 50 {
		token := startSession(t, store, u)
		if got, err := store.SignedIn(t.Context(), token); err != nil || got.ID != u.ID {
			t.Errorf("signed in: got %+v, %v", got, err)
		}
		if i%2 == 0 {
			if err := store.EndSession(t.Context(), u.ID, token.ID); err != nil {
				t.Error(err)
			}
		} else {
			exec(t, pool, `update users set is_active = false where id = $1`, u.ID)
		}
		if _, err := store.SignedIn(t.Context(), token); !errors.Is(err, account.ErrNoSession) {
			t.Errorf("signed out or deactivated: got %v, want ErrNoSession", err)
		}
		exec(t, pool, `update users set is_active = true where id = $1`, u.ID)
	}
	end()
	visitors.Wait()
}

func TestNobodyEndsAnothersSession(t *testing.T) {
	t.Parallel()
	store := newStore(dbtest.Tx(t))
	u, other := add(t, store, account.Attendee), add(t, store, account.Attendee)
	token := startSession(t, store, u)
	if err := store.EndSession(t.Context(), other.ID, token.ID); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("got %v, want ErrNoSession", err)
	}
	if _, err := store.SignedIn(t.Context(), token); err != nil {
		t.Errorf("the session: %v", err)
	}
}

func TestSessionSlides(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name              string
		age, idle         time.Duration
		wantNoted         bool
		wantExpiresIn     time.Duration
		startedToExpireIn time.Duration
	}{
		{"a click right after another is not noted", time.Hour, 4 * time.Minute, false, time.Hour, time.Hour},
		{"a click some minutes later gives 30 days more", time.Hour, 6 * time.Minute, true, account.SessionIdle, time.Hour},
		{"but never more than 90 days in all", 89 * 24 * time.Hour, 24 * time.Hour, true, 24 * time.Hour, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tx := dbtest.Tx(t)
			store := newStore(tx)
			token := startSession(t, store, add(t, store, account.Attendee))
			exec(t, tx, `update sessions set created_at = now() - $2::interval, last_seen_at = now() - $3::interval, expires_at = now() + $4::interval where id = $1`,
				token.ID, tt.age, tt.idle, tt.startedToExpireIn)

			if _, err := store.SignedIn(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			// The clock of a transaction stands still.
			noted := value[bool](t, tx, `select last_seen_at = now() from sessions where id = $1`, token.ID)
			if noted != tt.wantNoted {
				t.Errorf("noted: %t, want %t", noted, tt.wantNoted)
			}
			if in := value[time.Duration](t, tx, `select extract(epoch from expires_at - now())::bigint * 1000000000 from sessions where id = $1`, token.ID); in != tt.wantExpiresIn {
				t.Errorf("expires in %s, want %s", in, tt.wantExpiresIn)
			}
		})
	}
}

func TestSessionsListsWhereAPersonIsSignedIn(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	u := add(t, store, account.Attendee)
	startSession(t, store, add(t, store, account.Attendee))
	early, late, over := startSession(t, store, u), startSession(t, store, u), startSession(t, store, u)
	exec(t, tx, `update sessions set last_seen_at = now() - interval '1 hour' where id = $1`, early.ID)
	exec(t, tx, `update sessions set expires_at = now() - interval '1 second' where id = $1`, over.ID)

	got, err := store.Sessions(t.Context(), u.ID)
	if err != nil || len(got) != 2 || got[0].ID != late.ID || got[1].ID != early.ID {
		t.Errorf("got %+v, %v, want the two that are not over, the latest used first", got, err)
	}
}

func TestSessionsThatAreOverAreSwept(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	u := add(t, store, account.Attendee)
	startSession(t, store, u)
	exec(t, tx, `update sessions set expires_at = now() - interval '1 second' where user_id = $1`, u.ID)
	current := startSession(t, store, u)
	if left := value[uuid.UUID](t, tx, `select id from sessions where user_id = $1`, u.ID); left != current.ID {
		t.Errorf("left %s, want %s", left, current.ID)
	}
	if n := value[int](t, tx, `select count(*) from sessions where user_id = $1`, u.ID); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

func TestAgentIsKeptClean(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	store := newStore(tx)
	u := add(t, store, account.Attendee)
	for _, agent := range []string{"a\x00b\xff\r\nc", strings.Repeat("ü", 5000)} {
		if _, err := store.StartSession(t.Context(), u.ID, agent); err != nil {
			t.Errorf("%.10q: %v", agent, err)
		}
	}
	if n := value[int](t, tx, `select count(*) from sessions where user_id = $1 and (agent = 'abc' or length(agent) = 300)`, u.ID); n != 2 {
		t.Errorf("%d are clean, want 2", n)
	}
}

func TestSessionKeyIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	keys := make([][]byte, 20)
	for _, err := range race(len(keys), func(i int) (err error) {
		keys[i], err = account.SessionKey(t.Context(), pool)
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	for _, key := range keys {
		if len(key) != 64 || !bytes.Equal(key, keys[0]) {
			t.Fatalf("got keys %x and %x", keys[0], key)
		}
	}
	if bytes.Equal(keys[0], make([]byte, 64)) {
		t.Error("the key is all zeros")
	}
}
