package views

import (
	"context"
	"time"

	"rowlock/locale"
)

// say says a text in the reader's language: see [locale.Locale.Say].
func say(ctx context.Context, text string, args ...any) string {
	return locale.From(ctx).Say(text, args...)
}

// said is a text from below the pages in the reader's language.
func said(ctx context.Context, text locale.Text) string { return text.In(locale.From(ctx)) }

// date writes a time by a layout in the reader's language: see
// [locale.Locale.Date].
func date(ctx context.Context, t time.Time, layout string) string {
	return locale.From(ctx).Date(t, layout)
}

// countText is a number with its noun in the reader's language: see
// [locale.Locale.Count].
func countText(ctx context.Context, n int, one, many string, args ...any) string {
	return locale.From(ctx).Count(n, one, many, args...)
}

// numberText is a number as the reader writes it.
func numberText(ctx context.Context, n int) string {
	return locale.From(ctx).Number(n)
}

// percentText is a number of hundredths as the reader writes it.
func percentText(ctx context.Context, n int) string {
	return locale.From(ctx).Percent(n)
}
