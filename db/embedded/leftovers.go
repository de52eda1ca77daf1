package embedded

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// idleLimit is how long processes of an earlier run may take to end: at most
// they write down what is in memory.
const idleLimit = 30 * time.Second

// running is a process of PostgreSQL on some data.
type running struct {
	pid     int
	command string
}

// clusterName marks the processes of this folder's server in ps. Two folders
// have different names.
func (f folder) clusterName() string {
	return fmt.Sprintf("rowlock-%x", sha256.Sum256([]byte(f.data())))[:20]
}

// awaitIdle waits until nothing of an earlier run works on the data, and then
// removes the two files by which PostgreSQL would still take it for running:
// after a kill they stay, and they name a process that may by now be a zombie
// or somebody else's. The folder is locked, so nothing new starts meanwhile.
func (f folder) awaitIdle(ctx context.Context, announce func(string)) error {
	slow, tooSlow := time.After(2*time.Second), time.After(idleLimit)
	for {
		busy := f.running()
		if len(busy) == 0 {
			return f.removeLockFiles()
		}
		f.askOrphansToStop(busy)
		select {
		case <-slow:
			announce(fmt.Sprintf("Waiting for the PostgreSQL of an earlier run to end (process %d).", busy[0].pid))
		case <-tooSlow:
			return inUse(f, busy[0].pid)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (f folder) mustBeIdle() error {
	if busy := f.running(); len(busy) > 0 {
		return inUse(f, busy[0].pid)
	}
	return nil
}

// running finds the processes of PostgreSQL that work on the data. Their
// working folder tells, where the system shows it; else the command line, in
// which the first process has the folder and the others have our cluster name.
func (f folder) running() []running {
	data, err := filepath.EvalSymlinks(f.data())
	if err != nil {
		return nil // no data, so nobody works on them
	}
	var busy []running
	for p, workingFolder := range processes() {
		if !isPostgres(p.command) {
			continue
		}
		if workingFolder == data || f.isNamedBy(p.command) {
			busy = append(busy, p)
		}
	}
	return busy
}

func isPostgres(command string) bool {
	return strings.HasPrefix(command, "postgres") || strings.Contains(command, "/postgres ")
}

func (f folder) isNamedBy(command string) bool {
	return strings.Contains(command+" ", "-D "+f.data()+" ") ||
		strings.HasPrefix(command, "postgres: "+f.clusterName()+":")
}

// askOrphansToStop helps where the system does not tell a process that its
// parent was killed. It asks the first process of a server that Rowlock
// started, and none that a person did.
func (f folder) askOrphansToStop(busy []running) {
	for _, p := range busy {
		if p.pid == f.postmasterPID() && strings.Contains(p.command, "cluster_name="+f.clusterName()) {
			interrupt(p.pid) //nolint:errcheck // awaitIdle sees what comes of it
		}
	}
}

// postmasterPID is the process that the cluster's lock file names; 0 when
// there is no such file.
func (f folder) postmasterPID() int {
	text, err := os.ReadFile(filepath.Join(f.data(), "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	return pid
}

func (f folder) removeLockFiles() error {
	if !hasSockets {
		return nil // there PostgreSQL itself knows a dead process for sure
	}
	socket := endpoint{socketDir: f.socket(), port: socketPort}.socket()
	for _, path := range []string{filepath.Join(f.data(), "postmaster.pid"), socket, socket + ".lock"} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return explain(err, f)
		}
	}
	return nil
}
