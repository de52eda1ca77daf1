package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A plot is lines over two axes, drawn as an SVG that follows the reader's
// light or dark scheme.
type plot struct {
	// title and words say what is plotted and what it shows, to those who
	// cannot see it too.
	title, words string
	x, y         axis
	lines        []line
}

// A line is one series of points, from left to right.
type line struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

// An axis is logarithmic or begins at zero.
type axis struct {
	name string
	log  bool
}

// The plot's units, and the field within it.
const (
	plotWidth, plotHeight = 720, 420
	fieldLeft, fieldRight = 84, 684
	fieldTop, fieldBottom = 76, 364
)

// A scale leads from values to coordinates.
type scale struct {
	log        bool
	from, to   float64 // values, or their powers of ten
	start, end float64 // coordinates
}

// newScale fits an axis to values: a logarithmic one reaches from one of 1, 2
// and 5 times a power of ten to another.
func newScale(a axis, values []float64, start, end float64) scale {
	s := scale{log: a.log, start: start, end: end}
	most := slices.Max(values)
	if !a.log {
		s.to = roundUp(most)
		return s
	}
	s.from, s.to = math.Log10(roundDown(slices.Min(values))), math.Log10(roundUp(most))
	if s.from == s.to {
		s.to++
	}
	return s
}

func (s scale) at(value float64) float64 {
	if s.log {
		value = math.Log10(value)
	}
	return s.start + (value-s.from)/(s.to-s.from)*(s.end-s.start)
}

// ticks are the values to mark: powers of ten, the numbers between them too
// where there are few, or five even steps.
func (s scale) ticks() []float64 {
	if !s.log {
		var ticks []float64
		for i := range 6 {
			ticks = append(ticks, s.to*float64(i)/5)
		}
		return ticks
	}
	digits := []float64{1}
	if s.to-s.from < 3 {
		digits = []float64{1, 2, 5}
	}
	var ticks []float64
	for power := math.Floor(s.from); power <= s.to; power++ {
		for _, digit := range digits {
			value := digit * math.Pow(10, power)
			if at := math.Log10(value); at >= s.from-1e-9 && at <= s.to+1e-9 {
				ticks = append(ticks, value)
			}
		}
	}
	return ticks
}

// roundUp is the least of 1, 2 and 5 times a power of ten that is not less.
func roundUp(value float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= value*(1-1e-9) {
			return digit * power
		}
	}
	return 10 * power
}

// roundDown is the largest of 1, 2 and 5 times a power of ten that is not more.
func roundDown(value float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(value)*(1+1e-12)))
	for _, digit := range []float64{5, 2} {
		if digit*power <= value*(1+1e-9) {
			return digit * power
		}
	}
	return power
}

// style gives every line a colour that is told from the others by people who
// see few colours, and a mark and a dash of its own.
const style = `
svg{--ink:#1c2b33;--faint:#d5dde1;--paper:#fff;--c0:#0b6e8f;--c1:#b4471a;--c2:#6b4fa0;--c3:#4b7a1e;font:14px system-ui,sans-serif}
@media (prefers-color-scheme:dark){svg{--ink:#e3ebef;--faint:#33444d;--paper:#10191e;--c0:#5cc4e6;--c1:#f2966b;--c2:#b9a2ec;--c3:#a3d16a}}
text{fill:var(--ink)}.title{font-size:17px;font-weight:600}.grid{stroke:var(--faint)}.paper{fill:var(--paper)}
.line{fill:none;stroke-width:2.5;stroke-linejoin:round}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1);stroke-dasharray:9 4}.s2{stroke:var(--c2);stroke-dasharray:2 4}.s3{stroke:var(--c3);stroke-dasharray:12 4 2 4}
.m0{fill:var(--c0)}.m1{fill:var(--c1)}.m2{fill:var(--c2)}.m3{fill:var(--c3)}
`

// marks are drawn where the points are, around 0 0.
var marks = []string{"M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", "M-5-5h10v10h-10z", "M0-6l6 10h-12z", "M0-6l6 6l-6 6l-6-6z"}

// manyPoints is from where on a line is drawn without marks.
const manyPoints = 30

func (p plot) svg() []byte {
	var xs, ys []float64
	for _, l := range p.lines {
		for _, at := range l.points {
			xs, ys = append(xs, at.x), append(ys, at.y)
		}
	}
	x, y := newScale(p.x, xs, fieldLeft, fieldRight), newScale(p.y, ys, fieldBottom, fieldTop)

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title words">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, "<title id=\"title\">%s</title>\n<desc id=\"words\">%s</desc>\n<style>%s</style>\n", escaped(p.title), escaped(p.words), style)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/><text class="title" x="16" y="28">%s</text>`+"\n", plotWidth, plotHeight, escaped(p.title))
	for _, tick := range x.ticks() {
		fmt.Fprintf(&b, `<path class="grid" d="M%.1[1]f %[2]dV%[3]d"/><text x="%.1[1]f" y="%[4]d" text-anchor="middle">%[5]s</text>`+"\n",
			x.at(tick), fieldTop, fieldBottom, fieldBottom+20, short(tick))
	}
	for _, tick := range y.ticks() {
		fmt.Fprintf(&b, `<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			fieldLeft, y.at(tick), fieldRight, fieldLeft-8, y.at(tick)+5, short(tick))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><text x="16" y="%d">%s</text>`+"\n",
		fieldRight, plotHeight-12, escaped(p.x.name), fieldTop-14, escaped(p.y.name))
	for i, l := range p.lines {
		l.draw(&b, i, x, y)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// draw draws a line, its marks, and its name at the top.
func (l line) draw(b *bytes.Buffer, i int, x, y scale) {
	var path strings.Builder
	for j, at := range l.points {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(j, 1)], x.at(at.x), y.at(at.y))
	}
	fmt.Fprintf(b, `<path class="line s%d" d="%s"/>`, i, path.String())
	if len(l.points) < manyPoints {
		for _, at := range l.points {
			l.mark(b, i, x.at(at.x), y.at(at.y))
		}
	}
	const column = 116
	left := fieldRight - column*float64(4-i)
	fmt.Fprintf(b, "\n"+`<path class="line s%d" d="M%.0f %dh24"/>`, i, left-12, fieldTop-19)
	l.mark(b, i, left, fieldTop-19)
	fmt.Fprintf(b, `<text x="%.0f" y="%d">%s</text>`+"\n", left+18, fieldTop-14, escaped(l.name))
}

func (line) mark(b *bytes.Buffer, i int, x, y float64) {
	fmt.Fprintf(b, `<path class="m%d" d="%s" transform="translate(%.1f %.1f)"/>`, i, marks[i], x, y)
}

// short writes a number for an axis.
func short(value float64) string {
	if value >= 1000 {
		return thousands(int(math.Round(value)))
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", value), "0"), ".")
}

func escaped(text string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(text)) //nolint:errcheck // a buffer takes everything
	return b.String()
}
