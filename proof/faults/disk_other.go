//go:build !linux

package faults

import "errors"

// SmallDisk would mount a file system of so many bytes at dir.
func SmallDisk(string, int64) (unmount func() error, err error) {
	return nil, errors.New("small disks are made on Linux only")
}
