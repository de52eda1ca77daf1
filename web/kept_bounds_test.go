package web

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/locale"
)

func emptyKept() *keptPages { return &keptPages{pages: map[pageKey]*keptEntry{}} }

func keyFor(address string) pageKey { return pageKey{address: address, language: locale.English} }

// pageOf makes a page of so many bytes, and counts how often it is asked to.
func pageOf(size int, made *atomic.Int64) func() (*keptPage, error) {
	return func() (*keptPage, error) {
		made.Add(1)
		return &keptPage{html: make([]byte, size)}, nil
	}
}

// Nothing about the visitor for whom a page is made gets into it, but what the
// key says, and one who leaves takes nobody's page along.
func TestAKeptPageIsMadeForNobodyInParticular(t *testing.T) {
	t.Parallel()
	for isPart, want := range map[bool]http.Header{false: {}, true: {"Hx-Request": {"true"}}} {
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events/1?from=letter", nil)
		for _, name := range []string{"Accept", "Cookie", "HX-Current-URL", "HX-Request", "If-None-Match", "Referer"} {
			r.Header.Set(name, "true")
		}
		leave()
		w := httptest.NewRecorder()
		c := echo.New().NewContext(r, w)

		page, err := record(c, pageKey{isPart: isPart}, func(c echo.Context) error {
			if got := c.Request(); !maps.EqualFunc(got.Header, want, slices.Equal) || got.RequestURI != "/events/1?from=letter" || got.Context().Err() != nil {
				t.Errorf("it is made for %s %v, %v; want %v", got.RequestURI, got.Header, got.Context().Err(), want)
			}
			c.Response().Header().Set("ETag", `W/"tag"`)
			return c.HTML(http.StatusOK, "the page")
		})
		if err != nil || string(page.html) != "the page" || page.tag != `W/"tag"` {
			t.Errorf("it is %v, %v", page, err)
		}
		if c.Request() != r || c.Response().Committed || w.Body.Len() > 0 {
			t.Error("the visitor has been answered already")
		}
	}
}

// Whatever addresses visitors make up, the pages that are kept stay few, and
// the one that many look at is made no more than a few times.
func TestKeptPagesAreFew(t *testing.T) {
	t.Parallel()
	k, now := emptyKept(), time.Now()
	var made, popular atomic.Int64
	const requests = 20 * maxKept
	for i := range requests {
		for key, count := range map[pageKey]*atomic.Int64{keyFor("/events?q=" + strconv.Itoa(i)): &made, keyFor("/events"): &popular} {
			if _, err := k.get(key, uuid.Nil, now, pageOf(1, count)); err != nil {
				t.Fatal(err)
			}
		}
		if len(k.pages) > maxKept {
			t.Fatalf("%d pages are kept", len(k.pages))
		}
	}
	if made.Load() != requests || popular.Load() > requests/10 {
		t.Errorf("%d pages made for %d addresses, and the popular one %d times", made.Load(), requests, popular.Load())
	}
}

func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	failure := errors.New("no such event")
	for name, tt := range map[string]struct {
		address string
		make    func() (*keptPage, error)
	}{
		"a page that cannot be made": {"/events/1", func() (*keptPage, error) { return nil, failure }},
		"a page that is too large":   {"/events/1", pageOf(maxKeptSize, new(atomic.Int64))},
		"an address that is":         {"/events?q=" + string(make([]byte, maxKeptSize)), pageOf(1, new(atomic.Int64))},
	} {
		k := emptyKept()
		page, err := k.get(keyFor(tt.address), uuid.Nil, time.Now(), tt.make)
		if (page == nil) != (err != nil) {
			t.Errorf("%s: is answered with %v, %v", name, page, err)
		}
		if len(k.pages) > 0 {
			t.Errorf("%s is kept", name)
		}
	}
}

// A slowPage has begun to be made, and is finished when the test says so.
func slowPage(k *keptPages, event uuid.UUID, now time.Time) (finish func() *keptPage) {
	begun, end, done := make(chan struct{}), make(chan struct{}), make(chan *keptPage)
	go func() {
		page, _ := k.get(keyFor("/events/1"), event, now, func() (*keptPage, error) {
			close(begun)
			<-end
			return &keptPage{html: []byte("slow")}, nil
		})
		done <- page
	}()
	<-begun
	return func() *keptPage {
		close(end)
		return <-done
	}
}

func TestAPageIsMadeOnceForAllWhoAskMeanwhile(t *testing.T) {
	t.Parallel()
	k, now, event := emptyKept(), time.Now(), uuid.New()
	finish := slowPage(k, event, now)
	var others atomic.Int64
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			page, err := k.get(keyFor("/events/1"), event, now.Add(keptFor-1), pageOf(1, &others))
			if err != nil || string(page.html) != "slow" {
				t.Errorf("somebody gets %v, %v", page, err)
			}
		})
	}
	k.forget(uuid.New()) // another event
	finish()
	waiting.Wait()
	if others.Load() > 0 {
		t.Errorf("made %d times more", others.Load())
	}
}

func TestAPageFromBeforeAChangeIsNotShownAfterIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(k *keptPages, event uuid.UUID){
		"the event changed":         func(k *keptPages, event uuid.UUID) { k.forget(uuid.New(), event) },
		"anything may have changed": func(k *keptPages, _ uuid.UUID) { k.forget() },
	} {
		k, now, event := emptyKept(), time.Now(), uuid.New()
		finish := slowPage(k, event, now)
		change(k, event)
		var made atomic.Int64
		ask := func() {
			page, err := k.get(keyFor("/events/1"), event, now, pageOf(1, &made))
			if err != nil || len(page.html) != 1 {
				t.Errorf("%s, and yet the page is %q, %v", name, page.html, err)
			}
		}
		ask()
		if page := finish(); string(page.html) != "slow" {
			t.Errorf("%s: who asked before gets %q", name, page.html)
		}
		ask()
		if made.Load() != 1 {
			t.Errorf("%s: made %d times", name, made.Load())
		}
	}
}
