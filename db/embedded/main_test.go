//go:build linux || darwin

package embedded

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// fast leaves out what only a power cut would need.
var fast = map[string]string{"fsync": "off", "full_page_writes": "off"}

// playground holds the folders of all tests.
var playground string

// TestMain runs the tests, or is the other process that some of them need.
func TestMain(m *testing.M) {
	if dir := os.Getenv("EMBEDDED_CHILD"); dir != "" {
		beChild(dir)
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if playground, err = makePlayground(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(playground)
	// The library that fetches leaves an empty file in the temporary folder.
	if err := useTempDir(filepath.Join(playground, "tmp")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func useTempDir(dir string) error {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	return os.Setenv("TMPDIR", dir)
}

// makePlayground is in memory where there is room. It is open, because root's
// tests have another user run PostgreSQL in it.
func makePlayground() (string, error) {
	parent := os.TempDir()
	var fs unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &fs); err == nil && fs.Bavail*uint64(fs.Bsize) > 1<<30 {
		parent = "/dev/shm"
	}
	sweepPlaygrounds(parent)
	dir, err := os.MkdirTemp(parent, "rowlock-embedded-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// sweepPlaygrounds removes what killed test runs left.
func sweepPlaygrounds(parent string) {
	old, _ := filepath.Glob(filepath.Join(parent, "rowlock-embedded-*"))
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.RemoveAll(dir)
		}
	}
}

func newFolder(t *testing.T) folder {
	t.Helper()
	dir, err := os.MkdirTemp(playground, "test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return folder(dir)
}

// seeded is a folder with a cluster that holds one note, "seeded". Copying one
// is faster than making one.
func seeded(t *testing.T) folder {
	t.Helper()
	seed, err := makeSeed()
	if err != nil {
		t.Fatal(err)
	}
	f := newFolder(t)
	if out, err := exec.Command("cp", "-a", seed.data(), f.data()).CombinedOutput(); err != nil {
		t.Fatalf("copy the seed: %s (%v)", out, err)
	}
	return f
}

var makeSeed = sync.OnceValues(func() (folder, error) {
	f := folder(filepath.Join(playground, "seed"))
	s, err := Start(context.Background(), Config{Dir: string(f), Parameters: fast})
	if err != nil {
		return f, err
	}
	conn, err := pgx.Connect(context.Background(), s.URL(Database))
	if err != nil {
		return f, err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), `create table notes (note text); insert into notes values ('seeded')`)
	if err != nil {
		return f, err
	}
	return f, s.Stop()
})

func mustStart(t *testing.T, f folder) *Server {
	t.Helper()
	s, err := Start(t.Context(), Config{Dir: string(f), Parameters: fast})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	return s
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func addNote(t *testing.T, url, note string) {
	t.Helper()
	if _, err := connect(t, url).Exec(t.Context(), `insert into notes values ($1)`, note); err != nil {
		t.Fatal(err)
	}
}

func wantNotes(t *testing.T, url string, want ...string) {
	t.Helper()
	rows, err := connect(t, url).Query(t.Context(), `select note from notes`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("notes %q (%v), want %q", got, err, want)
	}
}

// eventually fails the test when what does not become true.
func eventually(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if isTrue() {
			return
		}
	}
	t.Fatal("it never came true that", what)
}

func kill(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if pid <= 1 {
			t.Fatalf("process %d is not ours to kill", pid)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatalf("kill process %d: %v", pid, err)
		}
	}
}

// child is another process that starts a server.
type child struct {
	cmd *exec.Cmd
	url string // of its Database
}

// beChild starts a server, says "up" and its address or "fault" and why not,
// and stops when nobody listens any more.
func beChild(dir string) {
	s, err := Start(context.Background(), Config{Dir: dir, Parameters: fast})
	if err != nil {
		fmt.Println("fault", err)
		return
	}
	fmt.Println("up", s.URL(Database))
	io.Copy(io.Discard, os.Stdin)
	s.Stop()
}

func startChild(t *testing.T, f folder) child {
	t.Helper()
	cmd := childCommand(t, os.Args[0], f)
	said := say(t, cmd)
	url, up := strings.CutPrefix(<-said, "up ")
	if !up {
		t.Fatal("the other process did not start")
	}
	return child{cmd, url}
}

func childCommand(t *testing.T, program string, f folder) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "EMBEDDED_CHILD="+string(f))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	return cmd
}

// say starts cmd and answers with the first line that it prints.
func say(t *testing.T, cmd *exec.Cmd) <-chan string {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- strings.TrimSpace(text)
	}()
	return line
}
