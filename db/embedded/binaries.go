package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// binaries are the programs of one installed PostgreSQL.
type binaries struct {
	dir          string
	major, minor int
}

func (b binaries) version() string { return fmt.Sprintf("%d.%d", b.major, b.minor) }
func (b binaries) String() string  { return fmt.Sprintf("PostgreSQL %s in %s", b.version(), b.dir) }

func (b binaries) path(program string) string {
	return filepath.Join(b.dir, program+executableSuffix())
}

func executableSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// usualPlaces lists where systems put PostgreSQL's programs, as globs.
func usualPlaces() []string {
	places := filepath.SplitList(os.Getenv("PATH"))
	if dir, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		places = append(places, strings.TrimSpace(string(dir)))
	}
	if runtime.GOOS == "windows" {
		return append(places,
			filepath.Join(os.Getenv("ProgramFiles"), "PostgreSQL", "*", "bin"))
	}
	return append(places,
		"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
		"/usr/pgsql-*/bin",          // Red Hat, from PostgreSQL itself
		"/usr/lib/postgresql*/bin",  // SUSE
		"/usr/lib64/postgresql*/bin",
		"/usr/libexec/postgresql*", // Alpine
		"/usr/local/pgsql/bin",     // built from source
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin", // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		"/opt/local/lib/postgresql*/bin", // MacPorts
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/Library/PostgreSQL/*/bin",
	)
}

// chooseBinaries settles on the PostgreSQL to run: the one that wrote the
// data, else the newest. It fetches one when the machine has none that fits.
func (s *Server) chooseBinaries(ctx context.Context, from sources) error {
	major, err := s.folder.majorOfData()
	if err != nil {
		return err
	}
	if major != 0 && major < MinMajor {
		return tooOldData(s.folder, major)
	}
	found, broken := s.findBinaries(ctx, from.places)
	var ok bool
	if s.binaries, ok = fitting(found, major); ok {
		return nil
	}
	s.binaries, err = s.fetch(ctx, major, from.repository)
	switch {
	case err == nil:
		return nil
	case major != 0:
		return otherVersion(s.folder, major, found, err)
	}
	return noPostgreSQL(found, broken, err)
}

// fitting picks from found, which has the newest first, what can run data of
// that major version; 0 stands for data that are yet to be made.
func fitting(found []binaries, major int) (binaries, bool) {
	for _, b := range found {
		if b.major == major || major == 0 && b.major >= MinMajor {
			return b, true
		}
	}
	return binaries{}, false
}

// findBinaries answers with every PostgreSQL in those places and among the
// fetched ones, the newest first, and with why one does not run.
func (s *Server) findBinaries(ctx context.Context, places []string) (found []binaries, broken error) {
	var dirs []string
	for _, place := range places {
		matches, _ := filepath.Glob(place)
		dirs = append(dirs, matches...)
	}
	for _, fetched := range folder(s.config.Cache).glob("postgresql-*") {
		dirs = append(dirs, filepath.Join(fetched, "bin"))
	}

	seen := map[string]bool{}
	for _, dir := range dirs {
		dir, ok := programsIn(dir)
		if !ok || seen[dir] {
			continue
		}
		seen[dir] = true
		b, err := s.ask(ctx, dir)
		if err != nil {
			broken = err
			continue
		}
		found = append(found, b)
	}
	slices.SortStableFunc(found, func(a, b binaries) int {
		return cmp.Or(cmp.Compare(b.major, a.major), cmp.Compare(b.minor, a.minor))
	})
	return found, broken
}

// programsIn tells where the programs of dir really are, for a folder such as
// /usr/local/bin may hold only links to them. Both programs must be there: a
// machine with PostgreSQL's clients alone has neither.
func programsIn(dir string) (string, bool) {
	server, err := filepath.EvalSymlinks(binaries{dir: dir}.path("postgres"))
	if err != nil || !filepath.IsAbs(server) {
		return "", false
	}
	dir = filepath.Dir(server)
	_, err = os.Stat(binaries{dir: dir}.path("initdb"))
	return dir, err == nil
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)(?:\.(\d+))?`)

// ask has the server program in dir say its version, as the user who will run
// it, so that one which that user cannot run is not chosen.
func (s *Server) ask(ctx context.Context, dir string) (binaries, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	b := binaries{dir: dir}
	out, err := s.outputOf(ctx, b.path("postgres"), "--version")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return b, errors.New(lastWordsIn(exit.Stderr))
	}
	if err != nil {
		return b, fmt.Errorf("run PostgreSQL in %s: %w", dir, err)
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return b, fmt.Errorf("%s does not say its version: %q", b.path("postgres"), out)
	}
	b.major, _ = strconv.Atoi(string(match[1]))
	b.minor, _ = strconv.Atoi(string(match[2]))
	return b, nil
}

// outputOf runs a program that may have been unpacked just now. Linux runs no
// file that somebody can write to, and for a moment that may be a process
// which another goroutine is starting: it has copies of our open files.
func (s *Server) outputOf(ctx context.Context, path string, args ...string) ([]byte, error) {
	for tries := 0; ; tries++ {
		out, err := s.command(ctx, path, args...).Output()
		if !errors.Is(err, syscall.ETXTBSY) || tries == 20 {
			return out, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// command prepares a program of PostgreSQL: run by the right user, away from
// the terminal's Ctrl-C, from a folder which that user may read.
func (s *Server) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = string(s.folder)
	cmd.Env = environment()
	cmd.SysProcAttr = attributes(s.account)
	return cmd
}

// environment passes on what a program needs to run. The rest stays here:
// PGDATA and its like would mislead PostgreSQL, and our secrets are not its
// business.
func environment() []string {
	env := []string{"LC_ALL=C"} // messages that we can read
	for _, name := range []string{"PATH", "HOME", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
		"SystemRoot", "SystemDrive", "ComSpec", "TEMP", "TMP", "USERPROFILE", "LocalAppData", "APPDATA"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
