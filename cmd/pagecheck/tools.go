package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tools are the files of the checkers, and the browser they use.
type tools struct {
	axe, vnu, lighthouse string
	browser              string
}

// browsers are the programs that can show a page, the best first.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// findTools looks for everything at once, so that one error names all that is
// missing.
func findTools(modules string) (tools, error) {
	t := tools{
		axe:        filepath.Join(modules, "axe-core", "axe.min.js"),
		vnu:        filepath.Join(modules, "vnu-jar", "build", "dist", "vnu.jar"),
		lighthouse: filepath.Join(modules, "lighthouse", "cli", "index.js"),
	}
	var missing []string
	for _, file := range []string{t.axe, t.vnu, t.lighthouse} {
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, file+" (run: npm ci --prefix cmd/pagecheck)")
		}
	}
	for _, program := range []string{"node", "java"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	for _, program := range browsers {
		if path, err := exec.LookPath(program); err == nil && t.browser == "" {
			t.browser = path
		}
	}
	if t.browser == "" {
		missing = append(missing, "one of "+strings.Join(browsers, ", "))
	}
	if missing != nil {
		return t, fmt.Errorf("checking pages needs what is not here: %s", strings.Join(missing, "; "))
	}
	return t, nil
}
