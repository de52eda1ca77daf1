package embedded

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
)

const (
	logKeeps = 8 << 20 // bytes; a longer log is put aside at the next start
	tailSize = 64 << 10
)

// openLog opens the log to append, and puts a long one aside first: two files
// are kept at most.
func (f folder) openLog() (*os.File, error) {
	if info, err := os.Stat(f.log()); err == nil && info.Size() > logKeeps {
		if err := os.Rename(f.log(), f.log()+".1"); err != nil {
			return nil, explain(err, f)
		}
	}
	file, err := os.OpenFile(f.log(), os.O_RDWR|os.O_CREATE|os.O_APPEND|noFollow, 0o600)
	return file, explain(err, f)
}

// logEnd is where the next line of the log begins.
func (s *Server) logEnd() int64 {
	info, err := s.log.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// lastWords is what the newest process said about its end; empty when it
// could not say anything.
func (s *Server) lastWords() string {
	s.mu.Lock()
	from := s.logStart
	s.mu.Unlock()

	from = max(from, s.logEnd()-tailSize)
	text, err := io.ReadAll(io.NewSectionReader(s.log, from, tailSize))
	if err != nil {
		return ""
	}
	return lastWordsIn(text)
}

// logLine is a line that PostgreSQL wrote into its log in an orderly way.
var logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d .*\[\d+\] `)

// lastWordsIn picks the last fatal message of PostgreSQL or initdb; without
// one, the last line that is no log line, such as the loader's about a library
// that is missing. What follows from a full disk does not hide it.
func lastWordsIn(text []byte) string {
	var fatal, last string
	for line := range bytes.Lines(text) {
		line := strings.TrimSpace(string(line))
		if words, ok := fatalWords(line); ok {
			fatal = words
		}
		if tellOfFullDisk(fatal) {
			return fatal
		}
		if line != "" && !logLine.MatchString(line) {
			last = line
		}
	}
	if fatal != "" {
		return fatal
	}
	return last
}

func fatalWords(line string) (string, bool) {
	for _, mark := range []string{"FATAL:", "PANIC:", "initdb: error:"} {
		_, words, found := strings.Cut(line, mark)
		// A client that comes too early or is cut off is told so with a
		// FATAL of its own.
		if found && !strings.Contains(words, "the database system is") && !strings.Contains(words, "terminating connection") {
			return strings.TrimSpace(words), true
		}
	}
	return "", false
}
