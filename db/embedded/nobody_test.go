//go:build linux || darwin

package embedded

import (
	"os"
	"os/exec"
	"os/user"
	"syscall"
	"testing"
)

// ordinaryChild is a process of an ordinary user that starts a server: of our
// own, or of nobody's when we are root.
func ordinaryChild(t *testing.T, f folder) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		return childCommand(t, os.Args[0], f)
	}
	cmd := childCommand(t, copyOfThisProgram(t), f)
	runAsNobody(t, cmd)
	return cmd
}

// copyOfThisProgram lies where nobody can run it: the original is in a folder
// that only root may enter.
func copyOfThisProgram(t *testing.T) string {
	t.Helper()
	f := newFolder(t)
	if err := os.Chmod(string(f), 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, f.join("program"), program)
	return f.join("program")
}

// writeProgram lets no other test start a process meanwhile, which would have
// a copy of the open file for a moment: Linux runs no file that is written to.
func writeProgram(t *testing.T, path string, program []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
}

func runAsNobody(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("this system has no user nobody")
	}
	a, err := accountOf(u)
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
	cmd.Dir = "/"
}
