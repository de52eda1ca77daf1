package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"rowlock/simulation"
)

// A program is Rowlock as it is run: a process of its own, asked by HTTP.
type program struct {
	url  string
	cmd  *exec.Cmd
	http *http.Client
}

func wholeProgram(ctx context.Context, b *bench) error {
	p, err := startProgram(ctx, b.dir, "--data-dir", filepath.Join(b.dir, "program"))
	if err != nil {
		return err
	}
	defer p.stop()

	idle, err := p.resident("VmRSS")
	if err != nil {
		return err
	}
	b.printf("`rowlock serve` with its demo, asked by HTTP; resident memory is the most that the process ever had\n(VmHWM), PostgreSQL not counted.\n\n")
	b.printf("| what | result | resident, MiB |\n|---|---|---|\n| after the start | | %d |\n", idle)

	took, failed, err := p.signIn200(ctx)
	if err != nil {
		return err
	}
	peak, err := p.resident("VmHWM")
	if err != nil {
		return err
	}
	b.printf("| 200 sign-ins at once | %d failed, %.1f s | %d |\n", failed, took.Seconds(), peak)

	event, err := p.signInAsAdmin(ctx)
	if err != nil {
		return err
	}
	for _, users := range []int{1_000, 10_000, 100_000} {
		report, err := p.simulate(ctx, event, users)
		if err != nil {
			return err
		}
		if peak, err = p.resident("VmHWM"); err != nil {
			return err
		}
		r := report.Results
		b.printf("| simulation of %d users, 10 seats | %d registered, %d waitlisted, %d failed, %d overbooked; %.0f bookings/s, p99 %.0f ms | %d |\n",
			users, r.SuccessCount, r.WaitlistedCount, r.FailedCount, report.Overbooked, report.BookingsPerSecond, report.LatencyMS.P99, peak)
	}
	return nil
}

// startProgram builds Rowlock into dir, starts it with the flags that name its
// database, and waits until it is ready.
func startProgram(ctx context.Context, dir string, flags ...string) (*program, error) {
	return launch(ctx, dir, os.Stderr, append([]string{"--log-level", "error"}, flags...)...)
}

// launch is [startProgram] for a program that logs as much as it does by
// itself.
func launch(ctx context.Context, dir string, log *os.File, flags ...string) (*program, error) {
	binary := filepath.Join(dir, "rowlock")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/rowlock").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w: %s", err, out)
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	p := &program{url: "http://" + addr, http: &http.Client{Jar: jar}}
	p.cmd = exec.CommandContext(ctx, binary, append([]string{"serve", "--addr", addr}, flags...)...)
	p.cmd.Stderr = log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for range 300 {
		if answer, err := p.http.Get(p.url + "/readyz"); err == nil {
			answer.Body.Close() //nolint:errcheck // nothing in it is read
			return p, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.stop()
	return nil, errors.New("the program did not get ready within 30 seconds")
}

func (p *program) address() string { return p.url }

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close() //nolint:errcheck // it was opened to learn a number
	return l.Addr().String(), nil
}

func (p *program) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	p.cmd.Wait()                          //nolint:errcheck // a signal ends it
}

// resident reads the process's memory in MiB, where the system tells it.
func (p *program) resident(which string) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, which+":"); ok {
			kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
			return kilobytes / 1024, err
		}
	}
	return 0, fmt.Errorf("the system does not tell %s", which)
}

// signIn200 signs the same person in from two hundred browsers at once.
func (p *program) signIn200(ctx context.Context) (took time.Duration, failed int, err error) {
	var wg sync.WaitGroup
	var bad atomic.Int64
	start := time.Now()
	for range 200 {
		wg.Go(func() {
			browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			answer, err := post(ctx, browser, p.url+"/login", url.Values{"email": {"ana@rowlock.example"}, "password": {"rowlock-demo"}}, "")
			if err != nil || answer.status != http.StatusSeeOther {
				bad.Add(1)
			}
		})
	}
	wg.Wait()
	return time.Since(start), int(bad.Load()), ctx.Err()
}

var eventID = regexp.MustCompile(`/events/([0-9a-f-]{36})`)

// signInAsAdmin returns the ID of one of the demo's events.
func (p *program) signInAsAdmin(ctx context.Context) (string, error) {
	if _, err := post(ctx, p.http, p.url+"/login", url.Values{"email": {"admin@rowlock.example"}, "password": {"rowlock-demo"}}, ""); err != nil {
		return "", err
	}
	answer, err := p.http.Get(p.url + "/events")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end or failed
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	found := eventID.FindSubmatch(page)
	if found == nil {
		return "", errors.New("the demo shows no event")
	}
	return string(found[1]), nil
}

func (p *program) simulate(ctx context.Context, event string, users int) (simulation.Report, error) {
	var report simulation.Report
	form := url.Values{"users": {strconv.Itoa(users)}, "seats": {"10"}}
	answer, err := post(ctx, p.http, p.url+"/admin/events/"+event+"/simulate", form, "application/json")
	if err != nil {
		return report, err
	}
	if answer.status != http.StatusOK {
		return report, fmt.Errorf("%d: %s", answer.status, answer.body)
	}
	return report, json.Unmarshal(answer.body, &report)
}

type answer struct {
	status int
	body   []byte
}

func post(ctx context.Context, browser *http.Client, address string, form url.Values, accept string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewBufferString(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", accept)
	got, err := browser.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close() //nolint:errcheck // read to its end or failed
	body, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, body}, err
}
