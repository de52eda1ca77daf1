// Package faults breaks what a desk stands on: connections, also exactly while
// a commit is on its way, and disks.
package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Fate is what becomes of a commit on its way to the server.
type Fate int

// The fates of a commit. But for Pass, the client sees its connection break
// and cannot know which it was.
const (
	Pass Fate = iota
	// CutBefore: the server never gets the commit.
	CutBefore
	// CutBoth: the server gets it and at once sees the connection break.
	CutBoth
	// CutAfter: the server commits, and its answer is lost.
	CutAfter
	// Late: the server gets it some time after the client saw the connection
	// break.
	Late
	fates
)

func (f Fate) String() string {
	return [...]string{"passed", "cut before", "cut both ways", "cut after", "delivered late"}[f]
}

// A Proxy stands between clients and a PostgreSQL server, and knows enough of
// the protocol to see a commit go by.
type Proxy struct {
	listener        net.Listener
	network, server string
	credentials     *url.Userinfo

	mu     sync.Mutex
	links  map[*link]struct{}
	closed bool
	judge  func() Fate
	delay  func() time.Duration

	counts  [fates]atomic.Int64
	serving sync.WaitGroup
}

// NewProxy listens on this machine and hands everything on to the server that
// the connection string names.
func NewProxy(ctx context.Context, server string) (*Proxy, error) {
	config, err := pgconn.ParseConfig(server)
	if err != nil {
		return nil, fmt.Errorf("read the connection string: %w", err)
	}
	p := &Proxy{links: map[*link]struct{}{}, credentials: url.UserPassword(config.User, config.Password)}
	p.network, p.server = pgconn.NetworkAddress(config.Host, config.Port)
	p.judge, p.delay = always(Pass), always(time.Duration(0))
	if p.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen for the proxy: %w", err)
	}
	p.serving.Go(p.serve)
	return p, nil
}

func always[T any](v T) func() T { return func() T { return v } }

// URL is the connection string of a database behind the proxy.
func (p *Proxy) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: p.credentials, Host: p.listener.Addr().String(), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Judge has f decide about each commit from now on; any number of them may ask
// at once. Nil lets all pass.
func (p *Proxy) Judge(f func() Fate) {
	if f == nil {
		f = always(Pass)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge = f
}

// Delay holds up whatever passes, in either direction, for as long as f says
// each time. Nil lets it pass at once.
func (p *Proxy) Delay(f func() time.Duration) {
	if f == nil {
		f = always(time.Duration(0))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = f
}

// Cut breaks all connections, wherever they are in what they say, and returns
// how many.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
	return len(p.links)
}

// Leave takes no new connections and breaks all but those whose commit meets
// its fate right now, which break of themselves. Whoever judges may call it.
func (p *Proxy) Leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.listener.Close() //nolint:errcheck // nobody is told
	for l := range p.links {
		if !l.judged.Load() {
			l.cut()
		}
	}
}

// Count tells how many commits met a fate so far.
func (p *Proxy) Count(f Fate) int { return int(p.counts[f].Load()) }

// Close breaks all connections and takes no new ones.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.listener.Close() //nolint:errcheck // nobody is told
	p.Cut()
	p.serving.Wait()
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.carry(client) })
	}
}

// carry joins one client to the server until either hangs up.
func (p *Proxy) carry(client net.Conn) {
	defer client.Close() //nolint:errcheck // nobody is told
	server, err := new(net.Dialer).DialContext(context.Background(), p.network, p.server)
	if err != nil {
		return
	}
	l := &link{proxy: p, client: client, server: server, commits: map[string]bool{}}
	if !p.add(l) {
		l.cut()
		return
	}
	defer p.remove(l)

	var answers sync.WaitGroup
	answers.Go(l.carryAnswers)
	l.carryRequests()
	answers.Wait()
}

func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.links[l] = struct{}{}
	}
	return !p.closed
}

func (p *Proxy) remove(l *link) {
	l.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

func (p *Proxy) fate() Fate {
	p.mu.Lock()
	judge := p.judge
	p.mu.Unlock()
	f := judge()
	p.counts[f].Add(1)
	return f
}

func (p *Proxy) wait() {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	if d := delay(); d > 0 {
		time.Sleep(d)
	}
}

// A link is one client's connection.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	// commits names the prepared statements that say commit.
	commits map[string]bool
	// judged tells that a commit meets its fate.
	judged atomic.Bool
	// deaf tells that the client gets no answer any more.
	deaf atomic.Bool
}

