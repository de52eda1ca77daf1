package live_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/db"
	"rowlock/db/dbtest"
	"rowlock/live"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// patience is how long a test waits for what takes a fraction of a second.
const patience = 20 * time.Second

// never is the period of a feed that learns only what it is told.
const never = time.Hour

// A book is what is watched in tests: numbers under ids.
type book struct {
	mu    sync.Mutex
	pages map[uuid.UUID]int
	reads []time.Time
	asked []live.Asked
	err   error
}

func (b *book) write(id uuid.UUID, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pages == nil {
		b.pages = map[uuid.UUID]int{}
	}
	b.pages[id] = n
}

func (b *book) read(_ context.Context, asked []live.Asked) (map[uuid.UUID]int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads = append(b.reads, time.Now())
	b.asked = asked
	if b.err != nil {
		return nil, b.err
	}
	found := map[uuid.UUID]int{}
	for _, a := range asked {
		if n, ok := b.pages[a.ID]; ok {
			found[a.ID] = n
		}
	}
	return found, nil
}

func (b *book) readings() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.reads)
}

func newHub(t *testing.T) *live.Hub {
	t.Helper()
	h := live.NewHub(slog.New(slog.NewTextHandler(t.Output(), nil)))
	t.Cleanup(h.Close)
	return h
}

// instance is a hub that has met the others on a database.
func instance(t *testing.T, url string) *live.Hub {
	t.Helper()
	h := newHub(t)
	if err := h.Join(url); err != nil {
		t.Fatal(err)
	}
	return h
}

func watch(t *testing.T, f *live.Feed[int], id uuid.UUID, v live.Viewer) *live.Watch[int] {
	t.Helper()
	if v.Most == 0 {
		v.Key, v.Most = uuid.NewString(), 1
	}
	w, err := f.Watch(id, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// sees waits until the watch tells n.
func sees(t *testing.T, w *live.Watch[int], n int) {
	t.Helper()
	deadline := time.After(patience)
	for last := -1; last != n; {
		select {
		case last = <-w.States():
		case <-deadline:
			t.Fatalf("the last state was %d, not %d", last, n)
		}
	}
}

func TestAChangeIsTold(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), &book{}
	f := live.NewFeed(h, never, b.read)
	id, other, person := uuid.New(), uuid.New(), uuid.New()
	stranger, known, elsewhere := watch(t, f, id, live.Viewer{}), watch(t, f, id, live.Viewer{ID: person}), watch(t, f, other, live.Viewer{})

	b.write(id, 1)
	b.write(other, 7)
	h.Changed(id)
	h.Changed(uuid.New()) // nobody watches this
	sees(t, stranger, 1)
	sees(t, known, 1)
	if len(elsewhere.States()) > 0 {
		t.Error("somebody was told of what they do not watch")
	}
	if len(b.asked) != 1 || b.asked[0].ID != id || !slices.Equal(b.asked[0].People, []uuid.UUID{person}) {
		t.Errorf("asked for %v", b.asked)
	}
}

// However many changes there are, reads are few; the last change is seen.
func TestChangesAreReadTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, b := newHub(t), &book{}
		f := live.NewFeed(h, never, b.read)
		id := uuid.New()
		w := watch(t, f, id, live.Viewer{})
		const changes = 1100
		for n := range changes {
			b.write(id, n)
			h.Changed(id)
			time.Sleep(time.Millisecond)
		}
		sees(t, w, changes-1)
		time.Sleep(time.Minute)
		// At once, four times a second while it changes, and once for the last.
		if n := len(b.readings()); n != 6 {
			t.Errorf("%d reads for %d changes in %d ms, want 6", n, changes, changes)
		}
	})
}

// A page that takes nothing holds up nobody, and finds the newest state when
// it looks again.
func TestASlowPageHoldsUpNobody(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), &book{}
	f := live.NewFeed(h, never, b.read)
	id := uuid.New()
	slow, quick := watch(t, f, id, live.Viewer{}), watch(t, f, id, live.Viewer{})
	for n := range 3 {
		b.write(id, n)
		h.Changed(id)
		sees(t, quick, n)
	}
	// The feed tells one page after the other. When it has come to speak of
	// another thing, it is done with this one.
	other := uuid.New()
	b.write(other, 7)
	end := watch(t, f, other, live.Viewer{})
	h.Changed(other)
	sees(t, end, 7)
	if n := <-slow.States(); n != 2 {
		t.Errorf("the slow page is told %d, not the newest", n)
	}
}

func TestWhatNobodyToldOfIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, b := newHub(t), &book{}
		f := live.NewFeed(h, 20*time.Millisecond, b.read)
		id := uuid.New()
		w := watch(t, f, id, live.Viewer{})
		b.write(id, 3)
		sees(t, w, 3)
		w.Close()
		before := len(b.readings())
		time.Sleep(time.Minute)
		if after := len(b.readings()); after != before {
			t.Errorf("%d reads though nobody watches", after-before)
		}
	})
}

func TestAFailedReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), &book{err: errors.New("out of reach")}
	f := live.NewFeed(h, never, b.read)
	id := uuid.New()
	w := watch(t, f, id, live.Viewer{})
	b.write(id, 4)
	h.Changed(id)
	for len(b.readings()) == 0 {
		time.Sleep(time.Millisecond)
	}
	b.mu.Lock()
	b.err = nil
	b.mu.Unlock()
	sees(t, w, 4)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), &book{}
	f, g := live.NewFeed(h, never, b.read), live.NewFeed(h, never, b.read)
	ana := live.Viewer{Key: "ana", Most: 2}
	first := watch(t, f, uuid.New(), ana)
	watch(t, g, uuid.New(), ana)
	if _, err := f.Watch(uuid.New(), ana); !errors.Is(err, live.ErrFull) {
		t.Errorf("a third page: %v", err)
	}
	watch(t, f, uuid.New(), live.Viewer{})
	first.Close()
	third := watch(t, f, uuid.New(), ana)

	many := live.Viewer{Key: "many", Most: 2 * live.MaxWatches}
	watches := []*live.Watch[int]{}
	for h.Watching() < live.MaxWatches {
		w, err := f.Watch(uuid.New(), many)
		if err != nil {
			t.Fatal(err)
		}
		watches = append(watches, w)
	}
	if _, err := f.Watch(uuid.New(), many); !errors.Is(err, live.ErrFull) {
		t.Errorf("one page too many: %v", err)
	}
	for _, w := range watches {
		w.Close()
	}
	_ = third
	if n := h.Watching(); n != 3 {
		t.Errorf("%d watches are left, want 3", n)
	}
}

func TestClosingEndsEveryWatch(t *testing.T) {
	t.Parallel()
	h, b := instance(t, dbtest.URL(t)), &book{}
	f := live.NewFeed(h, never, b.read)
	w := watch(t, f, uuid.New(), live.Viewer{})
	closed := make(chan struct{})
	go func() { h.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second): // less than it may listen without a word
		t.Fatal("closing waits for something")
	}
	select {
	case <-w.Ended():
	default:
		t.Error("the watch goes on")
	}
	if _, err := f.Watch(uuid.New(), live.Viewer{Key: "late", Most: 1}); !errors.Is(err, live.ErrClosed) {
		t.Errorf("watching afterwards: %v", err)
	}
}

func TestInstancesTellEachOther(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	here, there, b := instance(t, url), instance(t, url), &book{}
	mine := live.NewFeed(here, never, b.read)
	theirs := live.NewFeed(there, never, b.read)
	id := uuid.New()
	// Several times the number of ids that one notice holds.
	watches := []*live.Watch[int]{watch(t, theirs, id, live.Viewer{}), watch(t, mine, id, live.Viewer{})}
	ids := []uuid.UUID{id}
	for range 500 {
		ids = append(ids, uuid.New())
		watches = append(watches, watch(t, theirs, ids[len(ids)-1], live.Viewer{}))
	}
	awaitListeners(t, open(t, url), 2)
	for _, id := range ids {
		b.write(id, 1)
		here.Changed(id)
	}
	for _, w := range watches {
		sees(t, w, 1)
	}
	b.write(id, 2)
	there.Changed(id)
	sees(t, watches[0], 2)
	sees(t, watches[1], 2)
}

// While its connection is away, a hub misses what others tell. When it is
// back, it reads everything that is watched, and tells what it kept.
func TestALostConnectionIsMadeUpFor(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	pool := open(t, url)
	here, there, b := instance(t, url), instance(t, url), &book{}
	mine, theirs := live.NewFeed(here, never, b.read), live.NewFeed(there, never, b.read)
	id := uuid.New()
	watches := []*live.Watch[int]{watch(t, mine, id, live.Viewer{}), watch(t, theirs, id, live.Viewer{})}
	for n := range 3 {
		awaitListeners(t, pool, 2)
		_, err := pool.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rowlock live' and datname = current_database()`)
		if err != nil {
			t.Fatal(err)
		}
		b.write(id, n)
		here.Changed(id)
		for _, w := range watches {
			sees(t, w, n)
		}
	}
}

func open(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(t.Context(), url, db.PageLimits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// awaitListeners waits until so many hubs have met.
func awaitListeners(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		var listening int
		err := pool.QueryRow(t.Context(), `
			select count(*) from pg_stat_activity
			where application_name = 'rowlock live' and datname = current_database() and query ~ '^(listen|select)'`).Scan(&listening)
		if err != nil {
			t.Fatal(err)
		}
		if listening == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d hubs listen", listening, n)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A listener hears of every change, here and elsewhere, though nobody watches,
// and that anything may have changed while the other instances were away.
func TestAListenerHearsOfEveryChange(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	here, there := instance(t, url), newHub(t)
	heard := make(chan []uuid.UUID, 100)
	there.Heed(func(ids ...uuid.UUID) { heard <- ids })
	expect := func(want ...uuid.UUID) {
		t.Helper()
		select {
		case ids := <-heard:
			if !slices.Equal(ids, want) {
				t.Errorf("heard of %v, want %v", ids, want)
			}
		case <-time.After(patience):
			t.Fatalf("heard nothing, want %v", want)
		}
	}

	if err := there.Join(url); err != nil {
		t.Fatal(err)
	}
	expect() // nobody told it anything before
	own, theirs := uuid.New(), uuid.New()
	there.Changed(own)
	expect(own)
	awaitListeners(t, open(t, url), 2)
	here.Changed(theirs)
	expect(theirs)
}
