package simulation

import (
	"slices"
	"testing"
	"time"
)

// However long a run is, its moments are few, in order and evenly apart.
func TestTrackStaysShort(t *testing.T) {
	t.Parallel()
	for _, beats := range []int{1, momentsKept, momentsKept + 1, 5_000} {
		var tr track
		for i := range beats {
			tr.add(Moment{At: time.Duration(i+1) * beatEvery, Registered: i + 1})
			tr.add(Moment{At: time.Duration(i+1) * beatEvery, Registered: i + 1})
		}
		if len(tr.moments) > momentsKept || len(tr.moments) < min(beats, momentsKept/2) {
			t.Errorf("%d beats: %d moments are kept", beats, len(tr.moments))
		}
		if !slices.IsSortedFunc(tr.moments, func(a, b Moment) int { return a.Registered - b.Registered }) {
			t.Errorf("%d beats: they are out of order: %v", beats, tr.moments)
		}
		last := tr.moments[len(tr.moments)-1]
		if late := beats - last.Registered; late > beats/50 {
			t.Errorf("%d beats: the last moment is %d beats old", beats, late)
		}
		apart := 0
		for i, m := range tr.moments[1:] {
			apart = max(apart, m.Registered-tr.moments[i].Registered)
		}
		if apart > beats/30+1 {
			t.Errorf("%d beats: two moments are %d beats apart", beats, apart)
		}
	}
}
