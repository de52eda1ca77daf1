package locale

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/number"
)

// Number writes n with its thousands apart: "12,500", "12.500", "12 500".
func (l *Locale) Number(n int) string {
	if l.hasPlainDigits && 0 <= n && n < 1000 {
		return strconv.Itoa(n) // most are, and this way takes no time
	}
	return l.printer.Sprint(number.Decimal(n))
}

// Decimal writes f with at most so many digits after the decimal sign, and
// none that say nothing: "1.5", "1,5".
func (l *Locale) Decimal(f float64, digits int) string {
	return l.printer.Sprint(number.Decimal(f, number.MaxFractionDigits(digits)))
}

// Percent writes n hundredths: "95%", "95 %".
func (l *Locale) Percent(n int) string {
	return l.printer.Sprint(number.Percent(float64(n) / 100))
}

// Date writes a time by a layout of [time.Time.Format], in which the language's
// own order and signs stand where the layout is translated, and its own names
// of months and days: "Thu 4 March 2027", "Do., 4. März 2027".
func (l *Locale) Date(t time.Time, layout string) string {
	return l.date(t, l.Say(layout))
}

func (l *Locale) date(t time.Time, layout string) string {
	for _, name := range []string{"January", "Jan", "Monday", "Mon"} {
		// The name is set apart, for it may hold what a layout would read as a
		// part of a time.
		if before, after, found := strings.Cut(layout, name); found {
			return l.date(t, before) + l.Say(t.Format(name)) + l.date(t, after)
		}
	}
	return t.Format(layout)
}
