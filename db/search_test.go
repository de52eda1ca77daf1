package db_test

import (
	"strings"
	"testing"

	"rowlock/db"
	"rowlock/db/dbtest"
)

func TestASearchPassesOverCaseAndAccents(t *testing.T) {
	t.Parallel()
	conn := dbtest.Tx(t)
	tests := []struct {
		typed, text string
		want        bool
	}{
		{"Müller", "Jörg Müller", true},
		{"muller", "Jörg Müller", true},
		{"MÜLLER", "Jörg muller", true},
		{"Mu\u0308ller", "Jörg Müller", true},
		{"müller", "Jo\u0308rg Mu\u0308ller", true},
		{"rg mul", "Jo\u0308rg Mu\u0308ller", true},
		{"muller", "Jörg Möller", false},

		{"strasse", "An der Straße 3", true},
		{"STRAẞE", "An der Strasse 3", true},
		{"straße", "AN DER STRASSE 3", true},
		{"stras", "An der Straße 3", true},
		{"strae", "An der Straße 3", false},
		{"Flusssand", "Flußsand", true},
		{"bjorn", "Bjørn Ærø", true},
		{"bjørn", "Bjorn", true},
		{"aero", "Bjørn Ærø", true},
		{"aero", "Bjørn Ǽrø", true},
		{"łódź", "Lodz", true},
		{"lodz", "ŁÓDŹ", true},
		{"istanbul", "İSTANBUL", true},
		{"diyarbakir", "Diyarbakır", true},
		{"thor", "Þór", true},

		{"σοφοσ", "Ο ΣΟΦΌΣ", true},
		{"ΣΟΦΟΣ", "ο σοφός", true},
		{"елка", "Ёлка", true},
		{"한국", "한국어", true},
		{"한구", "한국어", false},

		{"100%", "Bring 100% of it", true},
		{"1%0", "100", false},
		{"a_b", "a_b", true},
		{"a_b", "aab", false},
		{`\`, `back\slash`, true},
		{`\d`, "3", false},
		{"a.b", "aab", false},
		{"[ab]", "a", false},
		{"[ab] (c|d)* {2}+?", "of [AB] (c|d)* {2}+?", true},
		{"***=x", "say ***=x", true},
		{"^a$", "a", false},

		{"", "anything", true},
		{"\u0308", "anything", true},
		{strings.Repeat("é", 5000), strings.Repeat("e", 100), true},
		{strings.Repeat("ss", 5000), "ss", false},
	}
	for _, tt := range tests {
		var got bool
		err := conn.QueryRow(t.Context(), `select $1::text ~ $2`, tt.text, db.Pattern(tt.typed)).Scan(&got)
		if err != nil {
			t.Fatalf("%.40q in %.40q: %v", tt.typed, tt.text, err)
		}
		if got != tt.want {
			t.Errorf("%.40q in %.40q: %v, want %v, with %.200s", tt.typed, tt.text, got, tt.want, db.Pattern(tt.typed))
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Jörg MÜLLER":     "jorg muller",
		"Mu\u0308ller":    "muller",
		"Straße 3 % _":    "strasse 3 % _",
		"Ærø":             "aero",
		"한국어 क\u093cलम א": "한국어 क\u093cलम א",
	} {
		if got := db.Fold(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
