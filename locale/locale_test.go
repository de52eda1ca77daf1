package locale_test

import (
	"encoding/json"
	"testing"
	"time"

	"rowlock/locale"
)

// A reader's own choice counts before what the browser asks for, and whatever
// is not there is English.
func TestChoose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ chosen, browser, want string }{
		{"", "", "en"},
		{"", "de", "de"},
		{"", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"", "fr-CA", "fr"},
		{"", "ja,fr;q=0.5", "fr"},
		{"", "en-GB,de;q=0.9", "en"},
		{"", "ja", "en"},
		{"", "*", "en"},
		{"", "no language; at all;;q=x", "en"},
		{"fr", "de", "fr"},
		{"xx", "de", "de"},
		{"../de", "", "en"},
	} {
		if got := locale.Choose(c.chosen, c.browser).Code(); got != c.want {
			t.Errorf("who chose %q with a browser that asks for %q gets %q, want %q", c.chosen, c.browser, got, c.want)
		}
	}
}

func TestNumbersAndDates(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, time.March, 4, 18, 30, 0, 0, time.UTC)
	for _, c := range []struct{ code, number, decimal, percent, day string }{
		{"en", "1,234,567", "1,234.5", "95%", "Thu 4 March 2027"},
		{"de", "1.234.567", "1.234,5", "95\u00a0%", "Do., 4. März 2027"},
		{"fr", "1\u00a0234\u00a0567", "1\u00a0234,5", "95\u00a0%", "jeu. 4 mars 2027"},
	} {
		l := locale.Choose(c.code, "")
		if got := l.Number(1234567); got != c.number {
			t.Errorf("%s: number %q, want %q", c.code, got, c.number)
		}
		if got := l.Decimal(1234.5, 2); got != c.decimal {
			t.Errorf("%s: decimal %q, want %q", c.code, got, c.decimal)
		}
		if got := l.Percent(95); got != c.percent {
			t.Errorf("%s: percent %q, want %q", c.code, got, c.percent)
		}
		if got := l.Date(day, "Mon 2 January 2006"); got != c.day {
			t.Errorf("%s: day %q, want %q", c.code, got, c.day)
		}
	}
}

func TestPlurals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code string
		n    int
		want string
	}{
		{"en", 0, "0 seats left"}, {"en", 1, "1 seat left"}, {"en", 1200, "1,200 seats left"},
		{"de", 0, "0 Plätze frei"}, {"de", 1, "1 Platz frei"}, {"de", 1200, "1.200 Plätze frei"},
		{"fr", 0, "0 place libre"}, {"fr", 1, "1 place libre"}, {"fr", 1200, "1\u00a0200 places libres"},
	} {
		l := locale.Choose(c.code, "")
		if got := l.Count(c.n, "%s seat left", "%s seats left"); got != c.want {
			t.Errorf("%s: %q, want %q", c.code, got, c.want)
		}
	}
}

// What a package below the pages has to say is said in the reader's language,
// with all that is in it.
func TestLater(t *testing.T) {
	t.Parallel()
	text := locale.Later("Keep it to %s characters; these are %s.", 10000, locale.Later("too many"))
	if got, want := text.String(), "Keep it to 10,000 characters; these are too many."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := locale.LaterCount(1, "%s seat left", "%s seats left").In(locale.Choose("de", "")), "1 Platz frei"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (locale.Text{}).String(); got != "" {
		t.Errorf("nothing is said as %q", got)
	}
}

// A text that is in no catalogue is said in English, and a percent sign is one.
func TestUntranslatedTextsAreEnglish(t *testing.T) {
	t.Parallel()
	l := locale.Choose("de", "")
	if got, want := l.Say("100 % of nothing"), "100 % of nothing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := l.Count(2, "%s unheard thing", "%s unheard things"), "2 unheard things"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is kept is said later in any language, and what was kept as English
// before there were others is too.
func TestTextsAreKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text                  locale.Text
		english, json, column string
	}{
		{locale.Later("Nothing more"), "Nothing more", `"Nothing more"`, "Nothing more"},
		{locale.Later("100 % “of” %s"), "100 % “of” %s", `"100 % “of” %s"`, "100 % “of” %s"},
		{
			locale.Later("event %s: %s", "a", locale.LaterCount(1200, "%s seat left", "%s seats left")), "event a: 1,200 seats left",
			`{"text":"event %s: %s","args":["a",{"text":"%s seat left","many":"%s seats left","n":1200}]}`,
			`{"text":"event %s: %s","args":["a",{"text":"%s seat left","many":"%s seats left","n":1200}]}`,
		},
		{locale.Later("%s of %s", 1200, "1200"), "1,200 of 1200", `{"text":"%s of %s","args":[1200,"1200"]}`, `{"text":"%s of %s","args":[1200,"1200"]}`},
		{locale.Text{}, "", `""`, ""},
	} {
		written, err := json.Marshal(c.text)
		if err != nil || string(written) != c.json {
			t.Errorf("%q is kept as %s, %v, want %s", c.english, written, err, c.json)
		}
		var read locale.Text
		if err := json.Unmarshal(written, &read); err != nil || read.String() != c.english {
			t.Errorf("from JSON it is %q, %v, want %q", read, err, c.english)
		}
		column, err := c.text.Value()
		if err != nil || column != c.column {
			t.Errorf("%q is written as %v, %v, want %s", c.english, column, err, c.column)
		}
		if err := read.Scan(column); err != nil || read.String() != c.english {
			t.Errorf("from a column it is %q, %v, want %q", read, err, c.english)
		}
	}
	var read locale.Text
	if err := json.Unmarshal([]byte(`{"text":"%s","args":[1.5]}`), &read); err == nil {
		t.Errorf("a number that is not whole was read as %q", read)
	}
	if err := read.Scan(7); err == nil {
		t.Errorf("a number was read as the text %q", read)
	}
}
