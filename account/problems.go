package account

import (
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rowlock/locale"
)

// Limits of what people type, in characters. The database holds those of
// names and addresses too.
const (
	MaxName     = 100
	MaxEmail    = 254
	MinPassword = 10
	MaxPassword = 200
)

// An InvalidError says what is wrong with what was typed. Nothing was changed.
type InvalidError struct {
	// Problems are sentences for the person, keyed by field: name, email,
	// password.
	Problems map[string]locale.Text
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("invalid %s", strings.Join(slices.Sorted(maps.Keys(e.Problems)), ", "))
}

// problems gathers what is wrong with a form, leaving out the empty sentences
// of what is right.
type problems map[string]locale.Text

func (p problems) add(field string, problem locale.Text) {
	if !problem.IsEmpty() {
		p[field] = problem
	}
}

// err is nil where nothing is wrong.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &InvalidError{Problems: p}
}

func nameProblem(name string) locale.Text {
	switch {
	case name == "":
		return locale.Later("Please tell us your name.")
	case utf8.RuneCountInString(name) > MaxName:
		return locale.Later("Please keep your name to %s characters.", MaxName)
	case strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
		return locale.Later("Please write your name on one line, in letters.")
	}
	return locale.Text{}
}

// emailProblem accepts what a mail server could deliver to. Whether it exists
// only a mail can tell.
func emailProblem(email string) locale.Text {
	if email == "" {
		return locale.Later("Please enter your email address.")
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || strings.HasSuffix(email, ".") {
		return locale.Later("This does not look like an email address. One looks like ana@example.org.")
	}
	if utf8.RuneCountInString(email) > MaxEmail {
		return locale.Later("An email address has at most %s characters.", MaxEmail)
	}
	return locale.Text{}
}

// passwordProblem asks for length, which helps, and not for signs and digits,
// which do not, and refuses what is guessed first.
func passwordProblem(password, name, email string) locale.Text {
	length := utf8.RuneCountInString(password)
	local, _, _ := strings.Cut(email, "@")
	folded := strings.ToLower(password)
	switch {
	case password == "":
		return locale.Later("Please choose a password.")
	case length < MinPassword:
		return locale.Later("Please use at least %s characters. A few words make a good password.", MinPassword)
	case length > MaxPassword:
		return locale.Later("Please use at most %s characters.", MaxPassword)
	case slices.Contains([]string{strings.ToLower(email), strings.ToLower(local), strings.ToLower(name)}, strings.TrimSpace(folded)):
		return locale.Later("Your name and your address are guessed first. Please choose something else.")
	case isGuessable(folded):
		return locale.Later("This password is among the first that others would try. Please choose another.")
	}
	return locale.Text{}
}

// isGuessable knows passwords that are long enough and still the first to be
// tried: those that lists of leaked ones are full of, and few characters over
// and over.
func isGuessable(folded string) bool {
	distinct := map[rune]bool{}
	for _, r := range folded {
		distinct[r] = true
	}
	return len(distinct) < 4 || slices.Contains(guessed, folded)
}

// guessed lists leaked passwords of ten characters and more, lower case, and
// the one that Rowlock's demo prints.
var guessed = []string{
	"rowlock-demo", "rowlockdemo",
	"0123456789", "1234567890", "12345678910", "123456789a", "1234567891", "12345678901", "0987654321", "9876543210",
	"123456789q", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx3edc", "q1w2e3r4t5", "q1w2e3r4t5y6", "qwerty123456", "qwertyuiop",
	"qwertyuiop123", "qwerty12345", "qwertzuiop", "azertyuiop", "asdfghjkl1", "asdfghjkl;", "1234qwerasdf", "abcdefghij",
	"abcdefghijk", "abcd123456", "abc1234567", "password10", "password11", "password12", "password123", "password1234",
	"password12345", "password123!", "password1!", "passwordpassword", "password01", "mypassword", "mypassword1",
	"p@ssw0rd123", "p@ssword123", "passw0rd123", "changeme123", "changeme1234", "letmein123", "letmeinnow", "welcome123",
	"welcome1234", "iloveyou12", "iloveyou123", "iloveyou1234", "iloveyouforever", "administrator", "admin12345", "admin123456",
	"football123", "baseball123", "basketball", "basketball1", "princess123", "sunshine123", "superman123", "michael123",
	"charlie123", "liverpool1", "manchester", "christopher", "correcthorsebatterystaple", "correct horse battery staple",
	"trustno1trustno1", "alexander1", "washington", "california", "strawberry", "chocolate1", "butterfly1", "spiderman1",
	"test123456", "testtest123", "testpassword", "secret1234", "secretpassword", "hello12345", "helloworld", "whatever123",
}
