//go:build unix

package embedded

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	hasSockets = true

	// noFollow keeps root from writing through a link that somebody else put
	// into a folder of theirs.
	noFollow = syscall.O_NOFOLLOW
)

var errLocked = errors.New("locked by another process")

func tryLock(file *os.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// unlock lets go at once. Closing the file would not: a process that another
// goroutine is just starting holds a copy of it for a moment.
func unlock(file *os.File) {
	unix.Flock(int(file.Fd()), unix.LOCK_UN) //nolint:errcheck // closing it follows
	file.Close()                             //nolint:errcheck // nothing is left to write
}

// account is a user of the system.
type account struct {
	name     string
	uid, gid uint32
}

// chooseAccount finds somebody to run PostgreSQL when we are root, as whom it
// refuses to run: the owner of the data or of the folder, else the user that
// PostgreSQL's package made, else nobody.
func chooseAccount(f folder) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, path := range []string{f.data(), string(f)} {
		if a := ownerOf(path); a != nil {
			return a, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u)
		}
	}
	return nil, faultf(ErrPermission, "PostgreSQL does not run as root, and this system has neither a user postgres nor a user nobody: start Rowlock as an ordinary user")
}

// ownerOf answers nil for root and for users that the system does not know,
// whom PostgreSQL does not run as either.
func ownerOf(path string) *account {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	uid := info.Sys().(*syscall.Stat_t).Uid
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if uid == 0 || err != nil {
		return nil
	}
	a, err := accountOf(u)
	if err != nil {
		return nil
	}
	return a
}

func accountOf(u *user.User) (*account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &account{u.Username, uint32(uid), uint32(gid)}, nil
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return "user " + u.Username
	}
	return "user " + strconv.Itoa(os.Geteuid())
}

func giveTo(a *account, path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// giveToOwner leaves to the owner of dir what root made in it, so that they
// can work there without root the next time.
func giveToOwner(dir string, files ...*os.File) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	for _, file := range files {
		if err := file.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return nil
}

// letIn opens dir for a to pass through, not to look around.
func letIn(a *account, dir string) error {
	info, err := os.Stat(dir)
	if err != nil || mayEnter(a, info) {
		return err
	}
	return os.Chmod(dir, info.Mode().Perm()|0o711)
}

// giveTreeTo mends a cluster that was copied or restored by root. PostgreSQL
// refuses one that belongs to another user or is open to others.
func giveTreeTo(a *account, root string) error {
	info, err := os.Stat(root)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o027 != 0 {
		if err := os.Chmod(root, 0o700); err != nil {
			return err
		}
	}
	if info.Sys().(*syscall.Stat_t).Uid == a.uid {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return giveTo(a, path)
	})
}

// closedTo names the outermost folder on the way to dir that a may not enter;
// empty when a gets there.
func closedTo(a *account, dir string) string {
	closed := ""
	for {
		info, err := os.Stat(dir)
		if err == nil && !mayEnter(a, info) {
			closed = dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return closed
		}
		dir = parent
	}
}

func mayEnter(a *account, info fs.FileInfo) bool {
	owner := info.Sys().(*syscall.Stat_t)
	switch {
	case owner.Uid == a.uid:
		return info.Mode().Perm()&0o100 != 0
	case owner.Gid == a.gid:
		return info.Mode().Perm()&0o010 != 0
	}
	return info.Mode().Perm()&0o001 != 0
}

// attributes puts a process out of reach of the terminal's Ctrl-C: Rowlock
// stops first and its database after it.
func attributes(a *account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	setDeathSignal(attr)
	return attr
}

func dieWithUs(*os.Process) error { return nil }

// askToStop asks for a fast shutdown: clients are cut off, everything is
// written down.
func (s *Server) askToStop(p *os.Process) error { return p.Signal(syscall.SIGINT) }

func askToStopNow(p *os.Process) error { return p.Signal(syscall.SIGQUIT) }

func interrupt(pid int) error { return syscall.Kill(pid, syscall.SIGINT) }

// syncFolder makes sure that a rename in dir survives a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // it was only read
	return d.Sync()
}
