package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/db/embedded"
)

// browserHeaders are what a browser sends with every request for a page.
var browserHeaders = []string{
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	"Accept-Encoding: gzip, deflate, br, zstd",
	"Accept-Language: en-GB,en;q=0.9,pt;q=0.8",
}

// A sight is a page as one kind of visitor asks for it.
type sight struct {
	name string
	path string
	// headers come in place of the browser's of the same name, or beside them.
	headers []string
	status  int
	// isStranger marks the pages whose cost was promised.
	isStranger bool
}

// publicPages measures the processor time that pages cost the program, against
// a server that does nothing but write the same bytes with net/http. Both are
// processes of their own.
func publicPages(ctx context.Context, b *bench) error {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.printf("Not measured: it needs wrk (Debian's package of that name).\n")
		return nil
	}
	s, err := b.newStage(ctx, programConns)
	if err != nil {
		return err
	}
	defer s.pool.Close()
	// It logs every request, as it does wherever nobody told it otherwise.
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer nowhere.Close() //nolint:errcheck // nothing is kept
	p, err := launch(ctx, b.dir, nowhere, "--database-url", b.server.URL(embedded.Database))
	if err != nil {
		return err
	}
	defer p.stop()
	sights, err := s.sights(ctx, p)
	if err != nil {
		return err
	}

	b.printf("CPU time of the serving process, user and system, for each request, with 64 requests under way at any time.\nThe bare server answers with the same status, headers and body, and does nothing else; the program logs every\nrequest. PostgreSQL is not counted.\n\n")
	b.printf("| page | bytes | program, µs | bare `net/http`, µs | ratio |\n|---|---|---|---|---|\n")
	worst := 0.0
	for _, at := range sights {
		ratio, err := b.compareSight(ctx, p, at)
		if err != nil {
			return fmt.Errorf("%s: %w", at.name, err)
		}
		if at.isStranger {
			worst = max(worst, ratio)
		}
	}
	b.target("strangers' pages for at most 3 times the CPU of the same bytes", worst <= 3)
	return nil
}

// sights makes the events and the person that the pages are about.
func (s *stage) sights(ctx context.Context, p *program) ([]sight, error) {
	events, err := s.events(ctx, 20, 60)
	if err != nil {
		return nil, err
	}
	_, err = s.pool.Exec(ctx, `update events set title = 'Rowing for beginners', location = 'Boathouse 3, Riverside Walk', description = $1`,
		strings.Repeat("Bring shoes that may get wet, and a towel. We row in quads with somebody who knows the river. ", 12))
	if err != nil {
		return nil, err
	}
	cookie, err := s.signInOne(ctx, p)
	if err != nil {
		return nil, err
	}
	event := "/events/" + events[0].String()
	tag, err := p.tag(ctx, event)
	if err != nil {
		return nil, err
	}
	return []sight{
		{"an event, for a stranger", event, nil, http.StatusOK, true},
		{"the same, not compressed", event, []string{"Accept-Encoding: identity"}, http.StatusOK, true},
		{"the same, which the browser has already (304)", event, []string{"If-None-Match: " + tag}, http.StatusNotModified, true},
		{"the list of 20 events, for a stranger", "/events", nil, http.StatusOK, true},
		{"an event, for somebody signed in", event, []string{"Cookie: " + cookie}, http.StatusOK, false},
	}, nil
}

func (s *stage) signInOne(ctx context.Context, p *program) (cookie string, err error) {
	person := account.NewUser{Name: "Ana", Email: uuid.NewString() + "@example.org", Password: "steady at the catch", Role: account.Attendee}
	if _, err := account.NewStore(s.pool, account.NewHasher(account.Recommended)).CreateUser(ctx, person, uuid.Nil); err != nil {
		return "", err
	}
	return p.cookie(ctx, url.Values{"email": {person.Email}, "password": {person.Password}})
}

// compareSight measures a page and the same bytes in turns, and writes a line.
func (b *bench) compareSight(ctx context.Context, p *program, at sight) (ratio float64, err error) {
	bare, size, err := b.startBare(ctx, p, at)
	if err != nil {
		return 0, err
	}
	defer bare.stop()

	var ours, least, ratios spread
	for round := range b.rounds + 1 {
		page, err := bare.costs(ctx, at)
		if err != nil {
			return 0, err
		}
		whole, err := p.costs(ctx, at)
		if err != nil {
			return 0, err
		}
		if round == 0 {
			continue // to warm up
		}
		ours, least, ratios = append(ours, whole), append(least, page), append(ratios, whole/page)
	}
	b.printf("| %s | %d | %s | %s | **%s** |\n", at.name, size, ours.text(0), least.text(0), ratios.text(2))
	return ratios.median(), nil
}

// startBare starts the server that answers as the program just did.
func (b *bench) startBare(ctx context.Context, p *program, at sight) (bare *program, size int, err error) {
	answer, err := p.ask(ctx, at)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	if answer.StatusCode != at.status {
		return nil, 0, fmt.Errorf("%s, want %d", answer.Status, at.status)
	}
	dump, err := httputil.DumpResponse(answer, true)
	if err != nil {
		return nil, 0, err
	}
	binary := filepath.Join(b.dir, "bare")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./bench/bare").CombinedOutput(); err != nil {
		return nil, 0, fmt.Errorf("build: %w: %s", err, out)
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, 0, err
	}
	bare = &program{url: "http://" + addr, cmd: exec.CommandContext(ctx, binary, addr)}
	bare.cmd.Stdin = bytes.NewReader(dump)
	bare.cmd.Stderr = os.Stderr
	if err := bare.cmd.Start(); err != nil {
		return nil, 0, err
	}
	for range 100 {
		if answer, err := bare.ask(ctx, at); err == nil {
			answer.Body.Close() //nolint:errcheck // nothing in it is read
			return bare, len(dump), nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	bare.stop()
	return nil, 0, fmt.Errorf("the bare server did not answer")
}

// request is what a browser sends, header by header.
func (at sight) request() http.Header {
	h := http.Header{}
	for _, header := range slices.Concat(browserHeaders, at.headers) {
		name, value, _ := strings.Cut(header, ": ")
		h.Set(name, value)
	}
	return h
}

// ask asks once, and leaves the answer as it came.
func (p *program) ask(ctx context.Context, at sight) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+at.path, nil)
	if err != nil {
		return nil, err
	}
	r.Header = at.request()
	return (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
}

// tag is the page's validator as strangers get it.
func (p *program) tag(ctx context.Context, path string) (string, error) {
	answer, err := p.ask(ctx, sight{path: path})
	if err != nil {
		return "", err
	}
	defer answer.Body.Close() //nolint:errcheck // nothing in it is read
	tag := answer.Header.Get("ETag")
	if tag == "" {
		return "", fmt.Errorf("%s has no validator", path)
	}
	return tag, nil
}

var wrkCount = regexp.MustCompile(`(\d+) requests in`)

// costs is the processor time that a request takes, in microseconds.
func (p *program) costs(ctx context.Context, at sight) (float64, error) {
	args := []string{"-t1", "-c64", "-d3s"}
	for name, values := range at.request() {
		args = append(args, "-H", name+": "+values[0])
	}
	before, err := p.processorTime()
	if err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, p.url+at.path)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	after, err := p.processorTime()
	if err != nil {
		return 0, err
	}
	count := wrkCount.FindSubmatch(out)
	if failed := wrkFailed.Find(out); failed != nil || count == nil {
		return 0, fmt.Errorf("wrk: %s", out)
	}
	requests, err := strconv.Atoi(string(count[1]))
	return float64((after - before).Microseconds()) / float64(requests), err
}
