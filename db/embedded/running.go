package embedded

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// errNotReady says that no server answers on the data, or not yet.
var errNotReady = errors.New("no PostgreSQL is ready on the data")

// Running is the connection string of a database of the server that another
// process runs on the data in dir, for who got ErrInUse from [Start] and may
// work beside it. It is valid until that process stops the server. Only who may
// read the data learns it.
func Running(dir, database string) (string, error) {
	name, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("find the running server: %w", err)
	}
	e, err := folder(name).runningEndpoint()
	if err != nil {
		return "", fmt.Errorf("find the server that runs on %s: %w", name, err)
	}
	return e.url(database), nil
}

// The lines of the file in which PostgreSQL writes where it listens.
const (
	linePort      = 3
	lineSocketDir = 4
	lineAddress   = 5
	lineStatus    = 7
)

func (f folder) runningEndpoint() (endpoint, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "postmaster.pid"))
	if err != nil {
		return endpoint{}, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) <= lineStatus || strings.TrimSpace(lines[lineStatus]) != "ready" {
		return endpoint{}, errNotReady
	}
	port, err := strconv.Atoi(strings.TrimSpace(lines[linePort]))
	if err != nil {
		return endpoint{}, errNotReady
	}
	e := endpoint{port: port, socketDir: strings.TrimSpace(lines[lineSocketDir])}
	if e.socketDir != "" {
		return e, nil
	}
	if net.ParseIP(strings.TrimSpace(lines[lineAddress])) == nil {
		return endpoint{}, errNotReady
	}
	password, err := os.ReadFile(f.password())
	e.password = strings.TrimSpace(string(password))
	return e, err
}
