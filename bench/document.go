package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// preface opens the document. What differs between parts stands under each:
// they may have been measured on different days.
const preface = `# Benchmarks

` + "`task bench`" + ` (` + "`go run ./bench -out docs/benchmarks.md`" + `) measures all of this on a PostgreSQL that it starts for itself,
with fsync and synchronous_commit on, over a unix socket where there are any. Every part has a fresh database.
Whatever is set against something else is measured in turns, one after the other, within the same run; figures
are medians of the turns, with the least and the most in brackets. Under each part stand the machine and the
command that measures it again.
`

// A document is the file in which the figures are kept: one section for each
// part, so that a part that is measured alone replaces nothing but its own.
type document struct {
	path   string
	titles []string // of all parts, in order
}

// put replaces the section of that title, and drops those of parts that are no
// more.
func (d document) put(title, body string) error {
	old, err := os.ReadFile(d.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sections := parseSections(string(old))
	sections[title] = body

	var text strings.Builder
	text.WriteString(preface)
	for _, title := range d.titles {
		if body, measured := sections[title]; measured {
			text.WriteString("\n## " + title + "\n\n" + strings.TrimSpace(body) + "\n")
		}
	}
	return os.WriteFile(d.path, []byte(text.String()), 0o644)
}

// parseSections returns the text below each heading of the second rank.
func parseSections(text string) map[string]string {
	sections := map[string]string{}
	parts := strings.Split("\n"+text, "\n## ")
	for _, section := range slices.Delete(parts, 0, 1) {
		title, body, _ := strings.Cut(section, "\n")
		sections[title] = body
	}
	return sections
}

// picture keeps a plot beside the document and shows it there. Without a
// document there is nowhere to look at it.
func (b *bench) picture(name string, p plot) error {
	if b.doc == nil {
		return nil
	}
	folder := filepath.Join(filepath.Dir(b.doc.path), "pictures")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	b.printf("\n![%s](pictures/%s.svg)\n", p.title, name)
	return os.WriteFile(filepath.Join(folder, name+".svg"), p.svg(), 0o644)
}
