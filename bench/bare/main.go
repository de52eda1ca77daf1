// Command bare answers every request with the same bytes, with nothing but
// net/http: the least that it costs a Go program to send them.
//
//	bare 127.0.0.1:8000 < answer
//
// It reads the answer as it goes over the wire.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bare HOST:PORT < answer")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func serve(addr string, from io.Reader) error {
	answer, err := http.ReadResponse(bufio.NewReader(from), nil) //nolint:bodyclose // it is, below
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: addr, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for key, values := range answer.Header {
			h[key] = values
		}
		w.WriteHeader(answer.StatusCode)
		w.Write(body) //nolint:errcheck // the load generator counts what fails
	})}
	return server.ListenAndServe()
}
