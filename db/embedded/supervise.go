package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"
)

const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 30 * time.Second

	// A server that ran this long did not die of what killed the one before.
	soundAfter = time.Minute

	// Fast shutdown writes what is in memory; after these it is asked harder,
	// and what is not written is read back from the log at the next start.
	fastStopLimit      = time.Minute
	immediateStopLimit = 15 * time.Second
)

// supervise runs PostgreSQL until Stop and starts it again when it dies. A
// server that never answered is not started again: Start tells why.
//
// The goroutine keeps its thread, for Linux sends the death signal when the
// thread ends that started the process, not when the program does.
func (s *Server) supervise() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.done)

	pause := shortestPause
	for {
		began := time.Now()
		s.ended = s.runOnce()
		if s.stopping.Err() != nil || !s.hasAnswered() {
			return
		}
		if time.Since(began) > soundAfter {
			pause = shortestPause
		}
		slog.Error("PostgreSQL ended and is started again", "cause", s.ended, "its_last_words", s.lastWords(), "log", s.folder.log(), "pause", pause)
		if !s.pause(pause) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// pause also waits for what the dead server left behind. It answers false when
// the server is to stop.
func (s *Server) pause(d time.Duration) bool {
	select {
	case <-s.stopping.Done():
		return false
	case <-time.After(d):
	}
	err := s.folder.awaitIdle(s.stopping, func(string) {})
	if s.stopping.Err() != nil {
		return false
	}
	if err != nil {
		slog.Error("PostgreSQL left something behind", "cause", err)
	}
	return true
}

// runOnce runs PostgreSQL and returns when it has ended.
func (s *Server) runOnce() error {
	cmd := s.command(context.Background(), s.binaries.path("postgres"), s.arguments()...)
	cmd.Stdout, cmd.Stderr = s.log, s.log

	s.mu.Lock()
	if s.stopping.Err() != nil {
		s.mu.Unlock()
		return nil //nolint:nilerr // to be stopped is no fault
	}
	s.logStart = s.logEnd()
	err := cmd.Start()
	s.process = cmd.Process
	s.mu.Unlock()

	if err != nil {
		return err
	}
	if err := dieWithUs(cmd.Process); err != nil {
		slog.Warn("PostgreSQL may outlive this program if that is killed", "cause", err)
	}
	return cmd.Wait()
}

func (s *Server) stop() error {
	process := s.stopStarting()
	err := s.end(process)
	s.endpoint.remove()
	if s.log != nil {
		s.log.Close() //nolint:errcheck // nothing is left to write
	}
	if s.lock != nil {
		unlock(s.lock)
	}
	return err
}

// stopStarting answers with the newest process, after which no other comes.
func (s *Server) stopStarting() *os.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginStop()
	return s.process
}

// end asks process to shut down and waits for it. It may have ended already.
func (s *Server) end(process *os.Process) error {
	if process != nil {
		s.askToStop(process) //nolint:errcheck // if it cannot be asked, the wait below says so
	}
	select {
	case <-s.done:
		return s.howItEnded()
	case <-time.After(fastStopLimit):
	}

	slog.Warn("PostgreSQL takes long to shut down and is ended without writing everything: its next start takes longer")
	askToStopNow(process) //nolint:errcheck // as above
	select {
	case <-s.done:
		return fmt.Errorf("stop PostgreSQL: it took longer than %v and was ended; nothing that was saved is lost", fastStopLimit)
	case <-time.After(immediateStopLimit):
		return fmt.Errorf("stop PostgreSQL: process %d does not end: see %s", process.Pid, s.folder.log())
	}
}

func (s *Server) howItEnded() error {
	if s.ended == nil || !s.hasAnswered() {
		return nil // it ended well, or Start has told how
	}
	return fmt.Errorf("stop PostgreSQL: %w: see %s", s.ended, s.folder.log())
}

func (s *Server) hasAnswered() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}
