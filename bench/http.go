package main

import (
	"context"
	"encoding/base64"
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
	"syscall"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"rowlock/account"
	"rowlock/db/embedded"
	"rowlock/web"
)

// visitors is how many requests to book are under way at once while the rate
// is measured, each of another signed-in person.
const visitors = 1000

// httpTarget is what bookings through HTTP should reach of the rate of a
// server that says hello.
const httpTarget = 0.3

// throughHTTP measures bookings as browsers make them, against a server that
// says hello: both asked by wrk, which shares the processors with them.
func throughHTTP(ctx context.Context, b *bench) error {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.printf("Not measured: it needs wrk (Debian's package of that name).\n")
		return nil
	}
	if err := allowManyConnections(); err != nil {
		return err
	}
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	f, err := newFront(ctx, b, s)
	if err != nil {
		return err
	}
	defer f.stop()
	if err := f.measureRates(ctx, b); err != nil {
		return err
	}
	if err := f.measureCrowd(ctx, b); err != nil {
		return err
	}
	return f.measureOverload(ctx, b)
}

// allowManyConnections lets this program, and those that it starts, open as
// many files as the system lets it: a connection is one.
func allowManyConnections() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < overload+1000 {
		return fmt.Errorf("%d connections need as many files: raise the limit of %d with ulimit -n", overload, limit.Max)
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// A front is the instances that browsers reach, people who are signed in, and
// a server that only says hello.
type front struct {
	*stage
	dir       string
	instances []*program
	cookies   []string
	hello     string
	stop      func()
}

func newFront(ctx context.Context, b *bench, s *stage) (*front, error) {
	key := []byte(strings.Repeat("a key that all instances share; ", 2))
	f := &front{stage: s, dir: b.dir}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f.hello = "http://" + listener.Addr().String()
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("hello")) //nolint:errcheck // wrk counts what fails
	})}
	go server.Serve(listener) //nolint:errcheck // it ends when it is closed
	f.stop = func() {
		server.Close() //nolint:errcheck // it is only a baseline
		for _, p := range f.instances {
			p.stop()
		}
	}
	for range 3 {
		p, err := startProgram(ctx, b.dir, "--database-url", b.server.URL(embedded.Database), "--session-key", base64.StdEncoding.EncodeToString(key))
		if err != nil {
			f.stop()
			return nil, err
		}
		f.instances = append(f.instances, p)
	}
	if f.cookies, err = s.signIn(ctx, overload, web.Config{BaseURL: f.instances[0].url, SessionKey: key}); err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

// signIn makes n people, starts a session for each as the sign-in form does
// once it has checked the password, and returns their cookies.
func (s *stage) signIn(ctx context.Context, n int, config web.Config) ([]string, error) {
	people, err := s.people(ctx, n)
	if err != nil {
		return nil, err
	}
	accounts := account.NewStore(s.pool, nil)
	cookies := make([]string, n)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(int(programConns))
	for i, person := range people {
		work.Go(func() error {
			token, err := accounts.StartSession(ctx, person, "a benchmark")
			if err != nil {
				return err
			}
			cookie, err := web.SessionCookie(config, token)
			if err != nil {
				return err
			}
			cookies[i] = cookie.Name + "=" + cookie.Value
			return nil
		})
	}
	return cookies, work.Wait()
}

// measureRates compares one and three instances with hello.
func (f *front) measureRates(ctx context.Context, b *bench) error {
	var greeted, greetCost spread
	rates, waits, costs, ratios := map[int]spread{}, map[int]spread{}, map[int]spread{}, map[int]spread{}
	for round := range b.rounds + 1 {
		before := ownProcessorTime()
		hello, err := wrk(ctx, f.hello, "", visitors, 4*time.Second)
		if err != nil {
			return err
		}
		cost := (ownProcessorTime() - before).Seconds() * 1e6 / hello.requests
		if round > 0 {
			greeted, greetCost = append(greeted, hello.perSecond), append(greetCost, cost)
		}
		for _, n := range []int{1, 3} {
			l, err := f.book(ctx, f.instances[:n], visitors, 4*time.Second)
			if err != nil {
				return err
			}
			if round > 0 {
				rates[n], waits[n], costs[n] = append(rates[n], l.perSecond), append(waits[n], l.p99), append(costs[n], l.cost)
				ratios[n] = append(ratios[n], l.perSecond/hello.perSecond)
			}
		}
	}
	b.printf("%s people, each with a session and a cookie of their own, keep as many booking requests under way on one\nevent after another for four seconds, each request a new booking, half of them in line. wrk asks, over %s\nconnections; it, the program and PostgreSQL share the processors. The same load on a `net/http` server that only\nsays hello is the limit that HTTP sets. Processor time is that of the serving programs alone.\n\n", thousands(visitors), thousands(visitors))
	b.printf("| | requests/s | of hello's rate | p99 ms | program, µs of CPU per request |\n|---|---|---|---|---|\n")
	b.printf("| hello | %s | 1 | | %s |\n", greeted.text(0), greetCost.text(0))
	for _, n := range []int{1, 3} {
		b.printf("| book a seat, %s | %s | **%s** | %s | %s |\n", map[int]string{1: "one instance", 3: "three instances on one database"}[n],
			rates[n].text(0), ratios[n].text(2), waits[n].text(0), costs[n].text(0))
	}
	b.printf("\nNo request failed, and every rule holds for every event.\n")
	b.target(fmt.Sprintf("bookings through one instance at %.1f of hello's rate", httpTarget), ratios[1].median() >= httpTarget)
	return nil
}

