package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"rowlock/booking"
	"rowlock/db/embedded"
	"rowlock/live"
	"rowlock/web"
)

// livePages is how many people look at one event on one instance.
const livePages = 5_000

// openPages measures what pages that are open cost the instance that serves
// them. Bookings come from a desk of another instance on the same database:
// this program.
func openPages(ctx context.Context, b *bench) error {
	s, err := b.newStage(ctx, 6)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	event, err := s.event(ctx, 100_000)
	if err != nil {
		return err
	}
	url := b.server.URL(embedded.Database)
	key := []byte(strings.Repeat("a key of the program's for cookies", 2))
	// Each page comes from an address of its own, as behind a proxy.
	p, err := startProgram(ctx, b.dir, "--database-url", url, "--trusted-proxies", "127.0.0.1", "--session-key", base64.StdEncoding.EncodeToString(key))
	if err != nil {
		return err
	}
	hub := live.NewHub(slog.Default())
	defer hub.Close()
	if err := hub.Join(url); err != nil {
		return err
	}
	r := &rushHour{stage: s, desk: booking.NewDesk(s.pool, slog.Default(), hub.Changed), event: event, key: key}
	watched, err := r.measure(ctx, b, p)
	if err != nil {
		p.stop()
		return err
	}
	start := time.Now()
	p.stop()
	b.printf("| stop the program while they are open | %.2f s |\n", time.Since(start).Seconds())
	watched.wait()
	return nil
}

// rushHour is an event that people book while others look.
type rushHour struct {
	*stage
	desk  *booking.Desk
	event uuid.UUID
	// key signs the cookies of the program that serves the pages.
	key []byte
}

func (r *rushHour) measure(ctx context.Context, b *bench, p *program) (*audience, error) {
	b.printf("One instance serves %d open pages of one event; the bookings come through another. Processor time is that\nof the serving program, of one core; the readers share the machine with it.\n\n| what | result |\n|---|---|\n", livePages)
	quiet, err := r.bookSlowly(ctx, 20, time.Second, nil)
	if err != nil {
		return nil, err
	}
	quietThere, err := r.bookThrough(ctx, p, 20, time.Second)
	if err != nil {
		return nil, err
	}
	before, err := p.resident("VmRSS")
	if err != nil {
		return nil, err
	}
	a, took, err := openAudience(ctx, strings.TrimPrefix(p.url, "http://"), r.event)
	if err != nil {
		return nil, err
	}
	after, err := p.resident("VmRSS")
	if err != nil {
		return a, err
	}
	b.printf("| open %d streams at once, each with its first state | %.1f s |\n", livePages, took.Seconds())
	b.printf("| memory, resident | %d MiB before, %d MiB with them: %.0f KiB a page |\n", before, after, float64(after-before)*1024/livePages)

	used, err := p.busy(func() error { return sleep(ctx, 20*time.Second) })
	if err != nil {
		return a, err
	}
	b.printf("| processor, nothing happens | %.1f %% |\n", 100*used)

	told := a.messages.Load()
	var rush time.Duration
	used, err = p.busy(func() error {
		start := time.Now()
		defer func() { rush = time.Since(start) }()
		_, err := r.bookSlowly(ctx, 500, 20*time.Millisecond, nil)
		return err
	})
	if err != nil {
		return a, err
	}
	perSecond := float64(a.messages.Load()-told) / rush.Seconds()
	b.printf("| processor, %.0f bookings a second | %.0f %%, for %.0f messages a second: each page hears %.1f times a second |\n",
		500/rush.Seconds(), 100*used, perSecond, perSecond/livePages)

	if err := sleep(ctx, 2*time.Second); err != nil {
		return a, err
	}
	var reach spread
	busy, err := r.bookSlowly(ctx, 20, time.Second, func(left int) { reach = append(reach, milliseconds(a.untilAllSee(left))) })
	if err != nil {
		return a, err
	}
	b.printf("| from the answer to a booking until all %d pages show it | %s ms |\n", livePages, reach.text(0))
	busyThere, err := r.bookThrough(ctx, p, 20, time.Second)
	if err != nil {
		return a, err
	}
	b.printf("| a booking at the other instance, without open pages and with them | %s ms, %s ms |\n", quiet.text(1), busy.text(1))
	b.printf("| the same through the instance that serves them, by HTTP | %s ms, %s ms |\n", quietThere.text(1), busyThere.text(1))
	return a, nil
}

