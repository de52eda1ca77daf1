//go:build !unix

package faults

import (
	"errors"
	"fmt"
	"os"
)

// Freeze would stop a process where it stands.
func Freeze(*os.Process) (thaw func() error, err error) {
	return nil, fmt.Errorf("processes are frozen on Unix only: %w", errors.ErrUnsupported)
}
