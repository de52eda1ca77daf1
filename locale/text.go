package locale

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
)

// A Text is something to say as soon as the reader is known: what a package
// below the pages has to tell a person. It may be kept, as JSON or in a column
// of the database: one without args is then its English, so that records can
// be read without Rowlock, and a record that was English before is a Text.
type Text struct {
	one, many string
	n         int
	args      []any
}

// Later makes a text that is said as [Locale.Say] says it. A text that is to be
// kept takes strings, whole numbers and texts.
func Later(text string, args ...any) Text { return Text{one: text, args: args} }

// LaterCount makes a text that is said as [Locale.Count] says it.
func LaterCount(n int, one, many string, args ...any) Text {
	return Text{one: one, many: many, n: n, args: args}
}

// With is the text with other args.
func (t Text) With(args ...any) Text {
	t.args = args
	return t
}

// In is the text in a language.
func (t Text) In(l *Locale) string {
	switch {
	case t.IsEmpty():
		return ""
	case t.many == "":
		return l.Say(t.one, t.args...)
	}
	return l.Count(t.n, t.one, t.many, t.args...)
}

// IsEmpty tells whether there is nothing to say.
func (t Text) IsEmpty() bool { return t.one == "" }

// String is the text in English, for logs and tests.
func (t Text) String() string { return t.In(English) }

// A keptText is a text with args as it is kept.
type keptText struct {
	One  string            `json:"text"`
	Many string            `json:"many,omitempty"`
	N    int               `json:"n,omitempty"`
	Args []json.RawMessage `json:"args,omitempty"`
}

// MarshalJSON writes a text such that it can be said later.
func (t Text) MarshalJSON() ([]byte, error) {
	if t.many == "" && len(t.args) == 0 {
		return json.Marshal(t.one)
	}
	kept := keptText{One: t.one, Many: t.many, N: t.n}
	for _, arg := range t.args {
		written, err := json.Marshal(arg)
		if err != nil {
			return nil, fmt.Errorf("keep the text %q: %w", t.one, err)
		}
		kept.Args = append(kept.Args, written)
	}
	return json.Marshal(kept)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Text) UnmarshalJSON(text []byte) error {
	*t = Text{}
	if strings.HasPrefix(string(text), `"`) {
		return json.Unmarshal(text, &t.one)
	}
	var kept keptText
	if err := json.Unmarshal(text, &kept); err != nil {
		return fmt.Errorf("read a text that was kept: %w", err)
	}
	t.one, t.many, t.n = kept.One, kept.Many, kept.N
	for _, written := range kept.Args {
		arg, err := readArg(written)
		if err != nil {
			return fmt.Errorf("read the text %q: %w", t.one, err)
		}
		t.args = append(t.args, arg)
	}
	return nil
}

func readArg(written json.RawMessage) (any, error) {
	switch written[0] {
	case '"':
		var text string
		err := json.Unmarshal(written, &text)
		return text, err
	case '{':
		var text Text
		err := json.Unmarshal(written, &text)
		return text, err
	}
	var n int
	err := json.Unmarshal(written, &n)
	return n, err
}

// Value writes a text into a column of text.
func (t Text) Value() (driver.Value, error) {
	if t.many == "" && len(t.args) == 0 {
		return t.one, nil
	}
	written, err := json.Marshal(t)
	return string(written), err
}

// Scan reads what Value wrote.
func (t *Text) Scan(column any) error {
	text, isText := column.(string)
	switch {
	case !isText:
		return fmt.Errorf("a text cannot be read from %T", column)
	case strings.HasPrefix(text, `{"text":`):
		return json.Unmarshal([]byte(text), t)
	}
	*t = Text{one: text}
	return nil
}
