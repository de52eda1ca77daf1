package embedded

import (
	"bytes"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// setDeathSignal has Linux ask PostgreSQL for a fast shutdown when the program
// is killed; initdb cleans up and ends.
func setDeathSignal(attr *syscall.SysProcAttr) {
	attr.Pdeathsig = syscall.SIGINT
}

// processes lists the running processes with their working folders, which are
// empty where we may not see them. A zombie has no command and is left out.
func processes() iter.Seq2[running, string] {
	return func(yield func(running, string) bool) {
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range dirs {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
			if err != nil || len(line) == 0 {
				continue
			}
			command := strings.TrimSpace(string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
			workingFolder, _ := os.Readlink(filepath.Join(dir, "cwd"))
			if !yield(running{pid, command}, workingFolder) {
				return
			}
		}
	}
}
