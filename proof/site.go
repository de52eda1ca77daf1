package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/proof/model"
)

// A site is Rowlock as browsers see it: programs behind addresses, asked by
// people who have signed in. Whoever finds an instance gone goes to the next,
// as through a proxy. What only organizers do, a desk of this process does.
type site struct {
	*booking.Desk
	programs []*program
	people   map[uuid.UUID]*http.Client
	asked    atomic.Int64

	mu sync.Mutex
	// away is the longest that somebody found no instance.
	away stopwatch
	// wrong are answers that nobody may ever get.
	wrong []error
}

// offers tells what people ask of the site itself.
func (s *site) offers(k model.Kind) bool {
	return k == model.Book || k == model.Cancel || k == model.Look
}

const peoplesPassword = "steady at the catch"

// signIn signs people in, as the form does, each in a browser of their own.
func (s *site) signIn(ctx context.Context, st *stage, people []uuid.UUID) error {
	store := account.NewStore(st.pool, account.NewHasher(account.Recommended))
	first, err := store.CreateUser(ctx, account.NewUser{
		Name: "Person", Email: uuid.NewString() + "@example.org", Password: peoplesPassword, Role: account.Attendee,
	}, uuid.Nil)
	if err != nil {
		return err
	}
	_, err = st.pool.Exec(ctx, `update users set password_hash = (select password_hash from users where id = $1) where id = any($2)`, first.ID, people)
	if err != nil {
		return fmt.Errorf("give people a password: %w", err)
	}
	for _, person := range people {
		if s.people[person], err = s.browser(ctx, person); err != nil {
			return err
		}
	}
	return nil
}

// oneByOne opens a connection for each request: whoever is sent away from a
// dead instance before they could ask knows that nothing happened.
var oneByOne = &http.Transport{DisableKeepAlives: true}

// browser is somebody's, who has signed in.
func (s *site) browser(ctx context.Context, person uuid.UUID) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &http.Client{Jar: jar, Transport: oneByOne, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := url.Values{"email": {person.String() + "@example.org"}, "password": {peoplesPassword}}
	got, err := send(ctx, b, http.MethodPost, s.programs[0].url+"/login", form, "text/html")
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if got.status != http.StatusSeeOther {
		return nil, fmt.Errorf("sign in: status %d", got.status)
	}
	return b, nil
}

// carryOut has a person ask as a browser does or, every other time, as a
// script with the browser's cookie.
func (s *site) carryOut(ctx context.Context, a *arena, q model.Ask) (model.Reply, error) {
	n := s.asked.Add(1)
	v := visit{site: s, browser: s.people[a.People[q.Person]], path: "/events/" + a.ID.String(), arena: a, ask: q}
	v.program = s.programs[int(n)%len(s.programs)]
	if n%2 == 0 {
		v.accept = "application/json"
	}
	do := v.change
	if q.Kind == model.Look {
		do = v.look
	}
	r, err := do(ctx)
	if errors.Is(err, errAnswer) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wrong = append(s.wrong, fmt.Errorf("%s: %w", q, err))
	}
	return r, err
}

// A visit is one request of one person.
type visit struct {
	site    *site
	program *program
	browser *http.Client
	accept  string
	path    string
	arena   *arena
	ask     model.Ask
}

// look reads the event's page.
func (v *visit) look(ctx context.Context) (model.Reply, error) {
	got, err := v.send(ctx, http.MethodGet, v.path)
	if err != nil {
		return model.Reply{}, err
	}
	return got.box()
}

