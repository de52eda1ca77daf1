package web

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"rowlock/account"
)

// recentVisitors knows again who sent the same cookies a moment ago, so that a
// rush of bookings need not ask the database who everybody is. What it tells may
// be over since: only what is checked again before it counts may rely on it.
type recentVisitors struct {
	mu sync.Mutex
	// recent takes whoever comes, and becomes older after a while, or when it is
	// full: whoever comes to be in neither is asked for anew.
	recent, older map[string]visitor
	// since is when recent was begun.
	since time.Time
}

// A visitor is whose session it was that cookies name.
type visitor struct {
	user      account.User
	sessionID uuid.UUID
}

// A visitor is known for twice as long as a generation lasts at most. A
// generation of so many takes some 5 MiB, and 23 MiB with cookies as long as are
// kept. Whoever sends ever new ones makes others be asked for again, and no more.
const (
	generationTime = 30 * time.Second
	generationSize = 10_000
	longestKept    = 2 << 10
)

// recall tells who sent the cookies.
func (r *recentVisitors) recall(cookies string, now time.Time) (visitor, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.age(now)
	v, ok := r.recent[cookies]
	if !ok {
		v, ok = r.older[cookies]
	}
	return v, ok
}

// remember takes whom the database knows by the cookies.
func (r *recentVisitors) remember(cookies string, v visitor, now time.Time) {
	if cookies == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.age(now)
	if len(r.recent) >= generationSize {
		r.turn(now)
	}
	r.recent[cookies] = v
}

func (r *recentVisitors) forget(cookies string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.recent, cookies)
	delete(r.older, cookies)
}

func (r *recentVisitors) age(now time.Time) {
	switch age := now.Sub(r.since); {
	case age >= 2*generationTime:
		r.turn(now)
		r.older = nil
	case age >= generationTime:
		r.turn(r.since.Add(generationTime)) // nobody came at the time
	}
}

func (r *recentVisitors) turn(now time.Time) {
	r.older, r.recent, r.since = r.recent, map[string]visitor{}, now
}
