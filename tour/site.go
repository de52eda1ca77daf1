package tour

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	demoPassword = "rowlock-demo"
	demoAdmin    = "admin@rowlock.example"
)

// A Site is a running Rowlock with the demo in it.
type Site struct {
	// URL is where it serves, without a slash at the end.
	URL     string
	folder  string
	program *exec.Cmd
	people  map[string]*http.Client
}

// StartSite builds the program and starts it on a new data folder. Ending ctx
// asks it to stop; Stop waits until it has.
func StartSite(ctx context.Context) (_ *Site, err error) {
	s := &Site{people: map[string]*http.Client{}}
	if s.folder, err = os.MkdirTemp("", "rowlock-tour-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	// As root, Rowlock runs PostgreSQL as somebody else, who must get through.
	if err := os.Chmod(s.folder, 0o711); err != nil {
		return nil, err
	}
	binary := filepath.Join(s.folder, "rowlock")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "rowlock/cmd/rowlock")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build Rowlock: %w", err)
	}

	s.program = exec.CommandContext(ctx, binary, "--addr", "127.0.0.1:0", "--data-dir", filepath.Join(s.folder, "data"), "--log-level", "warn")
	s.program.Cancel = func() error { return s.program.Process.Signal(os.Interrupt) }
	s.program.WaitDelay = 30 * time.Second
	s.program.Stderr = os.Stderr
	greeting, err := s.program.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.program.Start(); err != nil {
		return nil, err
	}
	if s.URL, err = readAddress(greeting); err != nil {
		return nil, err
	}
	return s, s.awaitReady(ctx)
}

// readAddress finds the address in what the program prints once it is ready to
// listen.
func readAddress(greeting io.Reader) (string, error) {
	lines := bufio.NewScanner(greeting)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "Rowlock is ready: "); ok {
			go io.Copy(io.Discard, greeting) //nolint:errcheck // so that the program never waits for us
			return address, nil
		}
	}
	return "", errors.Join(errors.New("Rowlock ended before it was ready"), lines.Err())
}

func (s *Site) awaitReady(ctx context.Context) error {
	for {
		response, err := http.Get(s.URL + "/readyz")
		if err == nil {
			response.Body.Close() //nolint:errcheck // only the status matters
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until Rowlock is ready: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the program and removes its data.
func (s *Site) Stop() error {
	var err error
	if s.program != nil && s.program.Process != nil {
		_ = s.program.Process.Signal(os.Interrupt) // it may have ended by itself
		err = s.program.Wait()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// post sends a form as somebody of the demo, outside the browser.
func (s *Site) post(email, path string, fields ...string) error {
	person, err := s.person(email)
	if err != nil {
		return err
	}
	return s.send(person, path, fields...)
}

func (s *Site) person(email string) (*http.Client, error) {
	if known, ok := s.people[email]; ok {
		return known, nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	person := &http.Client{Jar: jar, Timeout: time.Minute}
	if err := s.send(person, "/login", "email", email, "password", demoPassword); err != nil {
		return nil, err
	}
	s.people[email] = person
	return person, nil
}

func (s *Site) send(person *http.Client, path string, fields ...string) error {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	response, err := person.PostForm(s.URL+path, form)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it is read for its status
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("POST %s: %s", path, response.Status)
	}
	return nil
}

var eventLink = regexp.MustCompile(`href="/organizer/events/([0-9a-f-]{36})">([^<]*)<`)

// Resolve puts the IDs of events in the place of a part of their titles:
// "/events/{Clay for}".
func (s *Site) Resolve(path string) (string, error) {
	var problem error
	resolved := placeholder.ReplaceAllStringFunc(path, func(title string) string {
		id, err := s.eventID(strings.Trim(title, "{}"))
		problem = errors.Join(problem, err)
		return id
	})
	return resolved, problem
}

// eventID looks where drafts and past events are listed, too.
func (s *Site) eventID(title string) (string, error) {
	admin, err := s.person(demoAdmin)
	if err != nil {
		return "", err
	}
	response, err := admin.Get(s.URL + "/admin/events?q=" + url.QueryEscape(title))
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // it is read to its end
	page, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	for _, link := range eventLink.FindAllStringSubmatch(string(page), -1) {
		if strings.Contains(html.UnescapeString(link[2]), title) {
			return link[1], nil
		}
	}
	return "", fmt.Errorf("no event is called %q", title)
}
