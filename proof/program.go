package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"rowlock/proof/mutant"
	"rowlock/simulation"
)

// program builds Rowlock, runs one and then two of it on one database, and
// kills them while people with cookies book and cancel, and while an admin
// simulates.
func theProgram(ctx context.Context, p *proof) error {
	binary, err := p.build(ctx, realDesk)
	if err != nil {
		return err
	}
	s, err := p.stage(ctx)
	if err != nil {
		return err
	}
	defer s.close()

	var away stopwatch
	for _, instances := range []int{1, 2} {
		if err := p.killPrograms(ctx, s, binary, instances, p.pick(5, 1), &away); err != nil {
			return fmt.Errorf("%d instances: %w", instances, err)
		}
	}
	p.tell("whoever found no instance was answered by one %s later at the latest, the restart included", &away)
	for range p.pick(3, 1) {
		if err := p.killWhileSimulating(ctx, s, binary); err != nil {
			return fmt.Errorf("a simulation: %w", err)
		}
	}
	if out, err := exec.CommandContext(ctx, binary, "verify", "--database-url", s.url).CombinedOutput(); err != nil {
		return fmt.Errorf("rowlock verify: %w: %s", err, out)
	}
	return nil
}

// build makes the program, with a rule broken where one is named.
func (p *proof) build(ctx context.Context, b mutant.Break) (binary string, err error) {
	binary = filepath.Join(p.dir, "rowlock")
	arguments := []string{"build", "-o", binary}
	if b != realDesk {
		binary = filepath.Join(p.dir, "rowlock-mutant")
		overlay, err := mutant.Overlay(p.dir, b)
		if err != nil {
			return "", err
		}
		arguments = []string{"build", "-o", binary, "-overlay", overlay}
	}
	out, err := exec.CommandContext(ctx, "go", append(arguments, "rowlock/cmd/rowlock")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w: %s", err, out)
	}
	return binary, nil
}

// killPrograms lets a crowd storm so many instances, and kills one of them in
// the middle, again and again, with a history of its own each time.
func (p *proof) killPrograms(ctx context.Context, s *stage, binary string, instances, times int, away *stopwatch) error {
	programs, stop, err := startPrograms(ctx, s, binary, instances)
	if err != nil {
		return err
	}
	defer stop()
	d, shut, err := s.instance(ctx)
	if err != nil {
		return err
	}
	defer shut()
	for i := range times {
		seed := p.nextSeed()
		visited := &site{Desk: d, programs: programs, people: map[uuid.UUID]*http.Client{}}
		if err := p.killInCrowd(ctx, s, visited, programs[i%instances], seed); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		away.took(visited.away.longest)
	}
	return nil
}

// killInCrowd kills the victim in a storm, and starts it again. The crowd is
// small: each request that is cut off may have had its effect or not, and the
// search for an order has to try both.
func (p *proof) killInCrowd(ctx context.Context, s *stage, visited *site, victim *program, seed uint64) error {
	a, h, err := s.arena(ctx, 3, 9)
	if err != nil {
		return err
	}
	if err := visited.signIn(ctx, s, a.People); err != nil {
		return err
	}
	stormed := make(chan struct{})
	go func() {
		defer close(stormed)
		crowd{Visitors: 4, Requests: 25, Seed: seed}.storm(ctx, a, visited)
	}()
	p.awaitRequests(ctx, h, 20+p.dice.IntN(100))
	victim.kill()
	p.count("instances killed", 1)
	err = victim.start(ctx)
	<-stormed
	if err != nil {
		return err
	}
	p.count("requests by HTTP", int(visited.asked.Load()))
	p.count("of them cut off", h.Unknown())
	return errors.Join(errors.Join(visited.wrong...), s.judge(ctx, a, h))
}

// killWhileSimulating kills an instance that simulates, and wants the run to be
// told as interrupted, to be undone, and to be followed by another.
func (p *proof) killWhileSimulating(ctx context.Context, s *stage, binary string) error {
	programs, stop, err := startPrograms(ctx, s, binary, 2)
	if err != nil {
		return err
	}
	defer stop()
	admin, err := s.admin(ctx, programs)
	if err != nil {
		return err
	}
	event, err := s.event(ctx, simulatedSeats)
	if err != nil {
		return err
	}
	users := p.pick(4*simulatedUsers, simulatedUsers)
	id, err := admin.simulate(ctx, programs[0], event, users)
	if err != nil {
		return err
	}
	if err := s.awaitBookings(ctx, id, 1+p.dice.IntN(users/4)); err != nil {
		return err
	}
	programs[0].kill()
	killed := time.Now()
	if err := admin.awaitInterrupted(ctx, programs[1], id); err != nil {
		return err
	}
	p.count("simulations interrupted", 1)
	if err := admin.undo(ctx, programs[1], id); err != nil {
		return err
	}
	if err := s.sound(ctx); err != nil {
		return err
	}
	var left int
	if err := s.pool.QueryRow(ctx, `select count(*) from users where simulation_id = $1`, id).Scan(&left); err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("%w: the simulation is undone and %d of its people are left", errRule, left)
	}
	if _, err := admin.simulate(ctx, programs[1], event, 50); err != nil {
		return fmt.Errorf("the next simulation: %w", err)
	}
	p.tell("a simulation cut off was told so, undone and followed by another %.1f s after the kill", time.Since(killed).Seconds())
	return nil
}

