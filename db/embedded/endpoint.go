package embedded

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// socketPort is only a part of the socket's name: no network port is used.
const socketPort = 5432

// socketMax is what the shortest systems allow for the path of a socket.
const socketMax = 103

// endpoint is where the server listens: in a socket's folder, or with a
// password on a port of this machine.
type endpoint struct {
	socketDir string
	temporary bool // socketDir goes with the server
	port      int
	password  string
}

// chooseEndpoint settles where PostgreSQL will listen as long as s lives.
func (s *Server) chooseEndpoint(tcp bool) error {
	var err error
	if tcp {
		s.endpoint, err = s.chooseTCP()
		return err
	}
	s.endpoint, err = s.chooseSocket()
	return explain(err, s.folder)
}

func (s *Server) chooseTCP() (endpoint, error) {
	password, err := s.readPassword()
	if err != nil {
		return endpoint{}, err
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return endpoint{}, fmt.Errorf("find a free port for PostgreSQL: %w", err)
	}
	port := probe.Addr().(*net.TCPAddr).Port
	return endpoint{port: port, password: password}, probe.Close()
}

func (s *Server) chooseSocket() (endpoint, error) {
	e := endpoint{socketDir: s.folder.socket(), port: socketPort}
	// In a connection string a comma stands between hosts.
	if len(e.socket()) > socketMax || strings.Contains(e.socketDir, ",") {
		return s.temporarySocket()
	}
	if err := os.MkdirAll(e.socketDir, 0o700); err != nil {
		return e, err
	}
	return e, closeTo(s.account, e.socketDir)
}

func (s *Server) temporarySocket() (endpoint, error) {
	dir, err := os.MkdirTemp("", "rowlock-")
	if err != nil {
		return endpoint{}, err
	}
	e := endpoint{socketDir: dir, temporary: true, port: socketPort}
	return e, closeTo(s.account, dir)
}

// closeTo gives dir to a and to nobody else.
func closeTo(a *account, dir string) error {
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	return giveTo(a, dir)
}

func (e endpoint) socket() string {
	return filepath.Join(e.socketDir, fmt.Sprintf(".s.PGSQL.%d", e.port))
}

func (e endpoint) settings() map[string]string {
	settings := map[string]string{
		"port":                    strconv.Itoa(e.port),
		"listen_addresses":        "",
		"unix_socket_directories": quoteList(e.socketDir),
		"unix_socket_permissions": "0700",
	}
	if e.socketDir == "" {
		settings["listen_addresses"] = "127.0.0.1"
		settings["unix_socket_directories"] = ""
	}
	return settings
}

// quoteList makes one item of a setting that is a list of names: a comma or a
// space in a folder's name would split it.
func quoteList(name string) string {
	if name == "" {
		return ""
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func (e endpoint) url(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database}
	query := url.Values{"sslmode": {"disable"}}
	if e.socketDir == "" {
		u.User = url.UserPassword(superuser, e.password)
		u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(e.port))
	} else {
		u.User = url.User(superuser)
		query.Set("host", e.socketDir)
		query.Set("port", strconv.Itoa(e.port))
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// remove takes away what the server leaves in no folder of its own.
func (e endpoint) remove() {
	if e.temporary {
		os.RemoveAll(e.socketDir) //nolint:errcheck // the system sweeps it some day
	}
}
