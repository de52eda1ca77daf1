//go:build unix

package faults

import (
	"os"
	"syscall"
)

// Freeze stops a process where it stands, as a machine does that swaps or
// sleeps; thaw lets it go on.
func Freeze(p *os.Process) (thaw func() error, err error) {
	return func() error { return p.Signal(syscall.SIGCONT) }, p.Signal(syscall.SIGSTOP)
}
