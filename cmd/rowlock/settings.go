package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/db"
	"rowlock/db/embedded"
)

// settings are what all commands share.
type settings struct {
	DataDir     string     `env:"ROWLOCK_DATA_DIR" placeholder:"DIR" help:"Where Rowlock keeps the database that it starts itself. The user's data folder when unset."`
	DatabaseURL string     `env:"DATABASE_URL" placeholder:"URL" help:"The PostgreSQL to use, 15 or newer. Unset, Rowlock starts its own."`
	LogLevel    slog.Level `env:"ROWLOCK_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
}

// A database is what a command works on.
type database struct {
	// pages serves reads and small writes, booking the desk.
	pages, booking *pgxpool.Pool
	// rivals serves the strategies that the desk is compared with: a thousand
	// people who wait for a connection must not stand in visitors' way.
	rivals *pgxpool.Pool
	// own is the server that Rowlock started itself, or nil.
	own *embedded.Server
	url string
}

// A preparation sees to the tables of a database that a command is to work on.
type preparation func(*database, context.Context) error

// open is for the program that serves: it reaches or starts the database and
// brings it up to date.
func (s *settings) open(ctx context.Context, announce func(string)) (*database, error) {
	d, err := s.reach(ctx, announce)
	if err != nil {
		return nil, err
	}
	err = d.connect(ctx, db.PageLimits, (*database).migrate)
	if err == nil {
		err = d.openBooking(ctx)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// join is for a command that may work beside a Rowlock that serves: where that
// one has started the database, it is used.
func (s *settings) join(ctx context.Context, l db.Limits, prepare preparation) (*database, error) {
	d, err := s.reach(ctx, nil)
	if errors.Is(err, embedded.ErrInUse) {
		d, err = s.reachRunning(err)
	}
	if err != nil {
		return nil, err
	}
	if err := d.connect(ctx, l, prepare); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// reach knows where the database is, having started it where none is given.
func (s *settings) reach(ctx context.Context, announce func(string)) (*database, error) {
	if s.DatabaseURL != "" {
		return &database{url: s.DatabaseURL}, nil
	}
	dir, err := s.dataDir()
	if err != nil {
		return nil, err
	}
	own, err := embedded.Start(ctx, embedded.Config{Dir: dir, Announce: announce})
	if err != nil {
		return nil, err
	}
	return &database{url: own.URL(embedded.Database), own: own}, nil
}

// reachRunning finds the database that another Rowlock has started. When there
// is none after all, inUse is the cause.
func (s *settings) reachRunning(inUse error) (*database, error) {
	dir, err := s.dataDir()
	if err != nil {
		return nil, err
	}
	url, err := embedded.Running(dir, embedded.Database)
	if err != nil {
		return nil, inUse
	}
	return &database{url: url}, nil
}

// dataDir is where Rowlock keeps the database that it starts itself.
func (s *settings) dataDir() (string, error) {
	if s.DataDir != "" {
		return s.DataDir, nil
	}
	return embedded.DefaultDir()
}

// connect opens the pages' pool and has prepare see to the tables. The pool is
// opened first: it tells an old or unreachable server in time.
func (d *database) connect(ctx context.Context, l db.Limits, prepare preparation) (err error) {
	if d.pages, err = db.Open(ctx, d.url, l); err != nil {
		return err
	}
	return prepare(d, ctx)
}

// migrate brings the tables up to this program's version.
func (d *database) migrate(ctx context.Context) error {
	_, err := db.Migrate(ctx, d.url)
	return err
}

// setUp makes the tables where there are none. A command that adds something
// may be a database's first, but upgrades nobody's.
func (d *database) setUp(ctx context.Context) error {
	version, err := db.ReadVersion(ctx, d.pages)
	if err != nil {
		return err
	}
	if version == db.Unmigrated {
		return d.migrate(ctx)
	}
	return mustBeCurrent(version)
}

// leaveAsIs refuses tables of another version: what this program knows about
// its own need not hold for them, and a command that looks must change none.
func (d *database) leaveAsIs(ctx context.Context) error {
	version, err := db.ReadVersion(ctx, d.pages)
	if err != nil {
		return err
	}
	return mustBeCurrent(version)
}

func mustBeCurrent(version db.Version) error {
	switch version {
	case db.Unmigrated:
		return errors.New("there is no Rowlock in this database: name another, or set it up with rowlock migrate")
	case db.Older:
		return errors.New("the database belongs to an older Rowlock than this program: use that one's program, or bring the database up to date with rowlock migrate")
	case db.Newer:
		return errors.New("the database belongs to a newer Rowlock than this program: use that one's program")
	}
	return nil
}

// openBooking opens the pools that seats are booked with.
func (d *database) openBooking(ctx context.Context) (err error) {
	if d.booking, err = db.Open(ctx, d.url, db.BookingLimits); err != nil {
		return err
	}
	d.rivals, err = db.Open(ctx, d.url, db.BookingLimits)
	return err
}

// close lets go of the database and stops it when it is Rowlock's own.
func (d *database) close() {
	for _, pool := range []*pgxpool.Pool{d.rivals, d.booking, d.pages} {
		if pool != nil {
			pool.Close()
		}
	}
	if d.own != nil {
		if err := d.own.Stop(); err != nil {
			slog.Error("stop PostgreSQL", "cause", err)
		}
	}
}

// proxies reads networks such as 10.0.0.0/8 and single addresses.
func proxies(list []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		if address, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("the trusted proxy %q is neither an address nor a network like 10.0.0.0/8", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// explain puts an error that ends the program into one line with a way out,
// as far as one is known.
func explain(err error) string {
	var refused *pgconn.PgError
	var unreadable *pgconn.ParseConfigError
	var unresolved *net.DNSError
	switch {
	case errors.Is(err, context.Canceled): // nothing but a signal ends a command's context
		return "stopped before it was done"
	case errors.As(err, &refused):
		if way := wayOut(refused); way != "" {
			return way
		}
	case errors.As(err, &unreadable):
		return whyUnreadable(unreadable)
	case errors.Is(err, db.ErrOldServer):
		return err.Error() + ": upgrade that server, or name another in DATABASE_URL; unset it and Rowlock starts a server of its own"
	case errors.Is(err, db.ErrEncoding):
		return err.Error() + ": make another (createdb --encoding=UTF8 --template=template0), and name that in DATABASE_URL"
	case errors.As(err, &unresolved):
		return fmt.Sprintf("the database's host %q is not known: check DATABASE_URL", unresolved.Name)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT) && isConnectError(err):
		return "no PostgreSQL answers there: check DATABASE_URL and whether the server runs; unset it and Rowlock starts a server of its own"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, context.DeadlineExceeded) && isConnectError(err):
		return "the database did not answer in time: check DATABASE_URL, the network and its firewall"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// whyUnreadable says what is wrong with DATABASE_URL and quotes none of it:
// where it cannot be taken apart, any piece may be the password's.
func whyUnreadable(e *pgconn.ParseConfigError) string {
	const quoteEnd = "`: "
	text := e.Error()
	cause := "it cannot be taken apart"
	if end := strings.LastIndex(text, quoteEnd); end >= 0 && !strings.HasPrefix(text[end:], quoteEnd+"failed to parse as") {
		cause = text[end+len(quoteEnd):]
	}
	return "DATABASE_URL cannot be used (" + cause + "): it looks like postgres://user:password@host:5432/database; in a password, write special characters as %40 for @, or leave it to PGPASSWORD"
}

func isConnectError(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}

// wayOut reads the SQLSTATE codes that a wrong DATABASE_URL leads to.
func wayOut(e *pgconn.PgError) string {
	switch e.Code {
	case "28P01", "28000":
		return "the database refuses the user or the password in DATABASE_URL or PGPASSWORD: " + e.Message
	case "3D000":
		return e.Message + ": create it (createdb), or name another in DATABASE_URL"
	case "42501":
		return "the database user may not create or change tables: " + e.Message + "; make it the owner of the database"
	case "53300":
		return "the database has no connection left: raise max_connections, or stop what holds them"
	case "53100":
		return "the database's disk is full: free some space and start again; what was saved is safe"
	}
	return ""
}
