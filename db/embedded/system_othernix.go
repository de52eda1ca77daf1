//go:build unix && !linux

package embedded

import (
	"bufio"
	"bytes"
	"iter"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// setDeathSignal does nothing: these systems tell no process that its parent
// was killed. The next start ends the orphan (askOrphansToStop).
func setDeathSignal(*syscall.SysProcAttr) {}

// processes lists the running processes. Working folders stay empty: ps does
// not show them.
func processes() iter.Seq2[running, string] {
	return func(yield func(running, string) bool) {
		out, err := exec.Command("ps", "-axww", "-o", "pid=,command=").Output()
		if err != nil {
			return
		}
		for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
			first, command, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
			pid, err := strconv.Atoi(first)
			if err != nil {
				continue
			}
			if !yield(running{pid, strings.TrimSpace(command)}, "") {
				return
			}
		}
	}
}
