package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rowlock/db"
)

// A session ends when nobody used it for SessionIdle, and after
// SessionLifetime in any case.
const (
	SessionIdle     = 30 * 24 * time.Hour
	SessionLifetime = 90 * 24 * time.Hour
)

// A click within touchEvery of the last one that was noted is not noted: most
// requests write nothing.
const touchEvery = 5 * time.Minute

// maxAgent is how much is kept of what a browser says about itself.
const maxAgent = 300

// A Session is one browser in which a person is signed in.
type Session struct {
	ID uuid.UUID
	// Agent is the browser's User-Agent header.
	Agent     string
	CreatedAt time.Time
	// LastSeenAt is some minutes behind at most.
	LastSeenAt time.Time
	ExpiresAt  time.Time
}

// A Token is what a browser keeps to be recognized by. The database has only a
// hash of its secret, so it cannot be made from what is stored.
type Token struct {
	ID     uuid.UUID
	Secret string
}

// Encode writes the token for a cookie. [ParseToken] reads it.
func (t Token) Encode() string { return t.ID.String() + "." + t.Secret }

// ParseToken reads what [Token.Encode] wrote. Anything else is no session:
// [ErrNoSession].
func ParseToken(text string) (Token, error) {
	id, secret, ok := strings.Cut(text, ".")
	parsed, err := uuid.Parse(id)
	if !ok || err != nil || secret == "" {
		return Token{}, ErrNoSession
	}
	return Token{ID: parsed, Secret: secret}, nil
}

func (t Token) hash() []byte {
	sum := sha256.Sum256([]byte(t.Secret))
	return sum[:]
}

// StartSession signs a person in and returns the only copy of the token. It
// also sweeps some sessions that are over, more than it adds.
func (s *Store) StartSession(ctx context.Context, userID uuid.UUID, agent string) (Token, error) {
	token := Token{ID: uuid.Must(uuid.NewV7()), Secret: rand.Text()}
	b := &pgx.Batch{}
	b.Queue(`
		insert into sessions (id, user_id, secret_hash, agent, expires_at)
		values ($1, $2, $3, $4, now() + $5::interval)`,
		token.ID, userID, token.hash(), cleanAgent(agent), SessionIdle)
	b.Queue(`
		delete from sessions where id in (
			select id from sessions where expires_at < now() order by expires_at limit 100
			for update skip locked)`)
	err := s.conn.SendBatch(ctx, b).Close()
	if db.Violates(err, "sessions_user_id_fkey") {
		return Token{}, ErrNotFound
	}
	if err != nil {
		return Token{}, fmt.Errorf("start a session of %s: %w", userID, err)
	}
	return token, nil
}

// Session finds whose session a token is, in one query, and notes every few
// minutes that it was used. It fails with [ErrNoSession] when the session is
// over or the person was deactivated since.
func (s *Store) Session(ctx context.Context, t Token) (User, Session, error) {
	var u User
	var found Session
	err := s.conn.QueryRow(ctx, `
		with found as (
			select s.* from sessions s
			where s.id = $1 and s.secret_hash = $2 and s.expires_at > now()
		), touched as (
			update sessions s
			set last_seen_at = now(), expires_at = least(now() + $3::interval, s.created_at + $4::interval)
			from found
			where s.id = found.id and s.last_seen_at < now() - $5::interval
		)
		select `+userColumns+`, found.id, found.agent, found.created_at, found.last_seen_at, found.expires_at
		from found join users u on u.id = found.user_id and u.is_active`,
		t.ID, t.hash(), SessionIdle, SessionLifetime, touchEvery).
		Scan(append(u.fields(), &found.ID, &found.Agent, &found.CreatedAt, &found.LastSeenAt, &found.ExpiresAt)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, Session{}, ErrNoSession
	}
	if err != nil {
		return User{}, Session{}, fmt.Errorf("find session %s: %w", t.ID, err)
	}
	return u, found, nil
}

// Sessions lists where a person is signed in, the latest used first.
func (s *Store) Sessions(ctx context.Context, userID uuid.UUID) ([]Session, error) {
	rows, err := s.conn.Query(ctx, `
		select id, agent, created_at, last_seen_at, expires_at from sessions
		where user_id = $1 and expires_at > now()
		order by last_seen_at desc, id desc`, userID)
	if err != nil {
		return nil, fmt.Errorf("list the sessions of %s: %w", userID, err)
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
	if err != nil {
		return nil, fmt.Errorf("list the sessions of %s: %w", userID, err)
	}
	return sessions, nil
}

// EndSession ends one session of a person. Another's, or one that is over
// already, is [ErrNoSession].
func (s *Store) EndSession(ctx context.Context, userID, sessionID uuid.UUID) error {
	tag, err := s.conn.Exec(ctx, `delete from sessions where id = $1 and user_id = $2`, sessionID, userID)
	if err != nil {
		return fmt.Errorf("end session %s: %w", sessionID, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoSession
	}
	return nil
}

// EndOtherSessions ends every session of a person but keep, and tells how many
// there were. With uuid.Nil it ends all.
func (s *Store) EndOtherSessions(ctx context.Context, userID, keep uuid.UUID) (int, error) {
	return endSessions(ctx, s.conn, userID, keep)
}

// endSessions is [Store.EndOtherSessions] for whoever has a transaction open.
func endSessions(ctx context.Context, conn db.Conn, userID, keep uuid.UUID) (int, error) {
	tag, err := conn.Exec(ctx, `delete from sessions where user_id = $1 and id <> $2`, userID, keep)
	if err != nil {
		return 0, fmt.Errorf("end the sessions of %s: %w", userID, err)
	}
	return int(tag.RowsAffected()), nil
}

// cleanAgent makes a header fit to be stored and shown.
func cleanAgent(agent string) string {
	agent = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, agent)
	if runes := []rune(agent); len(runes) > maxAgent {
		agent = string(runes[:maxAgent])
	}
	return agent
}

// sessionKeyBytes is the length of the key that [SessionKey] makes.
const sessionKeyBytes = 64

// SessionKey is the key that protects session cookies. The first instance to
// ask makes it; all instances of a database, at any time, get the same one.
func SessionKey(ctx context.Context, conn db.Conn) ([]byte, error) {
	fresh := make([]byte, sessionKeyBytes)
	rand.Read(fresh) //nolint:errcheck // never fails: it ends the program instead
	_, err := conn.Exec(ctx, `insert into settings (name, value) values ('session_key', $1) on conflict (name) do nothing`, fresh)
	if err != nil {
		return nil, fmt.Errorf("make the session key: %w", err)
	}
	// A statement of its own: it sees what another instance has just made.
	var key []byte
	if err := conn.QueryRow(ctx, `select value from settings where name = 'session_key'`).Scan(&key); err != nil {
		return nil, fmt.Errorf("read the session key: %w", err)
	}
	return key, nil
}
