// Package locale says things in the reader's language.
//
// The code writes every text in English, where it is said:
//
//	say(ctx, "Book a seat")
//	count(ctx, n, "%s seat left", "%s seats left")
//
// The catalogue has a gettext file for each language in the folder texts, with
// the English text as its key. Adding a language is adding a file: translators'
// tools make and edit them, its header names the language and says how it
// counts, and a test tells what is still missing. Numbers are written as
// Unicode's CLDR has it for the language.
package locale

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/leonelquinteros/gotext"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

//go:embed texts/*.po
var texts embed.FS

// A Locale is one language in which Rowlock can be read. It is safe for
// concurrent use.
type Locale struct {
	tag     language.Tag
	texts   *gotext.Po
	printer *message.Printer
	// hasPlainDigits tells that numbers are written with 0 to 9.
	hasPlainDigits bool
	// isMarked has whatever is said stand in marks.
	isMarked bool
}

// English is what everybody gets who asks for nothing that is there.
var English = newLocale(language.English, gotext.NewPo())

var (
	all     = load()
	matcher = language.NewMatcher(tags())
)

func newLocale(tag language.Tag, po *gotext.Po) *Locale {
	printer := message.NewPrinter(tag)
	return &Locale{tag: tag, texts: po, printer: printer, hasPlainDigits: printer.Sprint(number.Decimal(0)) == "0"}
}

// load reads the catalogue. A file that cannot be read is a mistake of ours
// that the first start shows.
func load() []*Locale {
	files, err := fs.Glob(texts, "texts/*.po")
	if err != nil {
		panic(err)
	}
	list := []*Locale{English}
	for _, file := range files {
		text, err := texts.ReadFile(file)
		if err != nil {
			panic(err)
		}
		po := gotext.NewPo()
		po.Parse(text)
		list = append(list, newLocale(language.MustParse(strings.TrimSuffix(path.Base(file), ".po")), po))
	}
	return list
}

func tags() []language.Tag {
	var list []language.Tag
	for _, l := range all {
		list = append(list, l.tag)
	}
	return list
}

// All lists the languages there are, English first.
func All() []*Locale { return slices.Clone(all) }

// Choose finds the language for a reader: the one whose code was chosen, else
// the best for what the browser asks for in its header Accept-Language, else
// English. Neither needs to be well-formed.
func Choose(chosen, acceptLanguage string) *Locale {
	for _, l := range all {
		if chosen != "" && l.Code() == chosen {
			return l
		}
	}
	return wished(acceptLanguage)
}

type key struct{}

// With returns a context in which everything is said in l.
func With(ctx context.Context, l *Locale) context.Context {
	return context.WithValue(ctx, key{}, l)
}

// From is the language of a context, English where none was set.
func From(ctx context.Context) *Locale {
	if l, ok := ctx.Value(key{}).(*Locale); ok {
		return l
	}
	return English
}

// Code is the language's BCP 47 code, as in the attribute lang of HTML.
func (l *Locale) Code() string { return l.tag.String() }

// Texts are the English texts that are translated, in no order.
func (l *Locale) Texts() []string {
	return slices.Collect(maps.Keys(l.texts.GetDomain().GetTranslations()))
}

// Name is what the language calls itself.
func (l *Locale) Name() string {
	if l == English {
		return "English"
	}
	return l.texts.Get("English")
}

// Say says a text, in English where it is not translated. The text is a format
// for args whose only verb is %s: whole numbers are written by [Locale.Number],
// a [Text] is said in the same language. A translation may take them in another
// order, as in "%[2]s".
func (l *Locale) Say(text string, args ...any) string {
	return l.marked(l.texts.Get(text, l.spoken(args)...))
}

// Count says how many of something there are, in as many plural forms as the
// language has. The first %s of each form is n; the rest is for args, as in
// [Locale.Say].
func (l *Locale) Count(n int, one, many string, args ...any) string {
	args = append([]any{l.Number(n)}, l.spoken(args)...)
	switch {
	case l.texts.IsTranslatedN(one, n):
		return l.texts.GetN(one, many, n, args...)
	case n == 1:
		return l.marked(fmt.Sprintf(one, args...))
	}
	return l.marked(fmt.Sprintf(many, args...))
}

func (l *Locale) spoken(args []any) []any {
	spoken := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case int:
			spoken[i] = l.Number(arg)
		case Text:
			spoken[i] = arg.In(l)
		default:
			spoken[i] = arg
		}
		if l.isMarked {
			spoken[i] = unmark(fmt.Sprint(spoken[i]))
		}
	}
	return spoken
}
