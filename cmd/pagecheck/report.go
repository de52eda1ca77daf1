package main

import (
	"fmt"
	"io"
	"strings"
)

// A finding is one thing that is wrong. It is often wrong on many pages.
type finding struct {
	// what is the rule that is broken, where the piece of HTML that breaks it,
	// why the checker's explanation; the latter two may be empty.
	what, where, why string
}

// A report collects findings, in the order in which they first appear.
type report struct {
	findings []finding
	pages    map[finding][]string
}

func (r *report) add(f finding, page string) {
	if r.pages == nil {
		r.pages = map[finding][]string{}
	}
	if _, known := r.pages[f]; !known {
		r.findings = append(r.findings, f)
	}
	r.pages[f] = append(r.pages[f], page)
}

// namedPages is on how many pages a finding is shown.
const namedPages = 6

func (r *report) print(w io.Writer) {
	for _, f := range r.findings {
		fmt.Fprintf(w, "\n%s\n", f.what)
		for _, text := range []string{f.where, f.why} {
			if text != "" {
				fmt.Fprintf(w, "    %s\n", strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    "))
			}
		}
		pages, more := r.pages[f], ""
		if len(pages) > namedPages {
			more = fmt.Sprintf(" and %d more", len(pages)-namedPages)
			pages = pages[:namedPages]
		}
		fmt.Fprintf(w, "    on %s%s\n", strings.Join(pages, ", "), more)
	}
}