// change books or cancels. A script is told its number, and what the page
// shows, which is a look of its own; a browser goes to look where it is sent.
func (v *visit) change(ctx context.Context) (model.Reply, error) {
	look := v.arena.notes.Asked(-3, model.Ask{Kind: model.Look, Person: v.ask.Person}, model.Now())
	seen := model.Reply{Nothing: true} // unless it is told
	defer func() { v.arena.notes.Answered(look, seen, model.Now()) }()

	got, err := v.send(ctx, http.MethodPost, v.path+"/"+string(v.ask.Kind))
	switch {
	case err != nil:
		return model.Reply{}, err
	case got.status == http.StatusSeeOther && got.leadsTo == v.path:
		if page, err := v.look(ctx); err == nil {
			seen = page
		}
		return model.Reply{Told: model.OnlyDone}, nil
	case got.status != http.StatusOK:
		return model.Reply{}, got.refusal()
	}
	var told struct {
		Position int
		Already  bool
	}
	if err := json.Unmarshal(got.body, &told); err != nil {
		return model.Reply{}, fmt.Errorf("%w: %q", errAnswer, got.body)
	}
	if seen, err = got.box(); err != nil {
		return model.Reply{}, err
	}
	return model.Reply{Told: model.OnlyNumber, Number: told.Position, Already: told.Already}, nil
}

// send asks one instance after the other until one is there.
func (v *visit) send(ctx context.Context, method, path string) (answer, error) {
	since := time.Now()
	for n := 0; ; n++ {
		got, err := send(ctx, v.browser, method, v.program.url+path, nil, v.accept)
		var dial *net.OpError
		if !errors.As(err, &dial) || dial.Op != "dial" {
			if err == nil && n > 0 {
				v.site.mu.Lock()
				v.site.away.took(time.Since(since))
				v.site.mu.Unlock()
			}
			return got, err
		}
		if time.Since(since) > time.Minute {
			return got, fmt.Errorf("no instance came back within a minute: %w", err)
		}
		v.program = v.site.programs[(n+int(v.site.asked.Load()))%len(v.site.programs)]
		time.Sleep(20 * time.Millisecond)
	}
}

// An answer is what a browser got.
type answer struct {
	status  int
	leadsTo string
	isJSON  bool
	body    []byte
}

func send(ctx context.Context, b *http.Client, method, address string, form url.Values, accept string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", accept)
	got, err := b.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close() //nolint:errcheck // it was read to its end
	body, err := io.ReadAll(got.Body)
	isJSON := strings.HasPrefix(got.Header.Get("Content-Type"), "application/json")
	return answer{got.StatusCode, got.Header.Get("Location"), isJSON, body}, err
}

// refusal is what a status other than success tells.
func (a answer) refusal() error {
	switch {
	case a.status == http.StatusServiceUnavailable && strings.Contains(string(a.body), "lost touch"):
		return booking.ErrOutcomeUnknown
	case a.status == http.StatusServiceUnavailable:
		return booking.ErrUnavailable
	case a.status >= 500:
		return fmt.Errorf("status %d", a.status)
	}
	return fmt.Errorf("%w: status %d, to %q: %.200s", errAnswer, a.status, a.leadsTo, a.body)
}

// box reads what the page, or its data, shows.
func (a answer) box() (model.Reply, error) {
	if a.status != http.StatusOK {
		return model.Reply{}, a.refusal()
	}
	if a.isJSON {
		var box struct {
			Standing       booking.Standing
			Place          int
			SeatsRemaining int `json:"seats_remaining"`
			Capacity       int
		}
		err := json.Unmarshal(a.body, &box)
		return model.Reply{Told: model.OnlyBox, Standing: box.Standing, Place: box.Place, Free: box.SeatsRemaining, Capacity: box.Capacity}, err
	}
	page, err := goquery.NewDocumentFromReader(strings.NewReader(string(a.body)))
	if err != nil {
		return model.Reply{}, err
	}
	box := page.Find("#booking")
	number := func(name string) int {
		n, _ := strconv.Atoi(box.AttrOr(name, "0")) //nolint:errcheck // nobody has the place 0
		return n
	}
	return model.Reply{
		Told: model.OnlyBox, Standing: booking.Standing(box.AttrOr("data-booking", "")), Place: number("data-place"),
		Free: number("data-seats-remaining"), Capacity: number("data-capacity"),
	}, nil
}
