package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowlock/booking"
	"rowlock/db"
	"rowlock/proof/model"
	"rowlock/proof/mutant"
	"rowlock/simulation"
)

// instanceVariable tells this program that it is to be an instance.
const instanceVariable = "ROWLOCK_PROOF_INSTANCE"

func isInstance() bool { return os.Getenv(instanceVariable) != "" }

// A task is what an instance process is to do: a crowd at an event, or a
// simulation.
type task struct {
	URL string `json:"url"`
	// Limits are those of the desk's pool.
	Limits db.Limits `json:"limits"`
	// Mutant is the rule that the desk breaks; empty is a real desk.
	Mutant mutant.Break `json:"mutant,omitempty"`

	Arena *arena `json:"arena,omitempty"`
	Crowd crowd  `json:"crowd"`

	Simulate  uuid.UUID `json:"simulate"`
	StartedBy uuid.UUID `json:"started_by"`
	Users     int       `json:"users"`
	Seats     int       `json:"seats"`
}

// A line is what an instance writes of one thing that happened, before the
// next one can.
type line struct {
	Ticket int           `json:"t,omitempty"`
	At     int64         `json:"at,omitempty"`
	Visit  int           `json:"v,omitempty"`
	Ask    *model.Ask    `json:"ask,omitempty"`
	Reply  *model.Reply  `json:"reply,omitempty"`
	Told   *told         `json:"told,omitempty"`
	Run    uuid.NullUUID `json:"run"`
	Done   bool          `json:"done,omitempty"`
}

// told is what one of a simulation's people was answered.
type told struct {
	Person   uuid.UUID        `json:"p"`
	Standing booking.Standing `json:"s"`
	Number   int              `json:"n"`
}

// beInstance is the whole life of an instance process that is not killed: it
// has Rowlock's pools and desk, reads its task, and writes down everything.
func beInstance() int {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	var t task
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		fmt.Fprintln(os.Stderr, "instance:", err)
		return 1
	}
	if err := t.carryOut(context.Background(), &pen{out: os.Stdout}); err != nil {
		fmt.Fprintln(os.Stderr, "instance:", err)
		return 1
	}
	return 0
}

func (t *task) carryOut(ctx context.Context, p *pen) error {
	pages, err := db.Open(ctx, t.URL, db.PageLimits)
	if err != nil {
		return err
	}
	defer pages.Close()
	pool, err := db.Open(ctx, t.URL, t.Limits)
	if err != nil {
		return err
	}
	defer pool.Close()
	d := booking.NewDesk(pool, slog.Default())
	defer d.Close(ctx) //nolint:errcheck // without a limit it only waits

	if t.Arena != nil {
		t.Arena.pool, t.Arena.notes = pages, p
		t.Crowd.storm(ctx, t.Arena, mutate(d, pool, t.Mutant))
	} else if err := t.simulate(ctx, pages, mutate(d, pool, t.Mutant), p); err != nil {
		return err
	}
	p.write(line{Done: true})
	return nil
}

// simulate runs a simulation whose people note their answers.
func (t *task) simulate(ctx context.Context, pages *pgxpool.Pool, d booking.Booker, p *pen) error {
	runner := simulation.NewRunner(pages, map[string]booking.Booker{simulation.Grouped: noting{d, p}}, slog.Default())
	id, err := runner.Start(ctx, simulation.Params{EventID: t.Simulate, StartedBy: t.StartedBy, Users: t.Users, Seats: &t.Seats})
	if err != nil {
		return err
	}
	p.write(line{Run: uuid.NullUUID{UUID: id, Valid: true}})
	_, err = runner.Wait(ctx, id)
	return err
}

// noting writes each answer down before it gives it.
type noting struct {
	booking.Booker
	pen *pen
}

func (n noting) Book(ctx context.Context, r booking.Request) (booking.Answer, error) {
	a, err := n.Booker.Book(ctx, r)
	if err == nil {
		n.pen.write(line{Told: &told{r.UserID, a.Standing, a.Position}})
	}
	return a, err
}

// A pen writes lines to a pipe, which keeps them when the writer is killed.
type pen struct {
	mu      sync.Mutex
	out     io.Writer
	tickets int
}

func (p *pen) write(l line) {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // it is made of numbers and words
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.Write(append(text, '\n')) //nolint:errcheck // whoever read it is gone, and so are we soon
}

func (p *pen) Asked(visitor int, q model.Ask, at int64) int {
	p.mu.Lock()
	p.tickets++
	ticket := p.tickets
	p.mu.Unlock()
	p.write(line{Ticket: ticket, Visit: visitor, Ask: &q, At: at})
	return ticket
}

func (p *pen) Answered(ticket int, r model.Reply, at int64) {
	p.write(line{Ticket: ticket, Reply: &r, At: at})
}

// A child is an instance process.
type child struct {
	cmd  *exec.Cmd
	out  io.ReadCloser
	done bool // it did all that it was to do
}

// startInstance starts this program a second time, as an instance.
func startInstance(ctx context.Context, t task) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, program)}
	c.cmd.Env = append(os.Environ(), instanceVariable+"=1")
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start an instance: %w", err)
	}
	_, err = in.Write(text)
	return c, errors.Join(err, in.Close())
}

// read hands each line to f until the instance ends, of itself or killed.
func (c *child) read(f func(line)) error {
	lines := bufio.NewScanner(c.out)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			break // it was killed while it wrote
		}
		if l.Done {
			c.done = true
		}
		f(l)
	}
	io.Copy(io.Discard, c.out) //nolint:errcheck // to its end, whatever it is
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return nil // killed
	}
	return err
}

// kill ends the instance as a power cut would.
func (c *child) kill() { c.cmd.Process.Kill() } //nolint:errcheck // it may have ended

// note copies what the instance's crowd asked and was answered to a history.
func (c *child) note(h *model.History) error {
	tickets := map[int]int{}
	return c.read(func(l line) {
		switch {
		case l.Ask != nil:
			tickets[l.Ticket] = h.Asked(l.Visit, *l.Ask, l.At)
		case l.Reply != nil:
			h.Answered(tickets[l.Ticket], *l.Reply, l.At)
		}
	})
}

// soon is a moment within d.
func (p *proof) soon(d time.Duration) time.Duration {
	return time.Duration(p.dice.Int64N(int64(d)))
}
