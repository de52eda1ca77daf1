package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
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

func (t Token) hash() secretHash { return sha256.Sum256([]byte(t.Secret)) }

// StartSession signs a person in and returns the only copy of the token. It
// also sweeps some sessions that are over, more than it adds.
func (s *Store) StartSession(ctx context.Context, userID uuid.UUID, agent string) (Token, error) {
	token := Token{ID: uuid.Must(uuid.NewV7()), Secret: rand.Text()}
	hash := token.hash()
	b := &pgx.Batch{}
	b.Queue(`
		insert into sessions (id, user_id, secret_hash, agent, expires_at)
		values ($1, $2, $3, $4, now() + $5::interval)`,
		token.ID, userID, hash[:], cleanAgent(agent), SessionIdle)
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

// SignedIn finds whose session a token is, and notes every few minutes that it
// was used. Those who ask at the same time share a query, which begins after
// the last of them asked. It fails with [ErrNoSession] when the session is
// over or the person was deactivated since.
func (s *Store) SignedIn(ctx context.Context, t Token) (User, error) {
	user, ok, err := s.sessions.Get(ctx, sessionKey{t.ID, t.hash()})
	if err != nil {
		return User{}, fmt.Errorf("find session %s: %w", t.ID, err)
	}
	if !ok {
		return User{}, ErrNoSession
	}
	return *user, nil
}

// A sessionKey is what a session is found by.
type sessionKey struct {
	id   uuid.UUID
	hash secretHash
}

type secretHash [sha256.Size]byte

// findSessions finds those of the sessions that are not over, of people who
// are active.
func (s *Store) findSessions(ctx context.Context, keys []sessionKey) (map[sessionKey]*User, error) {
	ids := make([]uuid.UUID, len(keys))
	for i, k := range keys {
		ids[i] = k.id
	}
	rows, err := s.conn.Query(ctx, `
		select `+userColumns+`, s.id, s.secret_hash, s.last_seen_at < now() - $2::interval
		from sessions s join users u on u.id = s.user_id and u.is_active
		where s.id = any($1) and s.expires_at > now()`, ids, touchEvery)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]*storedSession, len(keys))
	var row storedSession
	_, err = pgx.ForEachRow(rows, append(row.user.fields(), &row.id, &row.hash, &row.isUnnoted), func() error {
		stored := row
		byID[row.id] = &stored
		return nil
	})
	if err != nil {
		return nil, err
	}

	found := make(map[sessionKey]*User, len(keys))
	var unnoted []uuid.UUID
	for _, k := range keys {
		stored, ok := byID[k.id]
		if !ok || subtle.ConstantTimeCompare(stored.hash, k.hash[:]) == 0 {
			continue
		}
		if _, again := found[k]; stored.isUnnoted && !again {
			unnoted = append(unnoted, k.id)
		}
		found[k] = &stored.user
	}
	if len(unnoted) == 0 {
		return found, nil
	}
	return found, s.noteUse(ctx, unnoted)
}

// A storedSession is a row that findSessions reads.
type storedSession struct {
	id   uuid.UUID
	user User
	hash []byte
	// isUnnoted tells that the last use that was noted is a while ago.
	isUnnoted bool
}

// noteUse keeps sessions from ending for want of use. One that another
// instance notes or ends at this moment is left to it: two instances must not
// wait for each other's rows.
func (s *Store) noteUse(ctx context.Context, ids []uuid.UUID) error {
	_, err := s.conn.Exec(ctx, `
		update sessions
		set last_seen_at = now(), expires_at = least(now() + $2::interval, created_at + $3::interval)
		where id in (select id from sessions where id = any($1) for update skip locked)`,
		ids, SessionIdle, SessionLifetime)
	return err
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
