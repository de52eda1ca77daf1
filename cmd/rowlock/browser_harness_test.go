package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db"
	"rowlock/db/dbtest"
	"rowlock/event"
	"rowlock/live"
)

// patience is how long a visitor waits for something to appear. It is long
// because machines can be slow; nothing takes that long when it works.
const patience = 20 * time.Second

// browsers are the programs that can play a visitor, the best first.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// startBrowser starts the browser that all visitors share. Where the machine
// has none the test is skipped, unless ROWLOCK_BROWSER_TESTS is "required".
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	at := slices.IndexFunc(browsers, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
	if at < 0 {
		problem := "no browser was found: install chromium, or one of " + strings.Join(browsers, ", ")
		if os.Getenv("ROWLOCK_BROWSER_TESTS") == "required" {
			t.Fatal(problem)
		}
		t.Skip(problem)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browsers[at]),
		// It opens our own pages only, and many containers allow no sandbox.
		chromedp.NoSandbox,
		// And it asks nobody else for anything.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-pings", true),
	)
	ctx, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(closeAllocator)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(closeBrowser)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", browsers[at], err)
	}
	return ctx
}

// A demoSite is the whole program, serving the demo.
type demoSite struct {
	url     string
	browser context.Context
	// What tests need to set a scene, without a browser. The desk is that of a
	// second instance beside the program's.
	pool     *pgxpool.Pool
	accounts *account.Store
	events   *event.Store
	desk     *booking.Desk
	// simulating is held by the test that simulates: one run goes on at a time.
	simulating sync.Mutex
}

// startDemoSite runs the program as its main function does, on a database of
// its own that “rowlock demo” has filled. When the test ends, it stops the
// program, and reports what the program logged as an error.
func startDemoSite(t *testing.T) *demoSite {
	t.Helper()
	s := &demoSite{browser: startBrowser(t)}
	url := dbtest.URL(t)
	before := slog.Default()
	log := &serverLog{}
	err := run(t.Context(), []string{"demo", "--database-url", url, "--log-level", "error"}, terminal{out: io.Discard, err: log})
	if err != nil {
		t.Fatal(err)
	}

	greeting, out := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--database-url", url, "--addr", "127.0.0.1:0", "--log-level", "error"}, terminal{out: out, err: log})
		out.Close() //nolint:errcheck // it is a pipe of ours
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with: %v", err)
		}
		slog.SetDefault(before)
		if text := log.String(); text != "" {
			t.Errorf("the program logged:\n%s", text)
		}
	})
	s.url = readAddress(t, greeting)
	s.openStores(t, url)
	return s
}

// readAddress waits for the greeting and takes the address from it.
func readAddress(t *testing.T, greeting io.Reader) string {
	t.Helper()
	text := make([]byte, 1<<10)
	n, _ := greeting.Read(text)
	_, address, found := strings.Cut(string(text[:n]), "Rowlock is ready: ")
	if !found {
		t.Fatalf("the program greets with %q", text[:n])
	}
	go io.Copy(io.Discard, greeting) //nolint:errcheck // so that the program never waits for us
	address, _, _ = strings.Cut(address, "\n")
	return address
}

func (s *demoSite) openStores(t *testing.T, url string) {
	t.Helper()
	var err error
	if s.pool, err = db.Open(t.Context(), url, db.PageLimits); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	s.accounts = account.NewStore(s.pool, account.TestHasher())
	s.events = event.NewStore(s.pool)
	hub := live.NewHub(slog.New(slog.DiscardHandler))
	t.Cleanup(hub.Close)
	if err := hub.Join(url); err != nil {
		t.Fatal(err)
	}
	s.desk = booking.NewDesk(s.pool, slog.New(slog.DiscardHandler), hub.Changed)
	t.Cleanup(func() {
		if err := s.desk.Close(context.Background()); err != nil {
			t.Errorf("close the second desk: %v", err)
		}
	})
}

// serverLog keeps what the program logs.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *serverLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// personsPassword is the password of everybody whom person makes.
const personsPassword = "a boat for three"

