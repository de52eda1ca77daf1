//go:build !unix

package faults

import (
	"errors"
	"os"
)

// Freeze would stop a process where it stands.
func Freeze(*os.Process) (thaw func() error, err error) {
	return nil, errors.New("processes are frozen on Unix only")
}
