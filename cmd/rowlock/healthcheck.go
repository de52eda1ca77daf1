package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthcheckCommand asks a running instance whether it is ready, for a
// container that holds no other program to ask with.
type healthcheckCommand struct {
	Addr string `env:"ROWLOCK_ADDR" default:"127.0.0.1:8080" help:"The address that the instance serves on."`
}

// Run fails unless the instance that serves on the address is ready.
func (c *healthcheckCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	// An address that stands for all of this machine's leads to its loopback.
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Addr+"/readyz", nil)
	if err != nil {
		return err
	}
	// A transport of its own asks the instance, not a proxy.
	answer, err := (&http.Client{Transport: new(http.Transport)}).Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // the status says it all
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the instance is not ready: %s", answer.Status)
	}
	return nil
}
