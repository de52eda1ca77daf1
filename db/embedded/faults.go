package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"syscall"
)

var (
	// ErrInUse says that another process works on the data folder.
	ErrInUse = errors.New("the data folder is in use")
	// ErrNoPostgreSQL says that the machine has no PostgreSQL new enough and
	// that none could be fetched.
	ErrNoPostgreSQL = errors.New("there is no PostgreSQL to start")
	// ErrOtherVersion says that the data belong to a PostgreSQL that is not
	// at hand. They are left as they are.
	ErrOtherVersion = errors.New("the data belong to another PostgreSQL")
	// ErrPermission says that the files may not be read or written.
	ErrPermission = errors.New("the data folder may not be used")
	// ErrDiskFull says that there is no room for the data.
	ErrDiskFull = errors.New("the disk is full")

	// errMemoryInUse says that PostgreSQL finds the memory of an earlier run.
	errMemoryInUse = errors.New("the memory of an earlier run is still in use")
)

// fault is an error that a person can mend: its text is one line with the
// cause and the way out, its kind is what programs ask for.
type fault struct {
	kind error
	text string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

func faultf(kind error, format string, args ...any) error {
	return &fault{kind, fmt.Sprintf(format, args...)}
}

func inUse(f folder, pid int) error {
	who := "another Rowlock"
	if pid > 0 {
		who = fmt.Sprintf("another process (%d)", pid)
	}
	return faultf(ErrInUse, "%s works on the data in %s: stop it first, or choose another folder with ROWLOCK_DATA_DIR", who, f)
}

func mayNot(path string, cause error) error {
	return faultf(ErrPermission, "%s may not use %s (%v): give that user the folder, or choose another with ROWLOCK_DATA_DIR", userName(), path, cause)
}

func mayNotEnter(a *account, path string) error {
	return faultf(ErrPermission, "PostgreSQL runs as user %s, who may not enter %s: open that folder (chmod a+x), or choose one outside it with ROWLOCK_DATA_DIR, such as /var/lib/rowlock", a.name, path)
}

func diskFull(f folder) error {
	return faultf(ErrDiskFull, "the disk that holds %s is full: free some space and start again; what was saved is safe", f)
}

// noPostgreSQL says what was found, why fetching did not help, and how to get
// a server on this kind of machine.
func noPostgreSQL(found []binaries, broken, cause error) error {
	has := fmt.Sprintf("there is no PostgreSQL %d or newer on this machine", MinMajor)
	switch {
	case len(found) > 0:
		has = fmt.Sprintf("the PostgreSQL on this machine is too old (%s; Rowlock needs %d)", found[0], MinMajor)
	case broken != nil:
		has = fmt.Sprintf("the PostgreSQL on this machine does not run (%v)", broken)
	}
	return faultf(ErrNoPostgreSQL, "%s, and fetching one did not work (%v): %s, or set DATABASE_URL to a server you have", has, cause, installHint(0))
}

func tooOldData(f folder, major int) error {
	return faultf(ErrOtherVersion, "the data in %s were written by PostgreSQL %d, and Rowlock needs %d or newer: upgrade them with pg_upgrade, or begin anew in another folder with ROWLOCK_DATA_DIR", f.data(), major, MinMajor)
}

func otherVersion(f folder, major int, found []binaries, cause error) error {
	has := "there is none on this machine"
	if len(found) > 0 {
		has = fmt.Sprintf("this machine has only %s", found[0])
	}
	return faultf(ErrOtherVersion, "the data in %s were written by PostgreSQL %d, but %s, and fetching it did not work (%v): %s, or begin anew in another folder with ROWLOCK_DATA_DIR", f.data(), major, has, cause, installHint(major))
}

func installHint(major int) string {
	name := "postgresql"
	switch runtime.GOOS {
	case "darwin":
		return fmt.Sprintf("install it (brew install %s@%d)", name, max(major, 17))
	case "windows":
		return "install it (winget install PostgreSQL.PostgreSQL)"
	}
	if major > 0 {
		return fmt.Sprintf("install it (apt install %s-%d, or your system's package)", name, major)
	}
	return fmt.Sprintf("install it (apt install %s, or your system's package)", name)
}

// explain turns an error about a file of f into a fault when a person can
// mend it.
func explain(err error, f folder) error {
	var at *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission) && errors.As(err, &at):
		return mayNot(at.Path, at.Err)
	case errors.Is(err, fs.ErrPermission):
		return mayNot(string(f), err)
	case errors.Is(err, syscall.ENOSPC):
		return diskFull(f)
	}
	return err
}

// explainWords does the same for what PostgreSQL said; otherwise it answers
// with orElse.
func explainWords(words string, f folder, orElse error) error {
	if tellOfFullDisk(words) {
		return diskFull(f)
	}
	return orElse
}

func tellOfFullDisk(words string) bool {
	words = strings.ToLower(words)
	for _, sign := range []string{"no space left on device", "quota exceeded", "(sqlstate 53100)"} {
		if strings.Contains(words, sign) {
			return true
		}
	}
	return false
}

// explainEnd says why PostgreSQL ended before it answered.
func (s *Server) explainEnd() error {
	words := s.lastWords()
	if words == "" && s.ended != nil {
		words = s.ended.Error()
	}
	if strings.Contains(words, "pre-existing shared memory block") {
		return faultf(errMemoryInUse, "PostgreSQL %s did not start: %s: see %s", s.Version(), words, s.folder.log())
	}
	return explainWords(words, s.folder, fmt.Errorf("PostgreSQL %s did not start: %s: see %s", s.Version(), words, s.folder.log()))
}
