//go:build !linux

package dbtest

import "os"

// fastFolder is where the test database lives.
func fastFolder() string { return os.TempDir() }
