package views

import "fmt"

// meter is the geometry of a seat meter: so many marks, of which the first are
// taken. Marks are dashes of one thick line, so that an event of any size
// costs the same few bytes.
type meter struct{ Marks, Taken int }

const (
	mostMarks  = 48
	markWidth  = 8
	markGap    = 4
	meterPitch = markWidth + markGap
)

// meterOf has one mark per seat up to mostMarks, and beyond that a mark for
// so many seats. It looks full only when the event is, and empty only when
// nobody is in.
func meterOf(capacity, taken int) meter {
	if capacity <= 0 {
		return meter{}
	}
	marks := min(capacity, mostMarks)
	filled := taken * marks / capacity
	if filled == 0 && taken > 0 {
		filled = 1
	}
	return meter{Marks: marks, Taken: filled}
}

func (m meter) width() int { return m.Marks*meterPitch - markGap }

// ViewBox is the meter's own space.
func (m meter) ViewBox() string { return fmt.Sprintf("0 0 %d 16", m.width()) }

// Width is the most that the meter takes on a page; it may be squeezed.
func (m meter) Width() string { return fmt.Sprint(m.width()) }

// Line is the path through the marks from the one numbered from to the one
// before to.
func (m meter) Line(from, to int) string {
	return fmt.Sprintf("M%d 8H%d", from*meterPitch, to*meterPitch-markGap)
}

// Dashes cut the line into marks.
func (m meter) Dashes() string { return fmt.Sprintf("%d %d", markWidth, markGap) }