func (l *link) cut() {
	l.client.Close() //nolint:errcheck // a cut is a cut
	l.server.Close() //nolint:errcheck // a cut is a cut
}

// carryRequests hands on what the client says, message by message, up to a
// commit that is not to pass.
func (l *link) carryRequests() {
	from, to := bufio.NewReader(l.client), bufio.NewWriter(l.server)
	if !l.carryGreeting(from, to) {
		l.cut()
		return
	}
	for {
		m, err := readMessage(from)
		if err != nil {
			l.cut()
			return
		}
		if l.isCommit(m) {
			l.judged.Store(true)
			if fate := l.proxy.fate(); fate != Pass {
				l.suffer(fate, m, from, to)
				return
			}
			l.judged.Store(false)
		}
		to.Write(m) //nolint:errcheck // Flush tells
		if from.Buffered() > 0 {
			continue
		}
		l.proxy.wait()
		if to.Flush() != nil {
			l.cut()
			return
		}
	}
}

// carryGreeting hands on the first message, which alone has no type.
func (l *link) carryGreeting(from *bufio.Reader, to *bufio.Writer) bool {
	size, err := from.Peek(4)
	if err != nil {
		return false
	}
	if _, err := io.CopyN(to, from, int64(binary.BigEndian.Uint32(size))); err != nil {
		return false
	}
	return to.Flush() == nil
}

// suffer deals with a commit, the message m, and ends the connection.
func (l *link) suffer(fate Fate, m []byte, from *bufio.Reader, to *bufio.Writer) {
	if fate == CutBefore {
		if rand.N(2) == 0 {
			to.Flush() //nolint:errcheck // what came before the commit may arrive or not
		}
		l.cut()
		return
	}
	// A commit is asked for in several messages; the last of them is a sync.
	for {
		to.Write(m) //nolint:errcheck // Flush tells
		if m[0] == 'S' || m[0] == 'Q' {
			break
		}
		var err error
		if m, err = readMessage(from); err != nil {
			l.cut()
			return
		}
	}
	l.deaf.Store(true)
	if fate == Late {
		l.client.Close() //nolint:errcheck // a cut is a cut
		time.Sleep(lateness/2 + rand.N(lateness))
	}
	to.Flush() //nolint:errcheck // it is cut either way
	if fate == CutBoth {
		l.cut()
	}
	// Else carryAnswers cuts once the server has committed.
}

// lateness is about how long a late commit is held back: long enough for the
// client to try again in the meantime.
const lateness = 150 * time.Millisecond

// carryAnswers hands on what the server says, until the client is not to hear
// it any more; then it waits for the end of the commit.
func (l *link) carryAnswers() {
	defer l.cut()
	from, to := bufio.NewReader(l.server), bufio.NewWriter(l.client)
	for {
		m, err := readMessage(from)
		if err != nil {
			return
		}
		if l.deaf.Load() {
			if m[0] == 'Z' { // ready for the next: the commit is through
				return
			}
			continue
		}
		to.Write(m) //nolint:errcheck // Flush tells
		if from.Buffered() > 0 {
			continue
		}
		l.proxy.wait()
		if to.Flush() != nil {
			return
		}
	}
}

// isCommit tells whether a message asks for a commit, and remembers which
// prepared statements will.
func (l *link) isCommit(m []byte) bool {
	switch body := m[5:]; m[0] {
	case 'Q':
		return saysCommit(body)
	case 'P': // parse: name, statement
		name, rest, _ := bytes.Cut(body, []byte{0})
		l.commits[string(name)] = saysCommit(rest)
	case 'B': // bind: portal, name
		_, rest, _ := bytes.Cut(body, []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		return l.commits[string(name)]
	}
	return false
}

func saysCommit(text []byte) bool {
	statement, _, _ := bytes.Cut(text, []byte{0})
	return strings.EqualFold(strings.TrimSpace(string(statement)), "commit")
}

// readMessage reads a type, a length and what follows.
func readMessage(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(5)
	if err != nil {
		return nil, err
	}
	m := make([]byte, 1+int(binary.BigEndian.Uint32(head[1:])))
	_, err = io.ReadFull(r, m)
	return m, err
}
