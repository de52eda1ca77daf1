package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db/embedded"
	"rowlock/web"
)

// underWay are how many requests to book are under way at once while the rate
// is measured, each of another signed-in person, how many turns a round has, and
// how long they are. What is still under way when a turn ends has had its work
// and does not count: of short turns, that would be a large part of the bookings
// and a small one of the hellos.
var underWay = []struct {
	people, turnsPerRound int
	turn                  time.Duration
}{
	{1_000, 2, 4 * time.Second},
	{10_000, 1, 10 * time.Second},
}

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
// servers of this program: two that only say hello, one at once and one as late
// as a booking's answer must come, and one with nothing but a desk behind it.
type front struct {
	*stage
	dir string
	// flags start an instance.
	flags             []string
	instances         []*program
	cookies           []string
	hello, late, bare *bareServer
}

// lateness is how long the second server waits before it says hello.
const lateness = 5 * time.Millisecond

func newFront(ctx context.Context, b *bench, s *stage) (*front, error) {
	key := []byte(strings.Repeat("a key that all instances share; ", 2))
	f := &front{stage: s, dir: b.dir, flags: []string{
		"--database-url", b.server.URL(embedded.Database), "--session-key", base64.StdEncoding.EncodeToString(key),
	}}
	var err error
	if f.hello, err = newBareServer(greet(0)); err != nil {
		return nil, err
	}
	if f.late, err = newBareServer(greet(lateness)); err != nil {
		f.stop()
		return nil, err
	}
	for range 3 {
		if _, err := f.start(ctx); err != nil {
			f.stop()
			return nil, err
		}
	}
	people, err := s.people(ctx, overload)
	if err == nil {
		f.cookies, err = s.signIn(ctx, people, web.Config{BaseURL: f.instances[0].url, SessionKey: key})
	}
	if err == nil {
		f.bare, err = newBareServer(bookAtDesk(booking.NewDesk(s.pool, slog.Default()), people, f.cookies))
	}
	if err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

// start adds an instance that has served nobody yet.
func (f *front) start(ctx context.Context) (*program, error) {
	p, err := startProgram(ctx, f.dir, f.flags...)
	if err == nil {
		f.instances = append(f.instances, p)
	}
	return p, err
}

func (f *front) stop() {
	for _, b := range []*bareServer{f.hello, f.late, f.bare} {
		if b != nil {
			b.server.Close() //nolint:errcheck // it is only a baseline
		}
	}
	for _, p := range f.instances {
		p.stop()
	}
}

// A server is asked by wrk, and tells what it has used of the processors.
type server interface {
	address() string
	processorTime() (time.Duration, error)
}

// A bareServer is a server of this program, which serves nothing else
// meanwhile.
type bareServer struct {
	url    string
	server *http.Server
}

func newBareServer(handler http.HandlerFunc) (*bareServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &bareServer{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: handler},
	}
	go b.server.Serve(listener) //nolint:errcheck // it ends when it is closed
	return b, nil
}

func (b *bareServer) address() string { return b.url }

// processorTime is what this program has used.
func (b *bareServer) processorTime() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// greet says hello to everyone after a while.
func greet(after time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if after > 0 {
			time.Sleep(after)
		}
		w.Write([]byte("hello")) //nolint:errcheck // wrk counts what fails
	}
}

// bookAtDesk books for whoever a cookie belongs to, and asks nothing else.
func bookAtDesk(desk *booking.Desk, people []uuid.UUID, cookies []string) http.HandlerFunc {
	owners := make(map[string]uuid.UUID, len(people))
	for i, cookie := range cookies {
		owners[cookie] = people[i]
	}
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := uuid.Parse(path.Base(path.Dir(r.URL.Path)))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		answer, err := desk.Book(r.Context(), booking.Request{EventID: id, UserID: owners[r.Header.Get("Cookie")]})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(answer) //nolint:errcheck // wrk counts what fails
	}
}

// signIn starts a session for each of the people, as the sign-in form does once
// it has checked the password, and returns their cookies.
func (s *stage) signIn(ctx context.Context, people []uuid.UUID, config web.Config) ([]string, error) {
	accounts := account.NewStore(s.pool, nil)
	cookies := make([]string, len(people))
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
	b.printf("People, each with a session and a cookie of their own, keep so many booking requests under way on one event\nafter another for four or ten seconds, each request a new booking, half of them in line. wrk asks, over as many\nconnections; it, the program and PostgreSQL share the processors. A `net/http` server that only says hello is the\nlimit that HTTP sets: asked with the same requests, with the shortest there are, and, as a booking's answer has to\nwait for others, with the same requests and an answer %d ms later. The desk alone is a `net/http` server that hands\nthe requests on to a desk and believes whose they are. Processor time is that of the serving programs alone, which\nlog errors only.\n\n", lateness.Milliseconds())
	b.printf("| under way | | requests/s | of hello's rate | p99 ms | program, µs of CPU per request |\n|---|---|---|---|---|---|\n")
	bookings := make([]*rate, len(underWay))
	for i, w := range underWay {
		var err error
		if bookings[i], err = f.measureRate(ctx, b, w.people, w.turnsPerRound*b.rounds, w.turn); err != nil {
			return err
		}
	}
	b.printf("\nNo request failed, and every rule holds for every event.\n")
	for i, w := range underWay {
		b.target(fmt.Sprintf("%s bookings under way through one instance at %.1f of hello's rate to the same requests", thousands(w.people), httpTarget), bookings[i].ratio.median() >= httpTarget)
	}
	return nil
}

