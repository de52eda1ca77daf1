package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, method, path, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	content, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestEveryFileIsServedForEverAsWhatItIs(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "live.js": "text/javascript; charset=utf-8", "htmx.min.js": "text/javascript; charset=utf-8",
		"favicon.svg": "image/svg+xml", "preload.rules": "application/speculationrules+json", "text.woff2": "font/woff2", "display.woff2": "font/woff2", "social.png": "image/png", "touch-icon.png": "image/png",
	}
	for name, mediaType := range types {
		r := get(t, http.MethodGet, Path(name), "")
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", name, r.StatusCode)
		}
		if got := r.Header.Get("Content-Type"); got != mediaType {
			t.Errorf("%s: got type %q, want %q", name, got, mediaType)
		}
		if got := r.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: got Cache-Control %q", name, got)
		}
		if len(body(t, r)) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

func TestWhatIsCompressedIsTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"app.css", "app.js", "live.js", "htmx.min.js", "favicon.svg"} {
		plain := body(t, get(t, http.MethodGet, Path(name), ""))
		r := get(t, http.MethodGet, Path(name), "br, gzip, deflate")
		if got := r.Header.Get("Content-Encoding"); got != "gzip" {
			t.Errorf("%s: got encoding %q", name, got)
			continue
		}
		if got := r.Header.Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("%s: got Vary %q", name, got)
		}
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(unzipped)
		if err != nil || !bytes.Equal(content, plain) {
			t.Errorf("%s differs when compressed (%v)", name, err)
		}
	}
}

func TestWhoWantsNoGzipGetsNone(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "identity", "gzip;q=0", "br, gzip; q=0.0", "br"} {
		if got := get(t, http.MethodGet, Path("app.css"), header).Header.Get("Content-Encoding"); got != "" {
			t.Errorf("%q: got encoding %q", header, got)
		}
	}
	// A typeface is compressed already.
	if got := get(t, http.MethodGet, Path("text.woff2"), "gzip").Header.Get("Content-Encoding"); got != "" {
		t.Errorf("a typeface: got encoding %q", got)
	}
}

func TestOnlyTheAddressOfTheContentIsKnown(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/static/app.css", "/static/app.000000000000.css", "/static/", "/static/text.LICENSE", "/static/../static.go", "/static/files/app.css",
	} {
		if got := get(t, http.MethodGet, path, "").StatusCode; got != http.StatusNotFound {
			t.Errorf("%s: got status %d, want 404", path, got)
		}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	head := get(t, http.MethodHead, Path("app.css"), "")
	if head.StatusCode != http.StatusOK || head.Header.Get("Content-Length") == "0" || len(body(t, head)) != 0 {
		t.Errorf("HEAD: got status %d, length %s", head.StatusCode, head.Header.Get("Content-Length"))
	}
	if got := get(t, http.MethodPost, Path("app.css"), "").StatusCode; got != http.StatusMethodNotAllowed {
		t.Errorf("POST: got status %d", got)
	}
}

func TestAStyleSheetNamesTheTypefacesByTheirAddress(t *testing.T) {
	t.Parallel()
	sheet := string(body(t, get(t, http.MethodGet, Path("app.css"), "")))
	for _, name := range []string{"text.woff2", "text-ext.woff2", "display.woff2", "display-ext.woff2"} {
		if !strings.Contains(sheet, `url("`+Path(name)+`")`) {
			t.Errorf("the style sheet does not name %s", Path(name))
		}
	}
}

func TestOtherContentHasAnotherAddress(t *testing.T) {
	t.Parallel()
	address := func(font, css string) string {
		_, addresses := load(fstest.MapFS{
			"files/a.woff2": {Data: []byte(font)}, "files/a.css": {Data: []byte(css)},
		})
		return addresses["a.css"]
	}
	sheet := `@font-face { src: url("a.woff2") }`
	if first, again := address("one", sheet), address("one", sheet); first != again {
		t.Error("the same content has two addresses")
	}
	if address("one", sheet) == address("one", sheet+" ") {
		t.Error("a changed style sheet keeps its address")
	}
	if address("one", sheet) == address("two", sheet) {
		t.Error("a style sheet with a changed typeface keeps its address")
	}
}

func TestAnUnknownNameIsAMistake(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a name that is not carried has an address")
		}
	}()
	Path("no-such.css")
}

// The budgets keep a page quick on a phone in a field.
func TestBudgets(t *testing.T) {
	t.Parallel()
	sent := func(names ...string) (sum int) {
		for _, name := range names {
			f := files[strings.TrimPrefix(Path(name), Prefix)]
			if f.gzipped != nil {
				sum += len(f.gzipped)
			} else {
				sum += len(f.plain)
			}
		}
		return sum
	}
	if got := sent("app.css"); got > 15_000 {
		t.Errorf("styles are %d bytes compressed", got)
	}
	if got := sent("htmx.min.js", "app.js", "live.js"); got > 25_000 {
		t.Errorf("scripts are %d bytes compressed", got)
	}
	if got := sent("text.woff2", "text-ext.woff2", "display.woff2", "display-ext.woff2"); got > 60_000 {
		t.Errorf("typefaces are %d bytes", got)
	}
}
