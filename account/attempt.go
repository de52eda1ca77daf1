package account

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// How often sign-ins may fail within failureWindow, before more are refused
// without a look at the password. The limit of an address is wide enough for a
// class behind one router that mistypes; that of an account is what stops
// guessing, from wherever it comes.
const (
	failureWindow         = 15 * time.Minute
	maxFailuresPerAccount = 10
	maxFailuresPerAddress = 100
)

// TooManyAttemptsError is [ErrTooManyAttempts] with the time to wait.
type TooManyAttemptsError struct {
	RetryAfter time.Duration
}

func (e *TooManyAttemptsError) Error() string {
	return fmt.Sprintf("%v: wait %s", ErrTooManyAttempts, e.RetryAfter)
}

// Unwrap makes the error an [ErrTooManyAttempts].
func (e *TooManyAttemptsError) Unwrap() error { return ErrTooManyAttempts }

// An attempt is a try to sign in, as it is counted.
type attempt struct {
	email   string
	address netip.Addr
}

func newAttempt(email string, from netip.Addr) attempt {
	return attempt{email: strings.ToLower(strings.TrimSpace(email)), address: countedAddress(from)}
}

// countedAddress is what one visitor cannot change at will: an IPv6 visitor
// has a whole /64 to choose from. Visitors without an address, as over a unix
// socket, are counted together.
func countedAddress(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return netip.IPv6Unspecified()
	}
	if a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().Addr()
	}
	return a
}

// checkAttempts refuses an attempt when the account or the address has used up
// its failures. The count lives in the database and so holds for all
// instances together, whatever their clocks say.
func (s *Store) checkAttempts(ctx context.Context, a attempt) error {
	// The failure that must grow old before another try is allowed.
	var wait *time.Duration
	err := s.conn.QueryRow(ctx, `
		select greatest(
			(select at from failed_sign_ins where email = $1 and at > now() - $3::interval order by at desc offset $4 limit 1),
			(select at from failed_sign_ins where address = $2 and at > now() - $3::interval order by at desc offset $5 limit 1)
		) + $3::interval - now()`,
		a.email, a.address, failureWindow, maxFailuresPerAccount-1, maxFailuresPerAddress-1).Scan(&wait)
	if err != nil {
		return fmt.Errorf("count failed sign-ins: %w", err)
	}
	if wait != nil {
		return &TooManyAttemptsError{RetryAfter: *wait}
	}
	return nil
}

// recordFailure counts an attempt that failed, and sweeps up to a hundred that
// no longer count: more than it adds, so that the table stays small without
// anybody looking after it.
func (s *Store) recordFailure(ctx context.Context, a attempt) error {
	b := &pgx.Batch{}
	b.Queue(`insert into failed_sign_ins (address, email) values ($1, left($2, 254))`, a.address, a.email)
	// Numbers grow with time: the old ones are the first ones, found without
	// reading the rest. Two sweepers never wait for each other.
	b.Queue(`
		delete from failed_sign_ins where id in (
			select id from failed_sign_ins
			where id in (select id from failed_sign_ins order by id limit 100) and at < now() - $1::interval
			for update skip locked)`, failureWindow)
	if err := s.conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("record a failed sign-in: %w", err)
	}
	return nil
}

// forgetFailures gives an account its attempts back after a success. Those of
// the address stay: they may be about other accounts.
func (s *Store) forgetFailures(ctx context.Context, a attempt) error {
	if _, err := s.conn.Exec(ctx, `delete from failed_sign_ins where email = $1`, a.email); err != nil {
		return fmt.Errorf("forget failed sign-ins: %w", err)
	}
	return nil
}
