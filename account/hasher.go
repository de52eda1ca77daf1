package account

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"
)

// Recommended is what the OWASP Password Storage Cheat Sheet asks of argon2id
// at least: 19 MiB, two passes, one lane. The numbers are fixed because
// the library's own defaults differ from machine to machine.
var Recommended = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// A hash holds 19 MiB until it is done, so the number of processors is not the
// only bound on how many may run: three stay below 100 MiB on any machine.
const maxRunning = 3

// How many may wait for their turn, and for how long. A class that signs in
// together fits, and is served within the time even by a machine that is busy
// otherwise. Beyond that, "busy" at once is kinder than a long wait.
const (
	maxWaiting = 256
	maxWait    = 20 * time.Second
)

// A Hasher turns passwords into argon2id hashes and checks them. Each costs
// tens of milliseconds and megabytes on purpose, so it lets only a few run at
// once, has the others wait in the order of their arrival, and turns away whom
// it could not serve soon.
type Hasher struct {
	params argon2id.Params
	// dummy is the hash of nobody's password, checked in place of the one that
	// an unknown address does not have.
	dummy string
	// running holds one element for each hash that runs.
	running chan struct{}
	waiting atomic.Int64
}

// NewHasher makes a hasher that costs what params say; production uses
// [Recommended].
func NewHasher(params argon2id.Params) *Hasher {
	dummy, err := argon2id.CreateHash("", &params)
	if err != nil {
		panic(fmt.Sprintf("account: no random numbers: %v", err))
	}
	return &Hasher{
		params:  params,
		dummy:   dummy,
		running: make(chan struct{}, min(runtime.GOMAXPROCS(0), maxRunning)),
	}
}

// TestHasher is a hasher that costs next to nothing, for tests.
func TestHasher() *Hasher {
	return NewHasher(argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 8, KeyLength: 16})
}

// turn runs work when one of the few places is free. It fails with [ErrBusy]
// when too many wait already, or when the wait was too long.
func (h *Hasher) turn(ctx context.Context, work func() error) error {
	if err := h.enter(ctx); err != nil {
		return err
	}
	defer func() {
		// In a rush the collector falls behind, and what hashes leave lies
		// around: 130 MiB were in use at 200 sign-ins at once, and 72 MiB with
		// this line, in the same time.
		if h.waiting.Load() > 0 {
			runtime.GC()
		}
		<-h.running
	}()
	return work()
}

func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.running <- struct{}{}:
		return nil
	default:
	}

	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return ErrBusy
	}
	defer h.waiting.Add(-1)
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	select {
	case h.running <- struct{}{}:
		return nil
	case <-timeout.C:
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
}

// hash makes the hash of a password, in its turn.
func (h *Hasher) hash(ctx context.Context, password string) (string, error) {
	var hash string
	err := h.turn(ctx, func() (err error) {
		hash, err = h.hashNow(password)
		return err
	})
	return hash, err
}

// hashNow and checkNow are for work that has its turn.
func (h *Hasher) hashNow(password string) (string, error) {
	hash, err := argon2id.CreateHash(password, &h.params)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// checkNow tells whether password is the one that hash was made of, and
// whether hash was made with other parameters than today's.
func (h *Hasher) checkNow(password, hash string) (match, outdated bool, err error) {
	match, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, fmt.Errorf("check a password: %w", err)
	}
	return match, *params != h.params, nil
}
