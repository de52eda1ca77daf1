package db

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxSearched bounds how much of one search text counts: the database has to
// compile what becomes of it.
const maxSearched = 100

// Pattern makes of what a person typed a regular expression, for the operator
// ~, that finds it anywhere in a text: in any case, with or without accents in
// either of the two ("muller" finds "Müller"), and ß as ss. Everything but
// letters stands for itself. The expression spells all this out, so that it
// finds the same whatever the database's locale and extensions are. Nothing
// typed gives the empty expression, which every text matches.
func Pattern(typed string) string {
	letters := []rune(Fold(typed))
	letters = letters[:min(len(letters), maxSearched)]
	var b strings.Builder
	for i := 0; i < len(letters); i++ {
		if i+1 < len(letters) {
			if both := spellings()[string(letters[i:i+2])]; both != "" {
				b.WriteString("(?:" + spelled(letters[i]) + spelled(letters[i+1]) + "|[" + both + "]" + accents + ")")
				i++
				continue
			}
		}
		b.WriteString(spelled(letters[i]))
	}
	return b.String()
}

// accents match what may follow a letter in a text that is not composed.
const accents = "[\u0300-\u036f]*"

// spelled is the expression of one letter that [Fold] left.
func spelled(letter rune) string {
	if all := spellings()[string(letter)]; all != "" {
		return "[" + all + "]" + accents
	}
	return regexp.QuoteMeta(string(letter))
}

// spellings tells, of a folded letter or pair of letters, all letters of the
// alphabets in Unicode's first pages that are folded to it. One that stands
// for two is found by the first of them, too: people are shown what is found
// while they type.
var spellings = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for letter := rune(0); letter < 0x2000; letter++ {
		if !unicode.IsLetter(letter) {
			continue
		}
		folded := []rune(foldLetter(letter))
		all[string(folded[:1])] += string(letter)
		if len(folded) > 1 {
			all[string(folded)] += string(letter)
		}
	}
	return all
})

// Fold makes texts equal that differ only in case and accents.
func Fold(text string) string {
	var b strings.Builder
	for _, letter := range norm.NFC.String(text) {
		if !isAccent(letter) {
			b.WriteString(foldLetter(letter))
		}
	}
	return b.String()
}

func foldLetter(letter rune) string {
	parts := []rune(norm.NFD.String(string(letter)))
	for _, mark := range parts[1:] {
		// In other scripts a letter is more than its first part.
		if !isAccent(mark) {
			return string(letter)
		}
	}
	small := unicode.ToLower(parts[0])
	if plain, ok := plainLetters[small]; ok {
		return plain
	}
	return string(small)
}

func isAccent(r rune) bool { return r >= 0x300 && r <= 0x36f }

// plainLetters are what people without the key for it type for a letter that
// Unicode does not take apart.
var plainLetters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'þ': "th",
	'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'ħ': "h", 'ŧ': "t", 'ı': "i",
	'ς': "σ",
}
