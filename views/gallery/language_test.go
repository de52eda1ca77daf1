package gallery

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/PuerkitoBio/goquery"

	"rowlock/locale"
)

// spoken are the attributes that people read or hear.
var spoken = []string{"aria-label", "title", "placeholder", "alt", "data-busy", "data-copied", "data-said", "data-trouble", "data-yours"}

// Every text of every page is said, and so can be said in another language.
// What is not said is what people wrote.
func TestEveryTextIsSaid(t *testing.T) {
	t.Parallel()
	written := samples(t)
	unsaid := map[string]string{}
	for slug, doc := range pagesIn(t, locale.Marked()) {
		for _, piece := range locale.Unsaid(textsOf(doc)) {
			if strings.ContainsFunc(piece, unicode.IsLetter) && !isWritten(piece, written) {
				unsaid[piece] = slug
			}
		}
	}
	for _, piece := range slices.Sorted(maps.Keys(unsaid)) {
		t.Errorf("page %s does not say %q", unsaid[piece], piece)
	}
}

// No page of another language shows an English sentence that the catalogue has
// in that language.
func TestPagesAreWhollyInTheirLanguage(t *testing.T) {
	t.Parallel()
	for _, l := range locale.All()[1:] {
		for slug, doc := range pagesIn(t, l) {
			if lang := doc.Find("html").AttrOr("lang", ""); lang != l.Code() {
				t.Errorf("page %s in %s tells to be in %q", slug, l.Code(), lang)
			}
			shown := strings.Join(textsOf(doc), "\n")
			for _, english := range l.Texts() {
				if len(strings.Fields(english)) > 2 && l.Say(english) != english && strings.Contains(shown, english) {
					t.Errorf("page %s in %s says %q", slug, l.Code(), english)
				}
			}
		}
	}
}

// pagesIn renders every page of the gallery in a language.
func pagesIn(t *testing.T, l *locale.Locale) map[string]*goquery.Document {
	t.Helper()
	pages := map[string]*goquery.Document{}
	for _, s := range append([]shot{{slug: ""}}, shots(l)...) {
		r := httptest.NewRequest(http.MethodGet, Prefix+"/"+s.slug, nil)
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, r.WithContext(locale.With(r.Context(), l)))
		doc, err := goquery.NewDocumentFromReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		pages[s.slug] = doc
	}
	return pages
}

// textsOf is all that people read or hear on a page, without what is in another
// language than the page and says so, and without the title, which here names
// the sample.
func textsOf(doc *goquery.Document) []string {
	doc.Find("body [lang], script, noscript, title").Remove()
	var texts []string
	var walk func(_ int, s *goquery.Selection)
	walk = func(_ int, s *goquery.Selection) {
		if goquery.NodeName(s) == "#text" {
			texts = append(texts, s.Text())
		}
		s.Contents().Each(walk)
	}
	doc.Find("html").Each(walk)
	for _, attribute := range spoken {
		doc.Find("[" + attribute + "]").Each(func(_ int, s *goquery.Selection) {
			texts = append(texts, s.AttrOr(attribute, ""))
		})
	}
	doc.Find("meta[name=description], meta[property='og:description']").Each(func(_ int, s *goquery.Selection) {
		texts = append(texts, s.AttrOr("content", ""))
	})
	return texts
}

// samples are all that the gallery's people wrote: what its code has in quotes
// and does not say.
func samples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := []string{"Rowlock", "UTC"}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isSaying(call) {
				return false
			}
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, strings.Join(strings.Fields(text), " "))
			}
			return true
		})
	}
	return found
}

func isSaying(call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Say", "Count", "Later", "LaterCount"}, selector.Sel.Name)
}

// isWritten tells whether a piece is from a sample, as far as it is shown.
func isWritten(piece string, samples []string) bool {
	for _, separator := range []string{"\n\n", " → ", " · ", ", "} {
		if before, after, found := strings.Cut(piece, separator); found && isWritten(before, samples) && isWritten(after, samples) {
			return true
		}
	}
	piece = strings.Trim(strings.Join(strings.Fields(piece), " "), " .,:;…·–—→()“”?!+−0123456789")
	return piece == "" || slices.ContainsFunc(samples, func(sample string) bool {
		return strings.Contains(strings.ReplaceAll(sample, "_", " "), piece) || strings.Contains(sample, strings.ReplaceAll(piece, " ", ""))
	})
}