// awaitBookings waits until so many made-up people have a seat or a place.
func (s *stage) awaitBookings(ctx context.Context, id uuid.UUID, n int) error {
	for {
		var state simulation.State
		var have int
		err := s.pool.QueryRow(ctx, `
			select s.state, (select e.next_position - 1 from events e where e.id = s.rehearsal_id) from simulations s where s.id = $1`, id).
			Scan(&state, &have)
		if err != nil {
			return fmt.Errorf("watch simulation %s: %w", id, err)
		}
		if have >= n {
			return nil
		}
		if state != simulation.Running {
			return errors.New("the simulation ended before it could be killed")
		}
		time.Sleep(time.Millisecond)
	}
}

// An admin is one who simulates by way of the site.
type admin struct{ browser *http.Client }

func (s *stage) admin(ctx context.Context, programs []*program) (admin, error) {
	person, err := s.people(ctx, 1)
	if err != nil {
		return admin{}, err
	}
	if _, err := s.pool.Exec(ctx, `update users set role = 'admin' where id = $1`, person[0]); err != nil {
		return admin{}, err
	}
	visited := &site{programs: programs, people: map[uuid.UUID]*http.Client{}}
	err = visited.signIn(ctx, s, person)
	return admin{visited.people[person[0]]}, err
}

// simulate starts a run in the browser and returns its ID. A run before it may
// have to be found dead first.
func (a admin) simulate(ctx context.Context, at *program, event uuid.UUID, users int) (uuid.UUID, error) {
	form := url.Values{"users": {fmt.Sprint(users)}}
	for since := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		got, err := send(ctx, a.browser, http.MethodPost, at.url+"/admin/events/"+event.String()+"/simulate", form, "text/html")
		switch {
		case err != nil:
			return uuid.Nil, err
		case got.status == http.StatusSeeOther:
			return uuid.Parse(filepath.Base(got.leadsTo))
		case got.status != http.StatusConflict || time.Since(since) > time.Minute:
			return uuid.Nil, fmt.Errorf("start a simulation: status %d: %.300s", got.status, got.body)
		}
	}
}

// awaitInterrupted waits until the run reads as failed, with its cause.
func (a admin) awaitInterrupted(ctx context.Context, at *program, id uuid.UUID) error {
	for since := time.Now(); time.Since(since) < time.Minute; time.Sleep(50 * time.Millisecond) {
		got, err := send(ctx, a.browser, http.MethodGet, at.url+"/admin/simulations/"+id.String(), nil, "application/json")
		if err != nil {
			return err
		}
		if got.status == http.StatusAccepted {
			continue
		}
		var told struct{ State, Failure string }
		if err := json.Unmarshal(got.body, &told); err != nil || told.State != string(simulation.Failed) || told.Failure == "" {
			return fmt.Errorf("%w: of a simulation that was cut off it says %q", errAnswer, got.body)
		}
		return nil
	}
	return fmt.Errorf("%w: a simulation that was cut off is still called running a minute later", errAnswer)
}

func (a admin) undo(ctx context.Context, at *program, id uuid.UUID) error {
	got, err := send(ctx, a.browser, http.MethodPost, at.url+"/admin/simulations/"+id.String()+"/undo", nil, "text/html")
	if err == nil && got.status != http.StatusSeeOther {
		err = fmt.Errorf("status %d: %.300s", got.status, got.body)
	}
	if err != nil {
		return fmt.Errorf("undo the simulation: %w", err)
	}
	return nil
}

// A program is one built Rowlock that serves, at the same address whenever it
// is started.
type program struct {
	binary, database, address, url string
	cmd                            *exec.Cmd
}

// startPrograms starts so many, and returns when each is ready.
func startPrograms(ctx context.Context, s *stage, binary string, n int) (list []*program, stop func(), err error) {
	stop = func() {
		for _, p := range list {
			p.kill()
		}
	}
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			stop()
			return nil, nil, err
		}
		p := &program{binary: binary, database: s.url, address: l.Addr().String(), url: "http://" + l.Addr().String()}
		err = errors.Join(l.Close(), p.start(ctx))
		list = append(list, p)
		if err != nil {
			stop()
			return nil, nil, err
		}
	}
	return list, stop, nil
}

func (p *program) start(ctx context.Context) error {
	p.cmd = exec.CommandContext(ctx, p.binary, "serve", "--addr", p.address, "--database-url", p.database, "--log-level", "error")
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start the program: %w", err)
	}
	b := &http.Client{Timeout: time.Second}
	for since := time.Now(); time.Since(since) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if got, err := send(ctx, b, http.MethodGet, p.url+"/readyz", nil, ""); err == nil && got.status == http.StatusOK {
			return nil
		}
	}
	p.kill()
	return errors.New("the program was not ready within a minute")
}

// kill ends the program as a power cut would.
func (p *program) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	p.cmd.Wait()         //nolint:errcheck // it was killed
}
