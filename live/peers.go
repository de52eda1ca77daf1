package live

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// channel is the name under which instances meet.
	channel = "rowlock_live"
	// perNotice keeps a notice within PostgreSQL's 8,000 bytes.
	perNotice = 200
	// pulse is how long nothing may be heard before the connection is tried.
	pulse = 15 * time.Second
	// answerTimeout bounds whatever is asked of the server.
	answerTimeout = 5 * time.Second
	// firstRetry and lastRetry bound the pauses between tries to connect.
	firstRetry, lastRetry = 100 * time.Millisecond, 10 * time.Second
)

// peers are the other instances, as far as they have to be told something.
type peers struct {
	mu     sync.Mutex
	joined bool
	unsent map[uuid.UUID]struct{}
	// interrupt ends the wait for notices because there is something to tell.
	interrupt context.CancelFunc
}

func (p *peers) add(ids ...uuid.UUID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.joined {
		return
	}
	first := len(p.unsent) == 0
	for _, id := range ids {
		p.unsent[id] = struct{}{}
	}
	if first && p.interrupt != nil {
		p.interrupt()
	}
}

// take removes what fits into one notice.
func (p *peers) take() []uuid.UUID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []uuid.UUID
	for id := range p.unsent {
		if len(ids) == perNotice {
			break
		}
		ids = append(ids, id)
		delete(p.unsent, id)
	}
	return ids
}

// Join lets the hub hear of the changes of all instances on the database at
// url, and them of its own, until it is closed. It takes one connection, and
// makes another whenever that one is lost.
func (h *Hub) Join(url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("read the database URL: %w", err)
	}
	config.RuntimeParams["application_name"] = "rowlock live"
	// A notice need not outlive a crash: pages read anew after it.
	config.RuntimeParams["synchronous_commit"] = "off"
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = answerTimeout
	}

	h.peers.mu.Lock()
	h.peers.joined, h.peers.unsent = true, map[uuid.UUID]struct{}{}
	h.peers.mu.Unlock()
	h.work.Go(func() { h.keepConnected(config) })
	return nil
}

func (h *Hub) keepConnected(config *pgx.ConnConfig) {
	pause := firstRetry
	for {
		wasJoined, err := h.converse(config)
		if h.ctx.Err() != nil {
			return
		}
		h.log.Warn("live: lost touch with the other instances; pages are a few seconds late until it is back", "cause", err)
		if wasJoined {
			pause = firstRetry
		}
		select {
		// Instances that lost the same server do not come back all at once.
		case <-time.After(pause/2 + rand.N(pause)):
		case <-h.ctx.Done():
			return
		}
		pause = min(2*pause, lastRetry)
	}
}

// converse hears and tells until the connection is lost.
func (h *Hub) converse(config *pgx.ConnConfig) (joined bool, err error) {
	conn, err := pgx.ConnectConfig(h.ctx, config)
	if err != nil {
		return false, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		conn.Close(ctx) //nolint:errcheck // it is being given up
	}()
	if err := exec(h.ctx, conn, `listen `+channel); err != nil {
		return false, err
	}
	// Whatever happened before, nobody here was told.
	h.markAll()

	var told time.Time
	for {
		notice, err := h.hear(conn, told.Add(minPause))
		if err != nil {
			return true, err
		}
		if notice != nil {
			h.heed(conn, notice)
		}
		if time.Since(told) < minPause {
			continue
		}
		sent, err := h.tell(conn)
		if err != nil {
			return true, err
		}
		if sent {
			told = time.Now()
		}
	}
}

// hear waits for a notice. It returns without one when there is something to
// tell and it is time for it, and when nothing was heard for a pulse but the
// connection stands.
func (h *Hub) hear(conn *pgx.Conn, due time.Time) (*pgconn.Notification, error) {
	until := time.Now().Add(pulse)
	p := &h.peers
	p.mu.Lock()
	isDue := len(p.unsent) > 0
	if isDue {
		until = due
	}
	ctx, cancel := context.WithDeadline(h.ctx, until)
	if !isDue {
		p.interrupt = cancel
	}
	p.mu.Unlock()
	defer cancel()

	notice, err := conn.WaitForNotification(ctx)
	p.mu.Lock()
	p.interrupt = nil
	p.mu.Unlock()

	switch {
	case err == nil:
		return notice, nil
	case h.ctx.Err() != nil, ctx.Err() == nil, conn.IsClosed():
		return nil, fmt.Errorf("wait for notices: %w", err)
	case !isDue && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, exec(h.ctx, conn, `select`)
	}
	return nil, nil
}

// heed marks what a notice names. Our own notices come back to us: what they
// name was marked before.
func (h *Hub) heed(conn *pgx.Conn, notice *pgconn.Notification) {
	if notice.PID == conn.PgConn().PID() {
		return
	}
	var ids []uuid.UUID
	for text := range strings.FieldsSeq(notice.Payload) {
		if id, err := uuid.Parse(text); err == nil {
			ids = append(ids, id)
		}
	}
	h.mark(ids...)
}

// tell sends one notice, if there is anything to tell. What could not be sent
// is kept for the next connection.
func (h *Hub) tell(conn *pgx.Conn) (sent bool, err error) {
	ids := h.peers.take()
	if len(ids) == 0 {
		return false, nil
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	if err := exec(h.ctx, conn, `select pg_notify($1, $2)`, channel, strings.Join(texts, " ")); err != nil {
		h.peers.add(ids...)
		return false, err
	}
	return true, nil
}

func exec(ctx context.Context, conn *pgx.Conn, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, err := conn.Exec(ctx, sql, args...)
	return err
}
