package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/chromedp/chromedp"

	"rowlock/tour"
)

// allowed is what vnu says and we do not mind. The attributes of htmx are not
// HTML's; browsers ignore what they do not know.
var allowed = regexp.MustCompile(`^Attribute “hx-[a-z-]+” not allowed on element “[a-z]+” at this point\.$`)

// A markup check gathers the HTML of pages in a folder, and then has vnu, the
// W3C's checker, read it all at once: it takes longer to start than to read.
type markup struct {
	jar, folder string
}

// Each page is checked as the server sent it, and as its scripts left it.
const (
	servedSuffix = " as served.html"
	standsSuffix = " as it stands.html"
)

// keep takes the HTML of the tab's page.
func (m *markup) keep(tab context.Context, at tour.Stop) error {
	served, err := at.Served(tab)
	if err != nil {
		return err
	}
	stands, err := chromedp.Run(tab, chromedp.Evaluate[string](`"<!DOCTYPE html>" + document.documentElement.outerHTML`))
	if err != nil {
		return err
	}
	return errors.Join(m.write(at.Name+servedSuffix, served), m.write(at.Name+standsSuffix, stands))
}

func (m *markup) write(name, html string) error {
	return os.WriteFile(filepath.Join(m.folder, name), []byte(html), 0o644)
}

// check reads what was kept.
func (m *markup) check(ctx context.Context, report *report) error {
	var stderr bytes.Buffer
	vnu := exec.CommandContext(ctx, "java", "-jar", m.jar, "--format", "json", "--stdout", "--exit-zero-always", m.folder)
	vnu.Stderr = &stderr
	out, err := vnu.Output()
	if err != nil {
		return fmt.Errorf("run vnu: %w\n%s", err, stderr.String())
	}
	return reportMarkup(out, report)
}

// reportMarkup reports the errors and warnings in what vnu printed.
func reportMarkup(out []byte, report *report) error {
	var said struct {
		Messages []struct{ Type, SubType, URL, Message, Extract string }
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return fmt.Errorf("read what vnu says: %w", err)
	}
	for _, m := range said.Messages {
		kind := m.Type
		if m.SubType != "" {
			kind = m.SubType
		}
		if kind == "info" || allowed.MatchString(m.Message) {
			continue
		}
		file, err := url.PathUnescape(filepath.Base(m.URL))
		if err != nil {
			return fmt.Errorf("read the address %q that vnu tells: %w", m.URL, err)
		}
		page := strings.TrimSuffix(file, ".html")
		report.add(finding{what: "HTML " + kind + ": " + m.Message, where: m.Extract}, page)
	}
	return nil
}
