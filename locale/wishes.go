package locale

import (
	"sync"

	"golang.org/x/text/language"
)

// A browser asks for the same with every request, and to understand it costs
// more than much of what follows: what was asked for lately is remembered. The
// header may be made up, so there are at most maxWishes, of maxWish bytes each.
const maxWishes, maxWish = 1000, 200

var wishes = struct {
	sync.Mutex
	known map[string]*Locale
}{known: map[string]*Locale{}}

// wished is the best language for a header Accept-Language.
func wished(acceptLanguage string) *Locale {
	if len(acceptLanguage) > maxWish {
		return understood(acceptLanguage)
	}
	wishes.Lock()
	defer wishes.Unlock()
	l, known := wishes.known[acceptLanguage]
	if !known {
		if len(wishes.known) >= maxWishes {
			clear(wishes.known)
		}
		l = understood(acceptLanguage)
		wishes.known[acceptLanguage] = l
	}
	return l
}

func understood(acceptLanguage string) *Locale {
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return English
	}
	if _, i, confidence := matcher.Match(wanted...); confidence >= language.High {
		return all[i]
	}
	return English
}
