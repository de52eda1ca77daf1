package web

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

func TestVisitorsAreKnownForAMinuteAtMost(t *testing.T) {
	t.Parallel()
	var r recentVisitors
	start := time.Now()
	ana := visitor{sessionID: uuid.New()}
	r.remember("Ana's", ana, start)
	// Those who come in between make generations turn.
	for _, tt := range []struct {
		after time.Duration
		known bool
	}{{0, true}, {generationTime / 2, true}, {generationTime + time.Second, true}, {2*generationTime + 2*time.Second, false}} {
		now := start.Add(tt.after)
		if got, ok := r.recall("Ana's", now); ok != tt.known || ok && got != ana {
			t.Errorf("after %s: got %v, %t, want %t", tt.after, got, ok, tt.known)
		}
		r.remember("Otto's", visitor{}, now)
	}

	r.remember("Ana's", ana, start.Add(10*time.Minute))
	r.recall("Otto's", start.Add(10*time.Minute+2*generationTime-time.Second)) // after a lull
	if _, ok := r.recall("Ana's", start.Add(10*time.Minute+2*generationTime)); ok {
		t.Error("a lull made a visitor known for longer")
	}

	r.remember("Ana's", ana, start.Add(time.Hour))
	if _, ok := r.recall("Ana's", start.Add(2*time.Hour)); ok {
		t.Error("somebody is known after an hour in which nobody came")
	}
	if _, ok := r.recall("", start); ok {
		t.Error("no cookie is somebody's")
	}
}

func TestCookiesThatAreKept(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longestKept)
	for name, tt := range map[string]struct {
		headers []string
		want    string
	}{
		"none":             {nil, ""},
		"as long as may":   {[]string{long}, long},
		"longer":           {[]string{long + "x"}, ""},
		"in several parts": {[]string{"rowlock_language=en", "rowlock=Ana's"}, ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header["Cookie"] = tt.headers
		if got := cookiesSent(echo.New().NewContext(r, nil)); got != tt.want {
			t.Errorf("%s: %d bytes are kept, want %d", name, len(got), len(tt.want))
		}
	}
}

func TestVisitorsTakeBoundedRoom(t *testing.T) {
	t.Parallel()
	var r recentVisitors
	now := time.Now()
	for i := range 3 * generationSize {
		r.remember(strconv.Itoa(i), visitor{}, now)
		if _, ok := r.recall(strconv.Itoa(i), now); !ok {
			t.Fatalf("visitor %d is unknown at once", i)
		}
	}
	if n := len(r.recent) + len(r.older); n > 2*generationSize {
		t.Errorf("%d are kept, want no more than %d", n, 2*generationSize)
	}
}
