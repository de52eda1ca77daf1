package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/live"
	"rowlock/simulation"
	"rowlock/web"
)

// closeTimeout bounds how long a stop waits for requests and bookings that are
// under way.
const closeTimeout = 15 * time.Second

type serveCommand struct {
	Addr           string   `env:"ROWLOCK_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The address to serve on."`
	BaseURL        string   `env:"ROWLOCK_BASE_URL" placeholder:"URL" help:"The address that browsers use, such as https://events.example.org. With https, cookies are sent over https only."`
	SessionKey     string   `env:"ROWLOCK_SESSION_KEY" placeholder:"BASE64" help:"Protects the session cookies; at least 32 bytes. Unset, it is made once and kept in the database."`
	TrustedProxies []string `env:"ROWLOCK_TRUSTED_PROXIES" placeholder:"NET" help:"Addresses or networks of proxies whose X-Forwarded-For is believed."`
}

// Run serves until ctx ends, then finishes what is under way.
func (c *serveCommand) Run(ctx context.Context, t terminal, s *settings) error {
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w: choose another address with ROWLOCK_ADDR", err)
	}
	defer listener.Close() //nolint:errcheck // the server closes it; this is for an early return

	d, err := s.open(ctx, func(line string) { fmt.Fprintln(t.err, line) })
	if err != nil {
		return err
	}
	defer d.close()

	hub := live.NewHub(slog.Default())
	defer hub.Close()
	if err := hub.Join(d.url); err != nil {
		return err
	}
	i, err := c.newInstance(ctx, d, hub, listener.Addr())
	if err != nil {
		return err
	}
	fmt.Fprint(t.out, i.greeting)
	defer runtime.KeepAlive(newBallast())
	return i.serve(ctx, listener)
}

// ballastSize is how much garbage a server may have beside as much as there is
// to keep. A server at rest keeps some 15 MiB: without ballast, a rush had the
// collector look through everybody's stack after every 15 MiB of requests,
// which took a tenth of a booking's processor time.
const ballastSize = 32 << 20

// newBallast is memory that the collector counts and nobody touches, so that
// the system never gives it: garbage is collected less often while little is
// kept, as a higher GOGC would have it, but memory grows by no more than its
// size however much is kept. Who sets GOGC or GOMEMLIMIT knows better.
func newBallast() []byte {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return make([]byte, ballastSize)
}

// An instance is one running Rowlock.
type instance struct {
	site        *web.Server
	desk        *booking.Desk
	simulations *simulation.Runner
	hub         *live.Hub
	greeting    string
}

func (c *serveCommand) newInstance(ctx context.Context, d *database, hub *live.Hub, addr net.Addr) (*instance, error) {
	log := slog.Default()
	hasher := account.NewHasher(account.Recommended)
	i := &instance{desk: booking.NewDesk(d.booking, log, hub.Changed), hub: hub}
	i.simulations = simulation.NewRunner(d.pages, bookers(d, i.desk), log)

	config := web.Config{BaseURL: c.BaseURL, Log: log}
	if config.BaseURL == "" {
		config.BaseURL = "http://" + addr.String()
	}
	var err error
	if config.SessionKey, err = c.sessionKey(ctx, d); err != nil {
		return nil, err
	}
	if config.TrustedProxies, err = proxies(c.TrustedProxies); err != nil {
		return nil, err
	}
	if d.own != nil {
		if _, err := seedDemo(ctx, d.pages, hasher, i.desk, time.Now()); err != nil {
			return nil, err
		}
	}
	if config.Demo, err = hasDemo(ctx, d.pages); err != nil {
		return nil, err
	}
	if config.Demo {
		config.DemoPeople = demoPeople
	}
	i.site, err = web.New(config, web.Services{
		Pages:       d.pages,
		Accounts:    account.NewStore(d.pages, hasher),
		Events:      event.NewStore(d.pages),
		Desk:        i.desk,
		Simulations: i.simulations,
		Live:        hub,
	})
	i.greeting = greeting(config)
	return i, err
}

// bookers are the strategies that simulations choose from.
func bookers(d *database, desk *booking.Desk) map[string]booking.Booker {
	return map[string]booking.Booker{
		simulation.Grouped:     desk,
		simulation.Pessimistic: booking.NewPessimistic(d.rivals),
		simulation.Optimistic:  booking.NewOptimistic(d.rivals),
		simulation.Conditional: booking.NewConditional(d.rivals),
	}
}

func (c *serveCommand) sessionKey(ctx context.Context, d *database) ([]byte, error) {
	if c.SessionKey == "" {
		return account.SessionKey(ctx, d.pages)
	}
	key, err := base64.StdEncoding.DecodeString(c.SessionKey)
	if err != nil || len(key) < 32 {
		return nil, errors.New("ROWLOCK_SESSION_KEY must be at least 32 bytes in base64: make one with openssl rand -base64 48")
	}
	return key, nil
}

func greeting(c web.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  Rowlock is ready: %s\n", c.BaseURL)
	if c.Demo {
		fmt.Fprintf(&b, "\n  Sign in to look around; the password is %s:\n", demoPassword)
		for _, p := range demoPeople {
			fmt.Fprintf(&b, "    %-10s %s\n", p.Role, p.Email)
		}
	}
	return b.String() + "\n"
}

// serve answers requests until ctx ends. Then it takes no new ones, lets those
// under way and the desk's queues finish, and returns.
func (i *instance) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           i.site,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		// A booking may wait out a restart of PostgreSQL.
		WriteTimeout: 90 * time.Second,
		IdleTimeout:  2 * time.Minute,
		// Cookies and all; ours take a few hundred.
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	// A stop waits for requests. Open pages end theirs only when they are told.
	server.RegisterOnShutdown(i.hub.Close)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("stopping")
	closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	// Side by side: a script may wait for the end of a simulation.
	simulationsClosed := make(chan error, 1)
	go func() { simulationsClosed <- i.simulations.Close(closing) }()
	return errors.Join(server.Shutdown(closing), <-simulationsClosed, i.desk.Close(closing))
}
