package gallery

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"rowlock/locale"
)

// eachPage opens every page of the gallery, and so every page in every state.
func eachPage(t *testing.T, look func(t *testing.T, doc *goquery.Document)) {
	t.Helper()
	for _, s := range append([]shot{{slug: ""}}, shots(locale.English)...) {
		t.Run("page "+s.slug, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, Prefix+"/"+s.slug, nil))
			if w.Code != s.statusCode() {
				t.Fatalf("got status %d, want %d", w.Code, s.statusCode())
			}
			doc, err := goquery.NewDocumentFromReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			look(t, doc)
		})
	}
}

func TestNothingNeedsAnUnsafePolicy(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, doc *goquery.Document) {
		if n := doc.Find("style, [style]").Length(); n > 0 {
			t.Errorf("%d styles are written into the page", n)
		}
		doc.Find("script").Each(func(_ int, s *goquery.Selection) {
			if _, ok := s.Attr("src"); !ok || strings.TrimSpace(s.Text()) != "" {
				t.Error("a script is written into the page")
			}
		})
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, a := range s.Nodes[0].Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "hx-on" || strings.HasPrefix(a.Key, "hx-on:") || strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%s has %s=%q", goquery.NodeName(s), a.Key, a.Val)
				}
			}
		})
		doc.Find("link[href], script[src], img[src]").Each(func(_ int, s *goquery.Selection) {
			address := s.AttrOr("href", s.AttrOr("src", ""))
			if !strings.HasPrefix(address, "/static/") {
				t.Errorf("%q is loaded from elsewhere", address)
			}
		})
	})
}

func TestEveryFieldHasALabelAndEveryButtonAName(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, doc *goquery.Document) {
		doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("aria-hidden", "") == "true" || strings.TrimSpace(s.AttrOr("aria-label", "")) != "" || s.Closest("label").Length() > 0 {
				return
			}
			id, ok := s.Attr("id")
			if !ok || strings.TrimSpace(doc.Find(`label[for="`+id+`"]`).Text()) == "" {
				t.Errorf("no label for %s", html(t, s))
			}
		})
		doc.Find("button, a[href], summary").Each(func(_ int, s *goquery.Selection) {
			if strings.TrimSpace(s.Text()) == "" {
				t.Errorf("no name for %s", html(t, s))
			}
		})
	})
}

func TestWhatIsReferredToExistsOnce(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, doc *goquery.Document) {
		ids := map[string]int{}
		doc.Find("[id]").Each(func(_ int, s *goquery.Selection) { ids[s.AttrOr("id", "")]++ })
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%d elements are called %q", n, id)
			}
		}
		for _, attribute := range []string{"for", "form", "list", "aria-describedby", "aria-labelledby"} {
			doc.Find("[" + attribute + "]").Each(func(_ int, s *goquery.Selection) {
				for _, id := range strings.Fields(s.AttrOr(attribute, "")) {
					if ids[id] == 0 {
						t.Errorf("%s refers to %q, which is not there", html(t, s), id)
					}
				}
			})
		}
	})
}

func TestEveryInvalidFieldSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, doc *goquery.Document) {
		doc.Find("[aria-invalid=true]").Each(func(_ int, s *goquery.Selection) {
			described := strings.Fields(s.AttrOr("aria-describedby", ""))
			if len(described) == 0 || !strings.HasSuffix(described[0], "-problem") {
				t.Errorf("no problem is tied to %s", html(t, s))
			}
		})
		doc.Find(".problems a[href^='#']").Each(func(_ int, s *goquery.Selection) {
			if doc.Find(s.AttrOr("href", "")).Length() != 1 {
				t.Errorf("the summary leads to %s, which is not there", s.AttrOr("href", ""))
			}
		})
	})
}

func TestEveryPageHasItsLandmarks(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, doc *goquery.Document) {
		for _, one := range []string{"html[lang]", "head > title", "main#main", "main h1", "header.masthead", "footer.colophon", "meta[name=viewport]", `a.skip[href="#main"]`} {
			if n := doc.Find(one).Length(); n != 1 {
				t.Errorf("%d of %s", n, one)
			}
		}
	})
}

func TestFormsWorkWithoutAScript(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, doc *goquery.Document) {
		doc.Find("form").Each(func(_ int, s *goquery.Selection) {
			method, action := s.AttrOr("method", ""), s.AttrOr("action", "")
			if method != "post" && method != "get" {
				t.Errorf("a form has no method: %s", html(t, s))
			}
			if post, ok := s.Attr("hx-post"); ok && (post != action || method != "post") {
				t.Errorf("htmx posts to %q, a browser alone to %q", post, action)
			}
			if get, ok := s.Attr("hx-get"); ok && (get != action || method != "get") {
				t.Errorf("htmx asks %q, a browser alone %q", get, action)
			}
			if s.Find("button:not([type=button])").Length() == 0 && doc.Find(`button[form="`+s.AttrOr("id", "-")+`"]`).Length() == 0 {
				t.Errorf("a form has no button: %s", html(t, s))
			}
		})
		doc.Find("[hx-target]").Each(func(_ int, s *goquery.Selection) {
			if target := s.AttrOr("hx-target", ""); target != "this" && doc.Find(target).Length() != 1 {
				t.Errorf("%s swaps %s, which is not there", html(t, s), target)
			}
		})
	})
}

func TestPagesStaySmall(t *testing.T) {
	t.Parallel()
	for slug, limit := range map[string]int{"event": 30_000, "event-open": 30_000, "event-line": 30_000, "events": 30_000} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, Prefix+"/"+slug, nil))
		if got := w.Body.Len(); got > limit {
			t.Errorf("%s is %d bytes", slug, got)
		}
	}
}

func TestAnUnknownPageIsNotFound(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, Prefix+"/no-such-page", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("got status %d, want 404", w.Code)
	}
}

func html(t *testing.T, s *goquery.Selection) string {
	t.Helper()
	text, err := goquery.OuterHtml(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}