// ownProcessorTime is what this program has used, which says hello.
func ownProcessorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bookingScript has every request be a booking that nobody made before: person
// after person, then the next event.
const bookingScript = `
local events, people = {}, {}
for line in io.lines("%[1]s") do events[#events + 1] = line end
for line in io.lines("%[2]s") do
  people[#people + 1] = "/book HTTP/1.1\r\nHost: rowlock\r\nAccept: application/json\r\nContent-Length: 0\r\nCookie: " .. line .. "\r\n\r\n"
end
local n = 0
function request()
  local event = math.min(math.floor(n / #people) + 1, #events)
  local person = n %% #people + 1
  n = n + 1
  return "POST /events/" .. events[event] .. people[person]
end
`

// book lets so many people book through the instances, an equal part of them
// through each, and checks all events afterwards.
func (f *front) book(ctx context.Context, instances []*program, people int, d time.Duration) (load, error) {
	if err := f.clear(ctx); err != nil {
		return load{}, err
	}
	events, err := f.events(ctx, 200_000/people, people/2)
	if err != nil {
		return load{}, err
	}
	before, err := processorTimeOf(instances)
	if err != nil {
		return load{}, err
	}
	loads := make([]load, len(instances))
	work, running := errgroup.WithContext(ctx)
	each := people / len(instances)
	for i, p := range instances {
		script, err := f.script(i, events, f.cookies[i*each:(i+1)*each])
		if err != nil {
			return load{}, err
		}
		work.Go(func() (err error) {
			loads[i], err = wrk(running, p.url, script, each, d)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return load{}, err
	}
	after, err := processorTimeOf(instances)
	if err != nil {
		return load{}, err
	}
	var sum load
	for _, l := range loads {
		sum.requests += l.requests
		sum.perSecond += l.perSecond
		sum.p99, sum.slowest = max(sum.p99, l.p99), max(sum.slowest, l.slowest)
	}
	sum.cost = (after - before).Seconds() * 1e6 / sum.requests
	return sum, f.allSound(ctx)
}

func processorTimeOf(instances []*program) (sum time.Duration, err error) {
	for _, p := range instances {
		d, err := p.processorTime()
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// script writes the i-th script for wrk.
func (f *front) script(i int, events []uuid.UUID, cookies []string) (string, error) {
	var ids strings.Builder
	for _, id := range events {
		ids.WriteString(id.String() + "\n")
	}
	name := func(kind string) string { return filepath.Join(f.dir, kind+strconv.Itoa(i)) }
	for file, text := range map[string]string{
		name("events"):  ids.String(),
		name("cookies"): strings.Join(cookies, "\n"),
		name("script"):  fmt.Sprintf(bookingScript, name("events"), name("cookies")),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return name("script"), nil
}

// A load is what wrk found; times are in milliseconds.
type load struct {
	requests, perSecond, p99, slowest float64
	// cost is the microseconds of processor time that the serving programs
	// used for each request.
	cost float64
}

var (
	wrkRate    = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkP99     = regexp.MustCompile(`99%\s+([\d.]+)(us|ms|s|m)`)
	wrkSlowest = regexp.MustCompile(`Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s|m)`)
	wrkFailed  = regexp.MustCompile(`Non-2xx or 3xx responses: \d+|Socket errors: .*`)
)

// wrk keeps so many requests under way for a while. It fails when one of them
// does.
func wrk(ctx context.Context, address, script string, requests int, d time.Duration) (load, error) {
	args := []string{"-t1", "-c" + strconv.Itoa(requests), "-d" + d.String(), "--timeout", "60s", "--latency"}
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
	var l load
	for figure, pattern := range map[*float64]*regexp.Regexp{
		&l.requests: wrkCount, &l.perSecond: wrkRate, &l.p99: wrkP99, &l.slowest: wrkSlowest,
	} {
		found := pattern.FindSubmatch(out)
		if found == nil {
			return load{}, fmt.Errorf("wrk told no figures: %s", out)
		}
		if *figure, err = strconv.ParseFloat(string(found[1]), 64); err != nil {
			return load{}, err
		}
		if len(found) > 2 {
			*figure *= map[string]float64{"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[string(found[2])]
		}
	}
	return l, nil
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
		return "", errors.New("sign in: " + got.Status)
	}
	return got.Cookies()[0].Name + "=" + got.Cookies()[0].Value, nil
}
