package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rowlock/db/dbtest"
)

// The tests are also the instances that they kill.
func TestMain(m *testing.M) {
	if isInstance() {
		os.Exit(beInstance())
	}
	slog.SetDefault(discard()) // what PostgreSQL says of being killed
	dbtest.Main(m)
}

// shortProof is a proof that takes seconds, on a database without fsync.
// ROWLOCK_PROOF_SEED replays the dice of another run.
func shortProof(t *testing.T) *proof {
	t.Helper()
	seed := rand.Uint64N(1_000_000)
	if text := os.Getenv("ROWLOCK_PROOF_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("ROWLOCK_PROOF_SEED: %v", err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay the dice with ROWLOCK_PROOF_SEED=%d", seed)
		}
	})
	// Not t.TempDir, which PostgreSQL may not enter as another user.
	dir, err := os.MkdirTemp("", "rowlock-proof-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, parameters: map[string]string{"fsync": "off"}}
	w.migrated = func(context.Context) (string, error) { return dbtest.URL(t), nil }
	return &proof{world: w, short: true, dice: rand.New(rand.NewPCG(seed, 0))}
}

// Each proof of the command, in a short form.
func TestProofs(t *testing.T) {
	t.Parallel()
	for _, e := range exhibits {
		if e.name == "mutants" {
			continue // TestMutants tells each apart
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			switch err := shortProof(t).show(t.Context(), e, &out); {
			case errors.Is(err, errNotTried):
				t.Skip(err)
			case err != nil:
				t.Error(out.String())
			}
		})
	}
}

func TestEveryProofIsShownAMutant(t *testing.T) {
	t.Parallel()
	for _, e := range exhibits {
		shown := slices.ContainsFunc(trials, func(trial trial) bool { return trial.proof == e.name && len(trial.mutants) > 0 })
		if !shown && e.name != "mutants" {
			t.Errorf("%s is shown no mutant", e.name)
		}
	}
}

// Each proof must be able to fail. With -v it tells at which try it did.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, trial := range trials {
		t.Run(trial.proof, func(t *testing.T) {
			t.Parallel()
			p := shortProof(t)
			switch err := p.try(t.Context(), trial); {
			case errors.Is(err, errNotTried):
				t.Skip(err)
			case err != nil:
				t.Error(err)
			}
			t.Log(strings.Join(p.told, "\n"))
		})
	}
}
