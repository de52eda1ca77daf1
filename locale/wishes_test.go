package locale

import (
	"fmt"
	"strings"
	"testing"
)

// Whatever browsers ask for, it is understood the same the second time, and
// what is remembered of it stays small.
func TestWishesAreRememberedAndFew(t *testing.T) {
	for i := range 3 * maxWishes {
		madeUp := fmt.Sprintf("de-x-n%d, en;q=0.5", i)
		for range 2 {
			for header, want := range map[string]string{madeUp: "de", "fr-CA,fr;q=0.8": "fr", "nonsense !": "en"} {
				if got := Choose("", header).Code(); got != want {
					t.Fatalf("who asks for %q gets %q, want %q", header, got, want)
				}
			}
		}
		if len(wishes.known) > maxWishes {
			t.Fatalf("%d wishes are remembered", len(wishes.known))
		}
	}
	long := "de" + strings.Repeat(", de", maxWish)
	if got := Choose("", long).Code(); got != "de" {
		t.Errorf("who asks for German many times gets %q", got)
	}
	if _, known := wishes.known[long]; known {
		t.Error("a long wish is remembered")
	}
}
