package locale

import (
	"regexp"
	"strings"

	"github.com/leonelquinteros/gotext"
	"golang.org/x/text/language"
)

// Marks stand around whatever [Marked] says.
const (
	markOpen  = "⟦"
	markClose = "⟧"
)

// Marked is English in which every text that is said is marked, so that a test
// of pages finds those that are not: see [Unsaid].
func Marked() *Locale {
	l := newLocale(language.English, gotext.NewPo())
	l.isMarked = true
	return l
}

func (l *Locale) marked(text string) string {
	if !l.isMarked {
		return text
	}
	return markOpen + text + markClose
}

// unmark takes an argument out of the text that it stands in: that a text was
// said tells nothing about what it was told about.
func unmark(arg string) string { return markClose + arg + markOpen }

var saidText = regexp.MustCompile(markOpen + "[^" + markOpen + markClose + "]*" + markClose)

// Unsaid are the pieces of a page's texts in [Marked] that were not said:
// names, numbers, and what somebody forgot to say. The texts are in the order
// of the page, for one that was said may be cut by a link.
func Unsaid(texts []string) []string {
	text := strings.Join(texts, "\x00")
	for saidText.MatchString(text) {
		text = saidText.ReplaceAllString(text, "\x00")
	}
	var pieces []string
	for piece := range strings.SplitSeq(text, "\x00") {
		if piece = strings.TrimSpace(piece); piece != "" {
			pieces = append(pieces, piece)
		}
	}
	return pieces
}
