package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName   = regexp.MustCompile(`\bTest[A-Z]\w+`)
	testFunc   = regexp.MustCompile(`(?m)^func (Test[A-Z]\w+)\(t \*testing\.T\)`)
	localLink  = regexp.MustCompile(`\]\(([a-z]+\.md)?(#[a-z0-9-]+)?\)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInSlugs = regexp.MustCompile(`[^a-z0-9 -]`)
	measured   = regexp.MustCompile(`(?m)^\t\{"\w+", "([^"]+)", \w+\},`)
)

// What the documents say is held by tests: each of these must exist.
func TestEveryTestThatTheDocumentsNameExists(t *testing.T) {
	t.Parallel()
	exists := map[string]bool{}
	for _, text := range filesBelow(t, "../..", "_test.go") {
		for _, found := range testFunc.FindAllStringSubmatch(text, -1) {
			exists[found[1]] = true
		}
	}
	named := 0
	for document, text := range filesBelow(t, filepath.Join("..", "..", "docs"), ".md") {
		for _, name := range testName.FindAllString(text, -1) {
			named++
			if !exists[name] {
				t.Errorf("%s names %s, and there is no such test", document, name)
			}
		}
	}
	if named < 20 {
		t.Errorf("the documents name %d tests", named)
	}
}

// A link from one document to a part of another must find it. A part of the
// benchmarks may still have to be measured.
func TestLinksBetweenDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "docs")
	documents := filesBelow(t, folder, ".md")
	bench, err := os.ReadFile(filepath.Join("..", "..", "bench", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range measured.FindAllStringSubmatch(string(bench), -1) {
		documents[filepath.Join(folder, "benchmarks.md")] += "\n## " + title[1] + "\n"
	}
	links := 0
	for document, text := range documents {
		for _, link := range localLink.FindAllStringSubmatch(text, -1) {
			links++
			target := document
			if link[1] != "" {
				target = filepath.Join(folder, link[1])
			}
			if other, ok := documents[target]; !ok || !hasHeading(other, link[2]) {
				t.Errorf("%s links to %s%s, which is not there", document, link[1], link[2])
			}
		}
	}
	if links < 10 {
		t.Errorf("the documents have %d links among them", links)
	}
}

func hasHeading(text, anchor string) bool {
	if anchor == "" {
		return true
	}
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		slug := strings.ReplaceAll(notInSlugs.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-")
		if "#"+slug == anchor {
			return true
		}
	}
	return false
}

// filesBelow reads the files whose names end so, by path.
func filesBelow(t *testing.T, folder, end string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, end) {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