// bookThrough is [rushHour.bookSlowly] by HTTP, through the program that
// serves the pages.
func (r *rushHour) bookThrough(ctx context.Context, p *program, n int, pause time.Duration) (spread, error) {
	people, err := r.people(ctx, n)
	if err != nil {
		return nil, err
	}
	cookies, err := r.signIn(ctx, people, web.Config{BaseURL: p.url, SessionKey: r.key})
	if err != nil {
		return nil, err
	}
	var waits spread
	for _, cookie := range cookies {
		start := time.Now()
		if err := p.book(ctx, r.event, cookie); err != nil {
			return nil, err
		}
		waits = append(waits, milliseconds(time.Since(start)))
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
	return waits, nil
}

// book sends one person's request to book.
func (p *program) book(ctx context.Context, event uuid.UUID, cookie string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/events/"+event.String()+"/book", http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Cookie", cookie)
	got, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer got.Body.Close() //nolint:errcheck // it is read to its end
	answer, err := io.ReadAll(got.Body)
	if err == nil && got.StatusCode != http.StatusOK {
		err = fmt.Errorf("book: %s: %s", got.Status, answer)
	}
	return err
}

// bookSlowly lets n people book one after the other, with a pause between
// them. It returns how many milliseconds each waited for the answer. then,
// where not nil, is told how many seats are left after each.
func (r *rushHour) bookSlowly(ctx context.Context, n int, pause time.Duration, then func(left int)) (spread, error) {
	people, err := r.people(ctx, n)
	if err != nil {
		return nil, err
	}
	var waits spread
	for _, person := range people {
		start := time.Now()
		if _, err := r.desk.Book(ctx, booking.Request{EventID: r.event, UserID: person}); err != nil {
			return nil, err
		}
		waits = append(waits, milliseconds(time.Since(start)))
		if then != nil {
			e, _, err := booking.Find(ctx, r.pool, r.event, uuid.Nil)
			if err != nil {
				return nil, err
			}
			then(e.SeatsRemaining)
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
	return waits, nil
}

// An audience is open pages of one event.
type audience struct {
	messages atomic.Int64
	readers  sync.WaitGroup

	mu sync.Mutex
	// seen counts the pages that show so many seats left.
	seen map[int]int
	// changed is closed, and made anew, when everyone sees the same.
	changed *sync.Cond
}

// openAudience opens the streams, a few hundred at once, and waits until each
// has told its first state.
func openAudience(ctx context.Context, address string, event uuid.UUID) (*audience, time.Duration, error) {
	a := &audience{seen: map[int]int{}}
	a.changed = sync.NewCond(&a.mu)
	start := time.Now()
	gate := make(chan struct{}, 200)
	opened := make(chan error, livePages)
	for i := range livePages {
		a.readers.Go(func() {
			gate <- struct{}{}
			conn, err := openPage(ctx, address, event, i)
			<-gate
			opened <- err
			if err == nil {
				a.read(conn)
			}
		})
	}
	for range livePages {
		if err := <-opened; err != nil {
			return nil, 0, fmt.Errorf("open a page: %w", err)
		}
	}
	a.mu.Lock()
	for a.watching() < livePages {
		a.changed.Wait()
	}
	a.mu.Unlock()
	return a, time.Since(start), nil
}

func openPage(ctx context.Context, address string, event uuid.UUID, i int) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET /events/%s/live HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\nX-Forwarded-For: 10.1.%d.%d\r\n\r\n",
		event, address, i/250, i%250+1)
	return conn, err
}

var seatsLeft = []byte(`data-seats-remaining="`)

// read follows one stream until it ends.
func (a *audience) read(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // it was read to its end
	lines := bufio.NewReaderSize(conn, 4096)
	shown := -1
	for {
		line, err := lines.ReadSlice('\n')
		if i := bytes.Index(line, seatsLeft); i >= 0 {
			number, _, _ := bytes.Cut(line[i+len(seatsLeft):], []byte(`"`))
			left, _ := strconv.Atoi(string(number))
			a.messages.Add(1)
			a.show(shown, left)
			shown = left
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func (a *audience) show(before, now int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if before >= 0 {
		if a.seen[before]--; a.seen[before] == 0 {
			delete(a.seen, before)
		}
	}
	if a.seen[now]++; a.seen[now] == livePages {
		a.changed.Broadcast()
	}
}

// watching counts the pages that show anything.
func (a *audience) watching() (n int) {
	for _, pages := range a.seen {
		n += pages
	}
	return n
}

// untilAllSee waits until every page shows so many seats.
func (a *audience) untilAllSee(left int) time.Duration {
	start := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.seen[left] < livePages {
		a.changed.Wait()
	}
	return time.Since(start)
}

// wait returns when every stream has ended.
func (a *audience) wait() { a.readers.Wait() }

// busy tells what share of one core the program used during f.
func (p *program) busy(f func() error) (float64, error) {
	before, err := p.processorTime()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return 0, err
	}
	took := time.Since(start)
	after, err := p.processorTime()
	return (after - before).Seconds() / took.Seconds(), err
}

// processorTime is what the program has used so far, where the system tells
// it, in hundredths of a second.
func (p *program) processorTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name in brackets may hold spaces; user and system time are the
	// twelfth and thirteenth field after it.
	_, rest, _ := bytes.Cut(text, []byte(") "))
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return 0, io.ErrUnexpectedEOF
	}
	var ticks int
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
