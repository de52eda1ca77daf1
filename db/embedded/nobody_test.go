//go:build linux || darwin

package embedded

import (
	"io"
	"os"
	"os/exec"
	"os/user"
	"syscall"
	"testing"
)

// copyOfThisProgram lies where nobody can run it: the original is in a folder
// that only root may enter.
func copyOfThisProgram(t *testing.T) string {
	t.Helper()
	f := newFolder(t)
	if err := os.Chmod(string(f), 0o755); err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(f.join("program"), os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	return to.Name()
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
