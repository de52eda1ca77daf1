package views

import (
	"context"
	"fmt"
	"strings"

	"rowlock/simulation"
)

// A crowd is everyone in a simulation as rows of marks, in the order of what
// became of them: first those with a seat, then the failed, then the line, and
// at last those without an answer yet.
type crowd struct {
	People int
	Marks  int
	Parts  []crowdPart
}

// A crowdPart is the marks from From to before To that look alike.
type crowdPart struct {
	Kind     string
	From, To int
}

const (
	crowdColumns = 50
	crowdMarks   = 1000
	crowdPitch   = 12
	crowdRow     = 20
	crowdMark    = 7
)

// crowdOf counts a mark for each person up to crowdMarks, and beyond that one
// for so many. Even the few who got a seat keep a mark.
func crowdOf(s simulation.Simulation) crowd {
	c := crowd{People: s.Users, Marks: min(s.Users, crowdMarks)}
	at := 0
	add := func(kind string, people int) {
		if people <= 0 || s.Users <= 0 {
			return
		}
		marks := max(1, people*c.Marks/s.Users)
		to := min(at+marks, c.Marks)
		c.Parts = append(c.Parts, crowdPart{kind, at, to})
		at = to
	}
	add("registered", s.Tally.Registered)
	add("failed", s.Tally.Failed)
	add("waitlisted", s.Tally.Waitlisted)
	if at < c.Marks {
		rest := "asked"
		if t := s.Tally; t.Registered+t.Failed+t.Waitlisted == s.Users {
			rest = c.Parts[len(c.Parts)-1].Kind // lost to rounding
		}
		c.Parts = append(c.Parts, crowdPart{rest, at, c.Marks})
	}
	return c
}

func (c crowd) rows() int { return (c.Marks + crowdColumns - 1) / crowdColumns }

// ViewBox is the crowd's own space.
func (c crowd) ViewBox() string {
	columns := min(c.Marks, crowdColumns)
	return fmt.Sprintf("0 0 %d %d", columns*crowdPitch-(crowdPitch-crowdMark), max(1, c.rows())*crowdRow-(crowdRow-14))
}

// Dashes cut the rows into marks.
func (c crowd) Dashes() string { return fmt.Sprintf("%d %d", crowdMark, crowdPitch-crowdMark) }

// Path is a line through the marks of one part, row by row.
func (c crowd) Path(p crowdPart) string {
	var path strings.Builder
	for from := p.From; from < p.To; {
		row := from / crowdColumns
		to := min(p.To, (row+1)*crowdColumns)
		fmt.Fprintf(&path, "M%d %dH%d", from%crowdColumns*crowdPitch, row*crowdRow+7, (to-1)%crowdColumns*crowdPitch+crowdMark)
		from = to
	}
	return path.String()
}

// Text tells what the picture is.
func (c crowd) Text(ctx context.Context) string {
	if scale := c.Scale(ctx); scale != "" {
		return say(ctx, "Everyone who asked: %s", scale)
	}
	return say(ctx, "A mark for each person")
}

// Scale tells how many people a mark stands for, where it is more than one.
func (c crowd) Scale(ctx context.Context) string {
	if c.Marks == 0 || c.People <= c.Marks {
		return ""
	}
	return countText(ctx, (c.People+c.Marks-1)/c.Marks, "a mark is about %s person", "a mark is about %s people")
}
