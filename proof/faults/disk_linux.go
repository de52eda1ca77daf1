package faults

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// SmallDisk mounts a file system of so many bytes at dir, which it makes. It
// takes root, so it may not be possible; the error says why.
func SmallDisk(dir string, bytes int64) (unmount func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL runs as somebody else
		return nil, err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", bytes)); err != nil {
		return nil, fmt.Errorf("mount a small disk, which takes root: %w", err)
	}
	return func() error { return unix.Unmount(dir, unix.MNT_DETACH) }, nil
}
