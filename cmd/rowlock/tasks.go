package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/term"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/db"
	"rowlock/locale"
)

type migrateCommand struct{}

// Run brings the database up to date and says how far it had to go.
func (c *migrateCommand) Run(ctx context.Context, t terminal, s *settings) error {
	d, err := s.reach(ctx, nil)
	if err != nil {
		return err
	}
	defer d.close()
	var ran int
	err = d.connect(ctx, db.PageLimits, func(d *database, ctx context.Context) (err error) {
		ran, err = db.Migrate(ctx, d.url)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d migrations were run. The database is up to date.\n", ran)
	return nil
}

type adminCommands struct {
	Create adminCreateCommand `cmd:"" help:"Create an admin. The password is asked for, or read from standard input."`
}

type adminCreateCommand struct {
	Email string `required:"" help:"The address to sign in with."`
	Name  string `required:"" help:"The person's name."`
}

// Run creates an admin.
func (c *adminCreateCommand) Run(ctx context.Context, t terminal, s *settings) error {
	password, err := readPassword(t)
	if err != nil {
		return err
	}
	d, err := s.join(ctx, db.PageLimits, (*database).setUp)
	if err != nil {
		return err
	}
	defer d.close()

	u, err := account.NewStore(d.pages, account.NewHasher(account.Recommended)).CreateAdmin(ctx, c.Name, c.Email, password)
	if invalid := new(account.InvalidError); errors.As(err, &invalid) {
		return errors.New(sentences(invalid.Problems))
	}
	if errors.Is(err, account.ErrEmailTaken) {
		return fmt.Errorf("somebody has signed up as %s: an admin can change their role on the people page", c.Email)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s can sign in as %s.\n", u.Name, u.Email)
	return nil
}

// readPassword asks twice at a terminal, and elsewhere reads one line.
func readPassword(t terminal) (string, error) {
	in, ok := terminalOf(t.in)
	if !ok {
		line, err := bufio.NewReader(t.in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}

	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(t.err, prompt)
		password, err := term.ReadPassword(in)
		fmt.Fprintln(t.err)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(password)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ")
	}
	return typed[0], nil
}

func sentences(problems map[string]locale.Text) string {
	var list []string
	for _, problem := range problems {
		list = append(list, problem.String())
	}
	return strings.Join(list, " ")
}

type verifyCommand struct {
	JSON bool `help:"Answer in JSON."`
}

// errRuleBroken ends a command whose checks did not all hold.
var errRuleBroken = errors.New("a rule that must always hold is broken")

// Run checks every rule on every event and names all that breaks one, however
// long it takes.
func (c *verifyCommand) Run(ctx context.Context, t terminal, s *settings) error {
	d, err := s.join(ctx, db.CheckLimits, (*database).leaveAsIs)
	if err != nil {
		return err
	}
	defer d.close()

	checks, err := booking.Verify(ctx, d.pages)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(t.out).Encode(map[string]any{"checks": verdicts(checks)}); err != nil {
			return err
		}
	} else {
		printChecks(t.out, checks)
	}
	if !booking.AllHold(checks) {
		return errRuleBroken
	}
	return nil
}

// A verdictJSON is a check as scripts read it.
type verdictJSON struct {
	Name     string   `json:"name"`
	OK       bool     `json:"ok"`
	Detail   string   `json:"detail"`
	Breaches []string `json:"breaches,omitempty"`
}

func verdicts(checks []booking.Check) []verdictJSON {
	list := make([]verdictJSON, len(checks))
	for i, check := range checks {
		list[i] = verdictJSON{Name: check.Name, OK: check.OK, Detail: check.Detail.String()}
		for _, breach := range check.Breaches {
			list[i].Breaches = append(list[i].Breaches, breach.String())
		}
	}
	return list
}

func printChecks(w io.Writer, checks []booking.Check) {
	for _, check := range checks {
		if check.OK {
			fmt.Fprintf(w, "ok      %-20s %s\n", check.Name, check.Detail)
			continue
		}
		fmt.Fprintf(w, "BROKEN  %s\n", check.Name)
		for _, breach := range check.Breaches {
			fmt.Fprintf(w, "        %s\n", breach)
		}
	}
}

type demoCommand struct{}

// Run fills an empty database with the demo, or finishes one that was begun.
func (c *demoCommand) Run(ctx context.Context, t terminal, s *settings) error {
	d, err := s.join(ctx, db.PageLimits, (*database).setUp)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.openBooking(ctx); err != nil {
		return err
	}

	desk := booking.NewDesk(d.booking, slog.Default())
	seeded, err := seedDemo(ctx, d.pages, account.NewHasher(account.Recommended), desk, time.Now())
	if err != nil {
		return err
	}
	if !seeded {
		return errors.New("the database has people already: the demo fills only an empty one")
	}
	fmt.Fprintf(t.out, "The demo is in. Everybody's password is %s.\n", demoPassword)
	return desk.Close(ctx)
}
