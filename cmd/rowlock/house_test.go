package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors are the packages from the ground up. A package imports only from
// floors below its own.
var floors = [][]string{
	{"locale", "migrations", "static", "tour"},
	{"db"},
	{"db/embedded"},
	{"audit", "db/dbtest", "live"},
	{"account", "event"},
	{"booking"},
	{"simulation", "proof/faults", "proof/model", "proof/mutant"},
	{"views"},
	{"views/gallery"},
	{"web"},
	{"bench", "bench/bare", "cmd/pagecheck", "cmd/rowlock", "cmd/shots", "proof"},
}

// onlyHere may be imported by no package but those named.
var onlyHere = map[string][]string{
	"github.com/labstack/echo/v4":       {"web"},
	"github.com/gorilla/sessions":       {"web"},
	"github.com/a-h/templ":              {"views", "views/gallery", "web"},
	"github.com/alecthomas/kong":        {"cmd/rowlock"},
	"github.com/anishathalye/porcupine": {"proof/model"},
	"github.com/leonelquinteros/gotext": {"locale"},
	"github.com/pressly/goose/v3":       {"db"},
	"github.com/jackc/pgx/v5/stdlib":    {"db"},
}

func TestImportsRunDownward(t *testing.T) {
	floorOf := map[string]int{}
	for i, packages := range floors {
		for _, name := range packages {
			floorOf[name] = i
		}
	}
	for name, imports := range importsOfAll(t) {
		floor, known := floorOf[name]
		if !known {
			t.Errorf("package %s has no floor: give it one here and in docs/architecture.md", name)
			continue
		}
		for _, path := range imports {
			if allowed, restricted := onlyHere[path]; restricted && !slices.Contains(allowed, name) {
				t.Errorf("%s imports %s, which only %s may", name, path, strings.Join(allowed, ", "))
			}
			below, ours := strings.CutPrefix(path, "rowlock/")
			if ours && floorOf[below] >= floor {
				t.Errorf("%s imports %s, which is not below it", name, below)
			}
		}
	}
}

// importsOfAll lists the imports of every package of this module, tests left
// out, by its path in the module.
func importsOfAll(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "rowlock/...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list the packages: %v", err)
	}
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		imports[strings.TrimPrefix(fields[0], "rowlock/")] = fields[1:]
	}
	if len(imports) < 10 {
		t.Fatalf("only %d packages were found", len(imports))
	}
	return imports
}
