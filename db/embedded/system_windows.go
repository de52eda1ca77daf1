package embedded

import (
	"context"
	"errors"
	"iter"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	hasSockets = false
	noFollow   = 0
)

var errLocked = errors.New("locked by another process")

// tryLock locks a byte far behind the text: others cannot read what is locked.
func tryLock(file *os.File) error {
	far := windows.Overlapped{OffsetHigh: 1}
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &far)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

func unlock(file *os.File) {
	file.Close() //nolint:errcheck // nothing is left to write
}

// account is never needed: PostgreSQL runs as the user who starts Rowlock.
type account struct{ name string }

func chooseAccount(folder) (*account, error) {
	if windows.GetCurrentProcessToken().IsElevated() {
		return nil, faultf(ErrPermission, "PostgreSQL does not run with the rights of an administrator: start Rowlock from an ordinary command prompt, or set DATABASE_URL to a server you have")
	}
	return nil, nil
}

func giveTo(*account, string) error         { return nil }
func giveToOwner(string, ...*os.File) error { return nil }
func letIn(*account, string) error          { return nil }
func giveTreeTo(*account, string) error     { return nil }
func closedTo(*account, string) string      { return "" }

func userName() string {
	if name := os.Getenv("USERNAME"); name != "" {
		return "user " + name
	}
	return "you"
}

// attributes puts a process out of reach of the console's Ctrl-C: Rowlock
// stops first and its database after it.
func attributes(*account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// job ends all processes in it when its last handle is closed, which Windows
// does when this program ends, however it ends.
var job = sync.OnceValues(func() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	return job, err
})

func dieWithUs(p *os.Process) error {
	job, err := job()
	if err != nil {
		return err
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(p.Pid))
	if err != nil {
		return err
	}
	defer windows.CloseHandle(process) //nolint:errcheck // it was only borrowed
	return windows.AssignProcessToJobObject(job, process)
}

// askToStop asks for a fast shutdown: clients are cut off, everything is
// written down. Only PostgreSQL's own program can ask that here.
func (s *Server) askToStop(*os.Process) error {
	return s.command(context.Background(), s.binaries.path("pg_ctl"), "stop", "-D", s.folder.data(), "-m", "fast", "-W").Run()
}

func askToStopNow(p *os.Process) error { return p.Kill() }

func interrupt(int) error { return errors.ErrUnsupported }

// processes lists none: the job has ended those of a killed run.
func processes() iter.Seq2[running, string] {
	return func(func(running, string) bool) {}
}

// syncFolder does nothing: Windows cannot do that.
func syncFolder(string) error { return nil }
