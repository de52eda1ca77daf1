package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthcheckCommand asks a running instance whether it is ready, for a
// container that holds no other program to ask with.
type healthcheckCommand struct {
	Addr string `env:"ROWLOCK_ADDR" default:"127.0.0.1:8080" help:"The address that the instance serves on."`
}

// Run fails unless the instance on this machine is ready.
func (c *healthcheckCommand) Run(ctx context.Context) error {
	_, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort("127.0.0.1", port)+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // the status says it all
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the instance is not ready: %s", answer.Status)
	}
	return nil
}
