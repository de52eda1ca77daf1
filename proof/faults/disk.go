package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Fill fills the disk that dir is on, to the last byte, with a file that
// release removes. It is for small disks.
func Fill(dir string) (release func() error, err error) {
	name := filepath.Join(dir, "ballast")
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // what counts is that the disk is full
	release = func() error { return os.Remove(name) }
	for _, size := range []int{1 << 20, 4096, 1} {
		for err = error(nil); err == nil; {
			_, err = file.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return nil, errors.Join(fmt.Errorf("fill the disk: %w", err), release())
		}
	}
	return release, nil
}