// A rate is what rounds of one kind of load found.
type rate struct{ perSecond, ratio, p99, cost spread }

// measureRate lets every server answer so many requests at once, in so many
// turns of d, and returns how one instance of Rowlock did, which takes its turn
// next to hello: a machine's pace drifts.
func (f *front) measureRate(ctx context.Context, b *bench, people, turns int, d time.Duration) (*rate, error) {
	loads := []struct {
		name string
		run  func() (load, error)
	}{
		{"hello, to the same requests", func() (load, error) { return f.greet(ctx, f.hello, people, d, true) }},
		{"**book a seat, one instance**", func() (load, error) { return f.book(ctx, people, d, f.instances[0]) }},
		{"book a seat, three instances on one database", func() (load, error) {
			return f.book(ctx, people, d, f.instances[0], f.instances[1], f.instances[2])
		}},
		{"the desk alone", func() (load, error) { return f.book(ctx, people, d, f.bare) }},
		{"hello, to a bare GET", func() (load, error) { return f.greet(ctx, f.hello, people, d, false) }},
		{fmt.Sprintf("hello, %d ms later, to the same requests", lateness.Milliseconds()), func() (load, error) { return f.greet(ctx, f.late, people, d, true) }},
	}
	rates := make([]rate, len(loads))
	for turn := range turns + 1 {
		var hello float64
		for i, l := range loads {
			got, err := l.run()
			if err != nil {
				return nil, err
			}
			if i == 0 {
				hello = got.perSecond
			}
			if r := &rates[i]; turn > 0 { // the first warms up
				r.perSecond, r.ratio = append(r.perSecond, got.perSecond), append(r.ratio, got.perSecond/hello)
				r.p99, r.cost = append(r.p99, got.p99), append(r.cost, got.cost)
			}
		}
	}
	for i, l := range loads {
		r := &rates[i]
		b.printf("| %s | %s | %s | %s | %s | %s |\n", thousands(people), l.name, r.perSecond.text(0), r.ratio.text(2), r.p99.text(0), r.cost.text(0))
	}
	return &rates[1], nil
}

// greet lets so many people ask for hello, as they would ask for a seat or
// with the shortest request there is.
func (f *front) greet(ctx context.Context, g *bareServer, people int, d time.Duration, asBookings bool) (load, error) {
	script := ""
	if asBookings {
		var err error
		events := []uuid.UUID{uuid.Must(uuid.NewV7())} // nobody looks for it
		if script, err = f.script(0, events, f.cookies[:people]); err != nil {
			return load{}, err
		}
	}
	before, err := g.processorTime()
	if err != nil {
		return load{}, err
	}
	l, err := wrk(ctx, g.url, script, people, d)
	if err != nil {
		return load{}, err
	}
	after, err := g.processorTime()
	l.cost = (after - before).Seconds() * 1e6 / l.requests
	return l, err
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

// mostPerSecond is more than anybody books, so that nobody runs out of events:
// whoever has a seat is answered for less.
const mostPerSecond = 50_000

// book lets so many people book through the servers, an equal part of them
// through each, and checks all events afterwards.
func (f *front) book(ctx context.Context, people int, d time.Duration, servers ...server) (load, error) {
	if err := f.clear(ctx); err != nil {
		return load{}, err
	}
	events, err := f.events(ctx, int(d.Seconds()*mostPerSecond)/people, people/2)
	if err != nil {
		return load{}, err
	}
	before, err := processorTimeOf(servers)
	if err != nil {
		return load{}, err
	}
	loads := make([]load, len(servers))
	work, running := errgroup.WithContext(ctx)
	each := people / len(servers)
	for i, s := range servers {
		script, err := f.script(i, events, f.cookies[i*each:(i+1)*each])
		if err != nil {
			return load{}, err
		}
		work.Go(func() (err error) {
			loads[i], err = wrk(running, s.address(), script, each, d)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return load{}, err
	}
	after, err := processorTimeOf(servers)
	if err != nil {
		return load{}, err
	}
	var sum load
	for _, l := range loads {
		sum.requests += l.requests
		sum.perSecond += l.perSecond
		sum.p99, sum.slowest = max(sum.p99, l.p99), max(sum.slowest, l.slowest)
	}
	if supply := float64(len(events) * people); sum.requests > supply {
		return load{}, fmt.Errorf("%.0f requests to book, and only %.0f bookings to make", sum.requests, supply)
	}
	sum.cost = (after - before).Seconds() * 1e6 / sum.requests
	return sum, f.allSound(ctx)
}

func processorTimeOf(servers []server) (sum time.Duration, err error) {
	for _, s := range servers {
		d, err := s.processorTime()
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
