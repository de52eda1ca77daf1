package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/account"
	"rowlock/event"
	"rowlock/web"
)

func TestErrorsComeInTheFormThatTheAskerReads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.as(account.Attendee)

	c.get("/nothing").wants(http.StatusNotFound).says("There is no such page").has(`a[href="/events"]`).says(c.user.Name)
	if got := c.json(http.MethodGet, "/nothing").wants(http.StatusNotFound); got.jsonError() == "" || !strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
		t.Errorf("a script gets %s", got.Body)
	}
	part := c.htmx(http.MethodGet, "/nothing").wants(http.StatusNotFound).hasNo("main").says("There is no such page")
	if part.Header.Get("HX-Retarget") != "#trouble" || part.Header.Get("HX-Reswap") != "innerHTML" {
		t.Errorf("htmx is told %v", part.Header)
	}
	// The place that the part goes to is on every page.
	c.get("/").has("#trouble")

	c.post("/events").wants(http.StatusMethodNotAllowed).has("main h1")
	c.get("/events/not-a-uuid").wants(http.StatusNotFound).has("main h1")
	c.get("/events/00000000-0000-7000-8000-000000000000").wants(http.StatusNotFound).says("There is no such event")
}

func TestOurMistakesStayInTheLog(t *testing.T) {
	t.Parallel()
	var log logbook
	s := newSite(t, func(config *web.Config) { config.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	s.exec(`alter table events rename to mislaid`)

	a := s.stranger().get("/").wants(http.StatusInternalServerError).says("Something went wrong on our side").has("main h1")
	script := s.stranger().json(http.MethodGet, "/").wants(http.StatusInternalServerError)
	for _, body := range []string{a.Body, script.Body} {
		if strings.Contains(body, "relation") || strings.Contains(body, "42P01") || strings.Contains(body, "select") {
			t.Errorf("the cause is shown: %s", body)
		}
	}
	if line := log.line("level=ERROR", "42P01"); !strings.Contains(line, "request="+a.Header.Get("X-Request-Id")) {
		t.Errorf("logged %q", line)
	}
}

func TestWithoutItsDatabaseTheSiteAsksForPatience(t *testing.T) {
	t.Parallel()
	// Nobody listens there.
	pool, err := pgxpool.New(t.Context(), "postgres://rowlock@127.0.0.1:1/rowlock?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	server, err := web.New(
		web.Config{BaseURL: "http://example.org", SessionKey: sessionKey, Log: slog.New(slog.DiscardHandler)},
		web.Services{Pages: pool, Accounts: account.NewStore(pool, account.TestHasher()), Events: event.NewStore(pool)})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/healthz": http.StatusOK,
		"/readyz":  http.StatusServiceUnavailable,
		"/":        http.StatusServiceUnavailable,
		"/login":   http.StatusOK,
	} {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", path, w.Code, want)
		}
		if path == "/" && (w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "Try again")) {
			t.Errorf("nobody is told when to come back: %v %s", w.Header(), w.Body)
		}
	}
}

func TestNotReadyBeforeEveryMigration(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`delete from goose_db_version where version_id = (select max(version_id) from goose_db_version)`)
	a := s.stranger().get("/readyz").wants(http.StatusServiceUnavailable)
	if a.jsonError() == "" {
		t.Errorf("got %s", a.Body)
	}
	s.stranger().get("/healthz").wants(http.StatusOK)
}

// handledElsewhere are errors that a handler words beside a form field.
var handledElsewhere = map[string]bool{
	"account.ErrWrongPassword": true,
	"account.ErrAmbiguous":     true,
	"event.ErrNotATime":        true,
	"event.ErrSkippedTime":     true,
}

// TestEveryRefusalIsWorded finds the errors that a domain package promises and
// that would be shown as a fault of ours.
func TestEveryRefusalIsWorded(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range []string{"account", "booking", "event", "simulation"} {
		for _, sentinel := range sentinels(t, filepath.Join("..", name)) {
			found++
			full := name + "." + sentinel
			if !handledElsewhere[full] && !strings.Contains(string(table), "{err: "+full+",") {
				t.Errorf("%s has no line in outcomes: a visitor who meets it is told that we made a mistake", full)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d errors were found", found)
	}
}

// sentinels names the exported error variables of the package in a folder.
func sentinels(t *testing.T, folder string) []string {
	t.Helper()
	files, err := fs.Glob(os.DirFS(folder), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			group, ok := declaration.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				for _, id := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(id.Name, "Err") {
						names = append(names, id.Name)
					}
				}
			}
		}
	}
	return names
}
