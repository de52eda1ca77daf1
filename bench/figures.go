package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// spread is the median of some figures with the least and the most.
type spread []float64

func (s spread) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// text writes a spread with so many decimals.
func (s spread) text(decimals int) string {
	if slices.Min(s) == slices.Max(s) {
		return fmt.Sprintf("%.*f", decimals, s[0])
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)", decimals, s.median(), decimals, slices.Min(s), decimals, slices.Max(s))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// thousands writes a number as people read it: 100,000.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// target writes whether the figures hold what was promised of them.
func (b *bench) target(promise string, held bool) {
	verdict := "not held"
	if held {
		verdict = "held"
	}
	b.printf("\nTarget: %s: **%s**.\n", promise, verdict)
}
