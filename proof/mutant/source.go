package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sources break a rule in Rowlock's own source, for proofs of the program as
// it is built: each text there is replaced by the other.
var sources = map[Break]struct {
	file         string
	replacements []string
}{
	// The transaction is written and committed a moment after the answer.
	AnswerBeforeCommit: {"booking/group.go", []string{
		`	defer conn.Release()`,
		`	late := false
	defer func() {
		if !late {
			conn.Release()
		}
	}()`,
		`if conn.Conn().PgConn().TxStatus() != 'I' {`,
		`if !late && conn.Conn().PgConn().TxStatus() != 'I' {`,
		`err = s.commit(ctx, conn)`,
		`late = true
	go func() {
		time.Sleep(20 * time.Millisecond)
		_ = s.commit(context.Background(), conn)
		conn.Release()
	}()`,
	}},
	LeavePeople: {"simulation/undo.go", []string{
		`id, peoplePerDelete)`, `id, 1)`,
		"if tag.RowsAffected() == 0 {\n\t\t\treturn nil", "if tag.RowsAffected() < 2 {\n\t\t\treturn nil",
	}},
}

// Overlay writes into dir what "go build -overlay" takes to build the program
// with a rule broken.
func Overlay(dir string, b Break) (path string, err error) {
	broken, ok := sources[b]
	if !ok {
		return "", fmt.Errorf("no source breaks the rule %q", b)
	}
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the source: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), filepath.FromSlash(broken.file))
	source, err := os.ReadFile(original)
	if err != nil {
		return "", fmt.Errorf("read the source: %w", err)
	}
	text := string(source)
	for i := 0; i < len(broken.replacements); i += 2 {
		right, wrong := broken.replacements[i], broken.replacements[i+1]
		if strings.Count(text, right) != 1 {
			return "", fmt.Errorf("the mutant %q no longer fits: %s has %q %d times", b, broken.file, right, strings.Count(text, right))
		}
		text = strings.Replace(text, right, wrong, 1)
	}
	replaced := filepath.Join(dir, "mutant.go.txt")
	if err := os.WriteFile(replaced, []byte(text), 0o600); err != nil { //nolint:gosec // the proof's own folder
		return "", fmt.Errorf("write the mutant: %w", err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: replaced}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o600)
}
