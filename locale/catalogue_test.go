package locale_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leonelquinteros/gotext"
)

// saying are the functions whose English texts belong in the catalogue, with
// how many texts each takes.
var saying = map[string]int{
	"say": 1, "Say": 1, "Later": 1, "date": 1, "Date": 1,
	"countText": 2, "Count": 2, "LaterCount": 2,
}

// calendar are the names that [locale.Locale.Date] says.
var calendar = []string{
	"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
	"Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
	"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
	"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun",
}

// A said text is an English text of the code, with its form for many where it
// has one.
type said struct{ one, many, where string }

// Every text that the code says is in every language's file, with the same
// verbs, and no file has a text that the code does not say.
func TestCatalogueIsComplete(t *testing.T) {
	t.Parallel()
	texts := textsOfTheCode(t)
	files, err := filepath.Glob("texts/*.po")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d languages beside English: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		po := gotext.NewPo()
		po.Parse(text)
		entries := po.GetDomain().GetTranslations()
		forms := formsOf(t, text)
		for _, english := range slices.Sorted(maps.Keys(texts)) {
			if problem := wrong(texts[english], entries[english], forms); problem != "" {
				t.Errorf("%s: %s: %s\nmsgid %q", file, texts[english].where, problem, english)
			}
		}
		for english := range entries {
			if _, used := texts[english]; !used && english != "" {
				t.Errorf("%s: nothing says %q any more", file, english)
			}
		}
	}
}

// A text that is translated twice would be said one way or the other.
func TestNoTextIsTranslatedTwice(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(os.DirFS("texts"), "*.po")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("texts", file))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, id := range msgid.FindAllStringSubmatch(string(text), -1) {
			if seen[id[1]] {
				t.Errorf("%s: %q is there twice", file, id[1])
			}
			seen[id[1]] = true
		}
	}
}

var (
	msgid    = regexp.MustCompile(`(?m)^msgid "(.+)"$`)
	nplurals = regexp.MustCompile(`nplurals=(\d+)`)
)

// formsOf is how many forms a language has for counted things.
func formsOf(t *testing.T, text []byte) int {
	t.Helper()
	found := nplurals.FindSubmatch(text)
	if found == nil {
		t.Fatal("a file does not say how its language counts")
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wrong tells what is wrong with the translation of a text, or nothing.
func wrong(s said, entry *gotext.Translation, plurals int) string {
	if entry == nil {
		return "not translated"
	}
	if s.many != entry.PluralID {
		return fmt.Sprintf("the form for many is %q, the file has %q", s.many, entry.PluralID)
	}
	if want := map[bool]int{false: 1, true: plurals}[s.many != ""]; len(entry.Trs) != want {
		return fmt.Sprintf("%d forms, not %d", len(entry.Trs), want)
	}
	for _, form := range entry.Trs {
		if form == "" {
			return "not translated"
		}
		if verbs(form) != verbs(s.one) {
			return fmt.Sprintf("%q takes other things than the English text", form)
		}
	}
	return ""
}

var verb = regexp.MustCompile(`%(\[\d+\])?s`)

// verbs counts the things that a format takes.
func verbs(format string) int { return len(verb.FindAllString(format, -1)) }

// textsOfTheCode finds every text of the program by its English.
func textsOfTheCode(t *testing.T) map[string]said {
	t.Helper()
	texts := map[string]said{"English": {one: "English", where: "locale"}}
	for _, name := range calendar {
		texts[name] = said{one: name, where: "calendar"}
	}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Dir(path) == "../locale" {
			return err
		}
		return gather(t, path, texts)
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func gather(t *testing.T, path string, texts map[string]said) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(node ast.Node) bool {
		call, isCall := node.(*ast.CallExpr)
		if !isCall {
			return true
		}
		wanted := saying[nameOf(call.Fun)]
		literals := literalsOf(call.Args)
		if wanted == 0 || len(literals) < wanted {
			return true
		}
		s := said{one: literals[0], where: files.Position(call.Pos()).String()}
		if wanted == 2 {
			s.many = literals[1]
		}
		if before, known := texts[s.one]; known && before.many != s.many {
			t.Errorf("%s: %q has another form for many than at %s", s.where, s.one, before.where)
		}
		texts[s.one] = s
		return true
	})
	return nil
}

func nameOf(function ast.Expr) string {
	switch f := function.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func literalsOf(args []ast.Expr) []string {
	var list []string
	for _, arg := range args {
		if literal, ok := arg.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				list = append(list, text)
			}
		}
	}
	return list
}
