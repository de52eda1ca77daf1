package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db/embedded"
)

// visitors is how many people book through HTTP, each signed in with a cookie
// of their own, and how many requests are under way at once.
const visitors = 1000

// throughHTTP measures bookings as browsers make them, against a server that
// says hello: both asked by wrk, which shares the processors with them.
func throughHTTP(ctx context.Context, b *bench) error {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.printf("Not measured: it needs wrk (Debian's package of that name).\n")
		return nil
	}
	s, err := b.newStage(ctx, 6)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	p, err := startProgram(ctx, b.dir, "--database-url", b.server.URL(embedded.Database))
	if err != nil {
		return err
	}
	defer p.stop()
	cookies, err := s.signInAll(ctx, p)
	if err != nil {
		return err
	}
	hello, stopHello, err := serveHello()
	if err != nil {
		return err
	}
	defer stopHello()

	var booked, greeted, ratio, p99 spread
	for round := range b.rounds + 1 {
		load, err := s.bookThroughHTTP(ctx, b.dir, p.url, cookies)
		if err != nil {
			return err
		}
		baseline, err := wrk(ctx, hello, "")
		if err != nil {
			return err
		}
		if round == 0 {
			continue
		}
		booked, greeted = append(booked, load.perSecond), append(greeted, baseline.perSecond)
		ratio, p99 = append(ratio, load.perSecond/baseline.perSecond), append(p99, load.p99)
	}
	b.printf("%d people, each signed in through the sign-in form and sending their own cookie, keep %d booking requests under\nway on one event after another for some seconds, each request a new booking. wrk, the program and PostgreSQL\nshare the processors. The same load on a `net/http` server that only says hello is the limit that HTTP sets.\nNo request failed.\n\n", visitors, visitors)
	b.printf("| | requests/s | p99 ms |\n|---|---|---|\n| book a seat | %s | %s |\n| hello | %s | |\n| **ratio** | **%s** | |\n",
		booked.text(0), p99.text(0), greeted.text(0), ratio.text(2))
	return nil
}

// signInAll makes people who share one password and signs each of them in. It
// returns their cookies.
func (s *stage) signInAll(ctx context.Context, p *program) ([]string, error) {
	const password = "steady at the catch"
	store := account.NewStore(s.pool, account.NewHasher(account.Recommended))
	first, err := store.CreateUser(ctx, account.NewUser{
		Name: "Person", Email: uuid.NewString() + "@example.org", Password: password, Role: account.Attendee,
	}, uuid.Nil)
	if err != nil {
		return nil, err
	}
	people, err := s.people(ctx, visitors)
	if err != nil {
		return nil, err
	}
	_, err = s.pool.Exec(ctx, `update users set password_hash = (select password_hash from users where id = $1) where id = any($2)`, first.ID, people)
	if err != nil {
		return nil, err
	}

	cookies := make([]string, len(people))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(50)
	for i, person := range people {
		work.Go(func() (err error) {
			cookies[i], err = p.cookie(ctx, url.Values{"email": {person.String() + "@example.org"}, "password": {password}})
			return err
		})
	}
	return cookies, work.Wait()
}

// cookie signs in and returns what the browser would send from then on.
func (p *program) cookie(ctx context.Context, form url.Values) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer got.Body.Close() //nolint:errcheck // nothing in it is read
	if len(got.Cookies()) == 0 {
		return "", fmt.Errorf("sign in: %s", got.Status)
	}
	return got.Cookies()[0].Name + "=" + got.Cookies()[0].Value, nil
}

// bookingScript has every request be a booking that nobody made before: person
// after person, then the next event.
const bookingScript = `
local cookies, events = {}, {}
for line in io.lines("%[1]s") do cookies[#cookies + 1] = line end
for line in io.lines("%[2]s") do events[#events + 1] = line end
local n = 0
function request()
  local person, event = n %% #cookies + 1, math.floor(n / #cookies) + 1
  n = n + 1
  if event > #events then event = #events end
  return wrk.format("POST", "/events/" .. events[event] .. "/book",
    { Cookie = cookies[person], Accept = "application/json" })
end
`

// bookThroughHTTP runs the load on fresh events and checks them afterwards.
func (s *stage) bookThroughHTTP(ctx context.Context, dir, address string, cookies []string) (load, error) {
	events := make([]string, 150)
	for i := range events {
		id, err := s.event(ctx, visitors/2)
		if err != nil {
			return load{}, err
		}
		events[i] = id.String()
	}
	cookieFile, eventFile, script := filepath.Join(dir, "cookies"), filepath.Join(dir, "events"), filepath.Join(dir, "book.lua")
	for name, text := range map[string]string{
		cookieFile: strings.Join(cookies, "\n"),
		eventFile:  strings.Join(events, "\n"),
		script:     fmt.Sprintf(bookingScript, cookieFile, eventFile),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return load{}, err
		}
	}
	l, err := wrk(ctx, address, script)
	if err != nil {
		return load{}, err
	}
	checks, err := booking.CheckAll(ctx, s.pool)
	if err != nil {
		return load{}, err
	}
	if !booking.AllHold(checks) {
		return load{}, errors.New("a rule does not hold after the load")
	}
	return l, nil
}

// serveHello serves the least that net/http can.
func serveHello() (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("hello")) //nolint:errcheck // wrk counts what fails
	})}
	go server.Serve(listener)                                                   //nolint:errcheck // it ends when it is closed
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil //nolint:errcheck // it is only a baseline
}

// A load is what wrk found.
type load struct {
	perSecond, p99 float64
}

var (
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkP99    = regexp.MustCompile(`99%\s+([\d.]+)(us|ms|s)`)
	wrkFailed = regexp.MustCompile(`Non-2xx or 3xx responses: \d+|Socket errors: .*`)
)

// wrk keeps a thousand requests under way for four seconds. It fails when one
// of them does.
func wrk(ctx context.Context, address, script string) (load, error) {
	args := []string{"-t1", "-c" + strconv.Itoa(visitors), "-d4s", "--timeout", "20s", "--latency"}
	if script != "" {
		args = append(args, "-s", script)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, address)...).CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if failed := wrkFailed.Find(out); failed != nil {
		return load{}, fmt.Errorf("wrk: %s", failed)
	}
	rate, p99 := wrkRate.FindSubmatch(out), wrkP99.FindSubmatch(out)
	if rate == nil || p99 == nil {
		return load{}, fmt.Errorf("wrk told no figures: %s", out)
	}
	perSecond, err := strconv.ParseFloat(string(rate[1]), 64)
	if err != nil {
		return load{}, err
	}
	wait, err := strconv.ParseFloat(string(p99[1]), 64)
	if err != nil {
		return load{}, err
	}
	return load{perSecond, wait * map[string]float64{"us": 0.001, "ms": 1, "s": 1000}[string(p99[2])]}, nil
}
