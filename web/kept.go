package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/locale"
	"rowlock/static"
)

const (
	// keptFor bounds the age of what a kept page shows. It also bounds how far
	// times such as "in 20 minutes" are off.
	keptFor = time.Second
	// maxKept bounds how many pages are kept, and maxKeptSize how many bytes
	// each of them has: together 64 MiB, and half as much again compressed.
	maxKept     = 512
	maxKeptSize = 128 << 10
	// renderTimeout bounds the making of a page that others may wait for.
	renderTimeout = 10 * time.Second
)

// keptRoutes lead to pages that are the same for all strangers.
var keptRoutes = map[string]bool{"/": true, "/events": true, "/events/:id": true}

// A pageKey holds all that a stranger's page depends on, beside what it shows.
type pageKey struct {
	address  string // the path with the query
	language *locale.Locale
	isPart   bool
}

// keepPages answers strangers with a page that another stranger was shown a
// moment ago. Everybody who is signed in, or waits to be told something, gets
// a page of their own; it is never kept.
func (s *Server) keepPages(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !keptRoutes[c.Path()] || r.Method != http.MethodGet || !isStranger(c) || wantsJSON(c) {
			return next(c)
		}
		key := pageKey{r.URL.RequestURI(), locale.From(r.Context()), wantsPart(c)}
		// A list names no event: any change may concern it.
		about, _ := uuid.Parse(c.Param("id"))
		page, err := s.kept.get(key, about, s.now(), func() (*keptPage, error) { return record(c, key, next) })
		if err != nil {
			return err
		}
		return page.answer(c)
	}
}

// record makes the page that the key names. It hands on nothing else of the
// request, so that nothing about who asks gets into a page for everybody, and
// a visitor who leaves takes nobody's page along.
func record(c echo.Context, key pageKey, next echo.HandlerFunc) (*keptPage, error) {
	request, response := c.Request(), c.Response()
	defer func() {
		c.SetRequest(request)
		c.SetResponse(response)
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(request.Context()), renderTimeout)
	defer cancel()
	r := request.Clone(ctx)
	r.Header = http.Header{}
	if key.isPart {
		r.Header.Set("HX-Request", "true")
	}
	w := &recorder{header: http.Header{}}
	c.SetRequest(r)
	c.SetResponse(echo.NewResponse(w, c.Echo()))

	if err := next(c); err != nil {
		return nil, err
	}
	if w.status != http.StatusOK {
		return nil, fmt.Errorf("a page to keep has status %d", w.status)
	}
	page := &keptPage{html: w.body.Bytes(), tag: w.header.Get("ETag")}
	page.gzipped = sync.OnceValue(func() []byte { return compressed(page.html) })
	return page, nil
}

// A recorder takes an answer that is to be sent later.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// A keptPage is ready to be sent.
type keptPage struct {
	html []byte
	// gzipped is made when somebody takes it first.
	gzipped func() []byte
	tag     string
}

func (p *keptPage) answer(c echo.Context) error {
	if isCurrent(c, p.tag) {
		return c.NoContent(http.StatusNotModified)
	}
	h := c.Response().Header()
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	body := p.html
	if static.AcceptsGzip(c.Request().Header.Get(echo.HeaderAcceptEncoding)) {
		h.Set(echo.HeaderContentEncoding, "gzip")
		body = p.gzipped()
	}
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	return c.HTMLBlob(http.StatusOK, body)
}

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compressed(plain []byte) []byte {
	var b bytes.Buffer
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(&b)
	// Writing to memory does not fail.
	_, _ = w.Write(plain)
	_ = w.Close()
	return b.Bytes()
}

// keptPages are the pages that strangers were shown last.
type keptPages struct {
	mu    sync.Mutex
	pages map[pageKey]*keptEntry
}

type keptEntry struct {
	// about is the event that the page shows, uuid.Nil for a list.
	about uuid.UUID
	// since is a moment before anything on the page was read.
	since time.Time
	// page makes it once. Who asks in the meantime waits.
	page func() (*keptPage, error)
}

// get returns the page, and calls make when none is kept that is young enough
// at now. A page that cannot be made, or is too large, is not kept.
func (k *keptPages) get(key pageKey, about uuid.UUID, now time.Time, make func() (*keptPage, error)) (*keptPage, error) {
	e := k.entry(key, about, now, make)
	page, err := e.page()
	if err != nil || len(page.html)+len(key.address) > maxKeptSize {
		k.remove(key, e)
	}
	return page, err
}

func (k *keptPages) entry(key pageKey, about uuid.UUID, now time.Time, make func() (*keptPage, error)) *keptEntry {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.pages[key]; e != nil && now.Sub(e.since) < keptFor {
		return e
	}
	e := &keptEntry{about: about, since: now, page: sync.OnceValues(make)}
	for old := range k.pages {
		if len(k.pages) < maxKept {
			break
		}
		// Any will do: the next who asks for it makes it again.
		delete(k.pages, old)
	}
	k.pages[key] = e
	return e
}

func (k *keptPages) remove(key pageKey, e *keptEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pages[key] == e {
		delete(k.pages, key)
	}
}

// forget drops what shows events that changed; all pages when none is named.
// Who asks from then on gets a page that is read anew.
func (k *keptPages) forget(events ...uuid.UUID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(events) == 0 {
		clear(k.pages)
	}
	for _, event := range events {
		for key, e := range k.pages {
			if e.about == event || e.about == uuid.Nil {
				delete(k.pages, key)
			}
		}
	}
}
