package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// folder is a data folder. It holds
//
//	lock            held while a server uses the folder; names its process
//	data            the cluster
//	socket          where clients connect
//	password        what they say where there are no sockets
//	postgres.log    what PostgreSQL had to say; .1 is the one before
//	postgresql-…    fetched binaries
//	fetch.lock      held while they are fetched
//	init-…, fetch-… work in progress, swept when it was cut short
type folder string

func (f folder) data() string     { return f.join("data") }
func (f folder) lock() string     { return f.join("lock") }
func (f folder) log() string      { return f.join("postgres.log") }
func (f folder) password() string { return f.join("password") }
func (f folder) socket() string   { return f.join("socket") }

func (f folder) join(name string) string {
	return filepath.Join(string(f), name)
}

// DefaultDir is the data folder of the person who runs the program: where the
// system keeps such things for them, or /var/lib/rowlock for root.
func DefaultDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/rowlock", nil
	}
	if dir := os.Getenv("LocalAppData"); runtime.GOOS == "windows" && dir != "" {
		return filepath.Join(dir, "Rowlock"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); runtime.GOOS != "darwin" && filepath.IsAbs(dir) {
		return filepath.Join(dir, "rowlock"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for Rowlock's data: %w: choose one with ROWLOCK_DATA_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "Rowlock"), nil
	}
	return filepath.Join(home, ".local", "share", "rowlock"), nil
}

// make makes the folder unless it exists, and answers with its one true name:
// by that, its processes are found again. Only root's is open to others, who
// can pass through it but not look into the cluster.
func (f folder) make() (folder, error) {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o755
	}
	if err := os.MkdirAll(string(f), mode); err != nil {
		return f, explain(err, f)
	}
	name, err := filepath.EvalSymlinks(string(f))
	return folder(name), explain(err, f)
}

// prepareFor makes the cluster a's and lets a reach it, and removes work that
// an earlier start did not finish. The folder is locked already.
func (f folder) prepareFor(a *account) error {
	for _, unfinished := range f.glob("init-*") {
		if err := os.RemoveAll(unfinished); err != nil {
			return explain(err, f)
		}
	}
	if err := f.letIn(a); err != nil {
		return err
	}
	if _, err := os.Stat(f.data()); a == nil || err != nil {
		return nil //nolint:nilerr // ours already, or yet to be made
	}
	return explain(giveTreeTo(a, f.data()), f)
}

// letIn lets a pass through the folder, or names the folder on the way to it
// that a may not pass through.
func (f folder) letIn(a *account) error {
	if a == nil {
		return nil
	}
	if err := letIn(a, string(f)); err != nil {
		return explain(err, f)
	}
	if closed := closedTo(a, string(f)); closed != "" {
		return mayNotEnter(a, closed)
	}
	return nil
}

// majorOfData is the major version of the PostgreSQL that wrote the data; 0
// means that there are none yet.
func (f folder) majorOfData() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, f.dataMustBeMissing()
	}
	if err != nil {
		return 0, explain(err, f)
	}
	major, _, _ := strings.Cut(strings.TrimSpace(string(text)), ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0, fmt.Errorf("%s holds no version that can be read: restore the folder from a backup, or choose another with ROWLOCK_DATA_DIR", filepath.Join(f.data(), "PG_VERSION"))
	}
	return n, nil
}

// dataMustBeMissing refuses files that are no cluster: they are somebody's.
func (f folder) dataMustBeMissing() error {
	entries, err := os.ReadDir(f.data())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explain(err, f)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s holds files that are no PostgreSQL data: move them away, or choose another folder with ROWLOCK_DATA_DIR", f.data())
	}
	return nil
}

// takeLock makes sure that one process at a time works in the folder. The
// system lets go of the lock when that process ends, however it ends.
func (f folder) takeLock() (*os.File, error) {
	file, err := os.OpenFile(f.lock(), os.O_RDWR|os.O_CREATE|noFollow, 0o644)
	if err != nil {
		return nil, explain(err, f)
	}
	if err := f.hold(file); err != nil {
		file.Close() //nolint:errcheck // nothing was written
		return nil, err
	}
	return file, nil
}

func (f folder) hold(file *os.File) error {
	err := tryLock(file)
	if errors.Is(err, errLocked) {
		return inUse(f, readPID(file))
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.lock(), err)
	}
	if err := file.Truncate(0); err != nil {
		return explain(err, f)
	}
	_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return explain(err, f)
}

func readPID(file io.ReaderAt) int {
	line := make([]byte, 20)
	n, _ := file.ReadAt(line, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	return pid
}

func (f folder) glob(pattern string) []string {
	// Not filepath.Glob: the folder's own name may hold a * or a [.
	names, _ := fs.Glob(os.DirFS(string(f)), pattern)
	for i, name := range names {
		names[i] = f.join(name)
	}
	return names
}

// Remove deletes a data folder and all that is in it. It answers ErrInUse
// while a server works on it, and touches nothing that Start did not make.
func Remove(dir string) error {
	name, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("remove data folder: %w", err)
	}
	f := folder(name)
	lock, err := os.OpenFile(f.lock(), os.O_RDWR|noFollow, 0)
	if err != nil {
		return fmt.Errorf("remove data folder: %w", explain(err, f))
	}
	defer unlock(lock)
	if err := f.hold(lock); err != nil {
		return err
	}
	if err := f.mustBeIdle(); err != nil {
		return err
	}
	if err := f.removeWhatStartMade(); err != nil {
		return fmt.Errorf("remove data folder: %w", err)
	}
	unlock(lock) // Windows removes no open file
	return errors.Join(os.Remove(f.lock()), os.Remove(string(f)))
}

func (f folder) removeWhatStartMade() error {
	made := []string{f.data(), f.socket(), f.password(), f.log(), f.log() + ".1", f.join("fetch.lock")}
	for _, pattern := range []string{"init-*", "fetch-*", "postgresql-*"} {
		made = append(made, f.glob(pattern)...)
	}
	for _, path := range made {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