// person makes somebody whom no other test knows.
func (s *demoSite) person(t *testing.T, name string, role account.Role) account.User {
	t.Helper()
	u, err := s.accounts.CreateUser(t.Context(), account.NewUser{
		Name:     name,
		Email:    strings.ToLower(strings.Fields(name)[0]) + "-" + uuid.NewString()[:8] + "@example.org",
		Password: personsPassword,
		Role:     role,
	}, uuid.Nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// event publishes an event that starts in a week.
func (s *demoSite) event(t *testing.T, title string, capacity int) event.Event {
	t.Helper()
	host := s.person(t, "Olive Host", account.Organizer)
	start := time.Now().Add(7 * 24 * time.Hour).Truncate(time.Minute)
	e, err := s.events.Create(t.Context(), host.ID, event.Details{
		Title: title, Location: "Boathouse 3", TimeZone: "Europe/Lisbon", Capacity: capacity,
		StartsAt: start, EndsAt: start.Add(2 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if e, err = s.events.Publish(t.Context(), e.ID, host.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	return e
}

// books gives the person a seat, or a place in line, without a browser.
func (s *demoSite) books(t *testing.T, u account.User, e event.Event) {
	t.Helper()
	if _, err := s.desk.Book(t.Context(), booking.Request{EventID: e.ID, UserID: u.ID}); err != nil {
		t.Fatal(err)
	}
}

// standing is how the person stands to the event in the database, beside the
// event itself.
func (s *demoSite) standing(t *testing.T, u account.User, e event.Event) (event.Event, booking.Mine) {
	t.Helper()
	e, mine, err := booking.Find(t.Context(), s.pool, e.ID, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return e, mine
}

// A screen is what a visitor looks at.
type screen struct {
	width, height int64
	// touch screens are tapped, others clicked.
	touch bool
}

var (
	phone   = screen{390, 844, true}
	desktop = screen{1280, 900, false}
)

// A visitor is one person at a browser that nobody else uses. Whatever they
// look for has [patience] to appear; what does not ends the test, and so says
// what was there instead.
type visitor struct {
	t      *testing.T
	site   *demoSite
	name   string
	screen screen
	ctx    context.Context

	mu sync.Mutex
	// refusals are the statuses that the test provokes.
	refusals []int64
	troubles []string
	posts    int
}

// visitor opens a browser for somebody. When the test ends, an error in the
// console, something that the content policy blocked, a request that failed or
// a refusal that was not expected fails it.
func (s *demoSite) visitor(t *testing.T, name string, screen screen) *visitor {
	t.Helper()
	v := &visitor{t: t, site: s, name: name, screen: screen}
	ctx, leave := chromedp.NewContext(s.browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(v.notice))
	v.ctx = ctx
	t.Cleanup(func() {
		leave()
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, trouble := range v.troubles {
			t.Errorf("%s’s browser: %s", name, trouble)
		}
	})
	// The tab lives as long as the context that opens it.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a window for %s: %v", name, err)
	}
	v.do("take a screen", chromedp.EmulateViewport(screen.width, screen.height, func(m *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile, touch.Enabled = screen.touch, screen.touch
	}))
	// Each of several windows believes that it is the one in front.
	call(v, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(v, audits.Enable, cdp.Empty{})
	return v
}

// withoutScripts has the browser run no JavaScript.
func (v *visitor) withoutScripts() *visitor {
	v.t.Helper()
	call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return v
}

// holdsAnswers keeps every answer that the server gives from the browser until
// the returned function is called.
func (v *visitor) holdsAnswers() (release func()) {
	v.t.Helper()
	call(v, fetch.Enable, fetch.EnableParams{
		Patterns: []*fetch.RequestPattern{{URLPattern: "*", RequestStage: fetch.RequestStageResponse}},
	})
	return func() {
		v.t.Helper()
		call(v, fetch.Disable, cdp.Empty{})
	}
}

// expects says that the visitor is going to be refused with this status.
func (v *visitor) expects(status int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refusals = append(v.refusals, status)
}

// notice hears everything that goes on in the browser.
func (v *visitor) notice(what any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	trouble := func(format string, args ...any) { v.troubles = append(v.troubles, fmt.Sprintf(format, args...)) }
	switch e := what.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			for _, arg := range e.Args {
				if text := string(arg.Value); strings.Contains(text, "htmx:sendAbort") || strings.Contains(text, "htmx:afterRequest") {
					continue // who leaves a page breaks off what it asked for; a request that fails is a sendError, too
				}
				trouble("console.%s: %s %s", e.Type, arg.Value, arg.Description)
			}
		}
	case *runtime.EventExceptionThrown:
		trouble("uncaught: %v", &chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails})
	case *cdplog.EventEntryAdded:
		// Answers with an error are counted where they arrive, below.
		isAnswer := e.Entry.Source == cdplog.EntrySourceNetwork && strings.Contains(e.Entry.Text, "responded with a status")
		isBlockedByTest := strings.Contains(e.Entry.Text, "ERR_BLOCKED_BY_CLIENT")
		if !isAnswer && !isBlockedByTest && (e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning) {
			trouble("%s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		trouble("issue: %s", issueText(e.Issue))
	case *network.EventRequestWillBeSent:
		if e.Request.Method == http.MethodPost {
			v.posts++
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 && !slices.Contains(v.refusals, e.Response.Status) {
			trouble("%d from %s", e.Response.Status, e.Response.URL)
		}
	case *network.EventLoadingFailed:
		isLeaving := e.Canceled || e.ErrorText == "net::ERR_ABORTED"
		if !isLeaving && e.BlockedReason != network.BlockedReasonInspector {
			trouble("a request failed: %s %s", e.ErrorText, e.BlockedReason)
		}
	}
}

func issueText(i *audits.InspectorIssue) string {
	if csp := i.Details.ContentSecurityPolicyIssueDetails; csp != nil {
		return fmt.Sprintf("%s: %s %s", i.Code, csp.ViolatedDirective, csp.BlockedURL)
	}
	if generic := i.Details.GenericIssueDetails; generic != nil {
		return fmt.Sprintf("%s: %s %s", i.Code, generic.ErrorType, generic.ViolatingNodeAttribute)
	}
	return string(i.Code)
}

// posted is how many forms the visitor has sent.
func (v *visitor) posted() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.posts
}

func (v *visitor) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatalf("%s: %s: %v", v.name, what, err)
	}
}

func call[P, R any](v *visitor, command cdp.Command[P, R], params P) {
	v.t.Helper()
	if _, err := chromedp.Call(v.ctx, command, params); err != nil {
		v.t.Fatalf("%s: %s: %v", v.name, command.Method, err)
	}
}

// opens goes to an address.
func (v *visitor) opens(path string) {
	v.t.Helper()
	v.do("open "+path, chromedp.Navigate(v.site.url+path))
}

// clicks on the link, button or question with that name, and taps on a touch
// screen. What is on the page itself comes before what is around it; a name is
// given in full, or else by how it begins.
func (v *visitor) clicks(name string) {
	v.t.Helper()
	x, y := v.find(name)
	if v.screen.touch {
		v.do("tap "+name, chromedp.TapXY(x, y))
		return
	}
	v.do("click "+name, chromedp.MouseClickXY(x, y))
}

// doubleClicks clicks twice, as a hand does.
func (v *visitor) doubleClicks(name string) {
	v.t.Helper()
	x, y := v.find(name)
	v.do("double-click "+name,
		chromedp.MouseClickXY(x, y),
		chromedp.Sleep(100*time.Millisecond),
		chromedp.MouseClickXY(x, y, chromedp.ClickCount(2)))
}

// find scrolls to what has the name, and tells where it is then.
func (v *visitor) find(name string) (x, y float64) {
	v.t.Helper()
	at := look[[]float64](v, "something called “"+name+"”", `
		const found = named(`+strconv.Quote(name)+`);
		if (found) found.scrollIntoView({ block: "center", behavior: "instant" });
		const box = found && found.getBoundingClientRect();
		painted() && box ? [box.x + box.width / 2, box.y + box.height / 2] : null`)
	return at[0], at[1]
}

// fills types into the field with that label, in place of what was there.
func (v *visitor) fills(label, text string) {
	v.t.Helper()
	kind := look[string](v, "a field “"+label+"”", `
		const field = painted() ? labelled(`+strconv.Quote(label)+`) : null;
		if (field) { field.focus(); if (field.select) field.select(); }
		field && field.type`)
	if kind == "datetime-local" {
		// What one types there depends on the country of the browser.
		v.sets(label, text)
		return
	}
	if text == "" {
		v.do("empty "+label, chromedp.KeyEvent(kb.Delete))
		return
	}
	v.do("type into "+label, chromedp.KeyEvent(text))
}

// chooses takes the first option that says so of the list with that label.
func (v *visitor) chooses(label, option string) {
	v.t.Helper()
	value := look[string](v, "an option “"+option+"” of “"+label+"”", `
		const list = labelled(`+strconv.Quote(label)+`);
		const chosen = list && [...list.options].find((o) => words(o).includes(`+strconv.Quote(option)+`));
		chosen && chosen.value`)
	v.sets(label, value)
}

func (v *visitor) sets(label, value string) {
	v.t.Helper()
	look[bool](v, "a field “"+label+"” that can be "+value, `
		const field = labelled(`+strconv.Quote(label)+`);
		field.value = `+strconv.Quote(value)+`;
		field.dispatchEvent(new Event("input", { bubbles: true }));
		field.dispatchEvent(new Event("change", { bubbles: true }));
		field.value === `+strconv.Quote(value))
}

// presses a key.
func (v *visitor) presses(key string) {
	v.t.Helper()
	v.do("press a key", chromedp.KeyEvent(key))
}

// tabsTo presses Tab until what has that name or label has the focus. On the
// way there, it always shows where the focus is.
func (v *visitor) tabsTo(name string) {
	v.t.Helper()
	v.tabsToOne("*", name)
}

// tabsToOne is tabsTo for one among those that the selector names.
func (v *visitor) tabsToOne(selector, name string) {
	v.t.Helper()
	var passed []string
	for range 60 {
		v.presses(kb.Tab)
		focus := look[struct {
			Name        string
			Fits, Shows bool
		}](v, "a focus", `
			const at = document.activeElement;
			({ name: nameOf(at), fits: at.matches(`+strconv.Quote(selector)+`), shows: showsFocus(at) })`)
		if !focus.Shows {
			v.t.Errorf("%s cannot see that “%s” has the focus", v.name, focus.Name)
		}
		if focus.Fits && strings.HasPrefix(focus.Name, name) {
			return
		}
		passed = append(passed, focus.Name)
	}
	v.t.Fatalf("%s never comes to “%s” with the keyboard, but through %q", v.name, name, passed)
}

// sees waits until the page says this.
func (v *visitor) sees(text string) {
	v.t.Helper()
	look[bool](v, "“"+text+"”", `words(document.body).includes(`+strconv.Quote(text)+`)`)
}

// has waits until the page has what the selector names, where it can be seen.
func (v *visitor) has(selector string) {
	v.t.Helper()
	look[bool](v, selector, `[...document.querySelectorAll(`+strconv.Quote(selector)+`)].some(seen)`)
}

// hasNo reports an error when the page has what the selector names.
func (v *visitor) hasNo(selector string) {
	v.t.Helper()
	if n := v.counts(selector); n > 0 {
		v.t.Errorf("%s finds %d times %s", v.name, n, selector)
	}
}

// watchesFor waits for what the selector names to be on the page that the
// visitor is about to leave: a browser answers no questions about a page while
// it fetches the next. The returned function tells, on the next page, whether
// it was there.
func (v *visitor) watchesFor(selector string) (seen func() bool) {
	v.t.Helper()
	look[bool](v, "a page", `
		sessionStorage.removeItem("watched");
		new MutationObserver(() => {
			if ([...document.querySelectorAll(`+strconv.Quote(selector)+`)].some(seen)) sessionStorage.setItem("watched", "yes");
		}).observe(document.body, { subtree: true, childList: true, attributes: true });
		true`)
	return func() bool {
		v.t.Helper()
		return look[string](v, "a page", `sessionStorage.getItem("watched") ?? "no"`) == "yes"
	}
}

// counts tells how often the page has what the selector names.
func (v *visitor) counts(selector string) int {
	v.t.Helper()
	return look[int](v, "a page", `document.querySelectorAll(`+strconv.Quote(selector)+`).length`)
}

// reads is the text of what the selector names, or what is typed into it.
func (v *visitor) reads(selector string) string {
	v.t.Helper()
	return look[string](v, selector, `
		const found = document.querySelector(`+strconv.Quote(selector)+`);
		found && (found.matches("input, textarea, select") ? found.value : words(found))`)
}

// comesTo waits until the page at path, whatever its query, is complete.
func (v *visitor) comesTo(path string) {
	v.t.Helper()
	look[bool](v, "the page "+path, `document.readyState === "complete" && location.pathname === `+strconv.Quote(path))
}

// path is the address of the page, without the query.
func (v *visitor) path() string {
	v.t.Helper()
	return look[string](v, "a page", `location.pathname`)
}

// staysOnThisPage marks the page that the visitor is on. The returned function
// reports an error when it was loaded again since.
func (v *visitor) staysOnThisPage() (check func()) {
	v.t.Helper()
	look[int](v, "a page", `window.stayed = 1`)
	return func() {
		v.t.Helper()
		if look[int](v, "a page", `window.stayed ?? 0`) == 0 {
			v.t.Errorf("%s’s page was loaded again", v.name)
		}
	}
}

// signsIn goes through the sign-in page.
func (v *visitor) signsIn(u account.User) {
	v.t.Helper()
	v.signsInBy(v, u)
}

// signsInBy is signsIn with hands of one’s choice.
func (v *visitor) signsInBy(by hands, u account.User) {
	v.t.Helper()
	v.opens("/login")
	by.fills("Email address", u.Email)
	by.fills("Password", personsPassword)
	by.clicks("Sign in")
	v.comesTo("/")
}

// hears waits until the page reads this out to those who do not see it.
func (v *visitor) hears(text string) {
	v.t.Helper()
	look[bool](v, "“"+text+"” read out", `words(document.getElementById("announcer")).includes(`+strconv.Quote(text)+`)`)
}

// vocabulary is what scripts that look at a page have in common: they know
// things by the names that people and screen readers know them by.
const vocabulary = `
	const words = (e) => (e.innerText ?? e.textContent).replace(/\s+/g, " ").trim();
	const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
	const nameOf = (e) => e.getAttribute("aria-label") || (e.labels && e.labels.length ? label(e.labels[0]) : words(e));
	const label = (l) => [...l.childNodes].filter((n) => !(n.className ?? "").includes("optional")).map((n) => n.textContent).join("").replace(/\s+/g, " ").trim();
	const named = (name) => {
		for (const place of [document.querySelector("main"), document.body]) {
			const all = place ? [...place.querySelectorAll("a, button, summary, label")].filter(seen) : [];
			const found = all.find((e) => nameOf(e) === name) ?? all.find((e) => nameOf(e).startsWith(name));
			if (found) return found;
		}
		return null;
	};
	const labelled = (name) => [...document.querySelectorAll("label")].filter((l) => seen(l) && label(l) === name).map((l) => l.control)[0] ??
		[...document.querySelectorAll("input, select, textarea")].find((e) => seen(e) && e.getAttribute("aria-label") === name) ?? null;
	// Before a page is painted, the browser drops what hits it.
	const painted = () => document.readyState === "complete" && performance.getEntriesByName("first-contentful-paint").length > 0;
	const showsFocus = (e) => {
		if (e === document.body) return true;
		for (let at = e; at && at !== document.body; at = at.parentElement) {
			const style = getComputedStyle(at);
			if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) return true;
		}
		return false;
	};
`

// look runs a script until it finds something: until its last expression is
// neither null nor undefined nor false, nor fails because the page is just
// changing. A false or missing last answer ends the test.
func look[T any](v *visitor, what, script string) T {
	v.t.Helper()
	// A block keeps the constants to itself, and still has a value.
	script = "{" + vocabulary + script + "\n}"
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	var last error
	for {
		found, err := chromedp.Run(ctx, chromedp.Evaluate[*T](script))
		if err == nil && found != nil && any(*found) != any(false) {
			return *found
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			v.t.Fatalf("%s looks in vain for %s%s", v.name, what, v.picture(last))
		case <-time.After(40 * time.Millisecond):
		}
	}
}

// picture describes what is there instead of what was looked for.
func (v *visitor) picture(err error) string {
	ctx, cancel := context.WithTimeout(v.ctx, 5*time.Second)
	defer cancel()
	text, readErr := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + ": " + document.body.innerText.replace(/\s+/g, " ").slice(0, 600)`))
	if readErr != nil {
		text = readErr.Error()
	}
	if err != nil {
		text = err.Error() + "\n" + text
	}
	return ". There is " + text
}
