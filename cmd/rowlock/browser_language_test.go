package main

import (
	"testing"

	"github.com/chromedp/cdproto/network"

	"rowlock/account"
)

// testLanguages books in the language that the browser asks for, and reads on
// in the one that is chosen at the foot of a page.
func testLanguages(t *testing.T, s *demoSite) {
	e := s.event(t, "Flussabwärts bei Nacht", 3)
	path := "/events/" + e.ID.String()
	u := s.person(t, "Gerda Grenzgängerin", account.Attendee)
	gerda := s.visitor(t, "Gerda", phone).asksFor("de-AT,de;q=0.9,en;q=0.5")

	gerda.opens("/")
	gerda.readsIn("de")
	gerda.fills("Veranstaltung finden", "flussabwärts")
	gerda.sees("1 Veranstaltung passt zu")
	gerda.clicks(e.Title)
	gerda.comesTo(path)
	gerda.clicks("Anmelden und Platz buchen")
	gerda.comesTo("/login")
	gerda.fills("E-Mail-Adresse", u.Email)
	gerda.fills("Passwort", personsPassword)
	gerda.clicks("Anmelden")
	gerda.comesTo(path)

	stayed := gerda.staysOnThisPage()
	gerda.clicks("Platz buchen")
	gerda.has(`#booking[data-booking=confirmed][data-seats-remaining="2"]`)
	gerda.sees("Du hast einen Platz")
	stayed()
	gerda.clicks("Ticket zeigen")
	_, mine := s.standing(t, u, e)
	ticket := "/bookings/" + mine.RegistrationID.String()
	gerda.comesTo(ticket)
	gerda.sees("Zeig das am Eingang.")
	gerda.readsIn("de")

	gerda.clicks("Français")
	gerda.sees("À montrer à l’entrée.")
	gerda.comesTo(ticket)
	gerda.readsIn("fr")
	gerda.clicks("Réservations")
	gerda.comesTo("/bookings")
	gerda.readsIn("fr")
	gerda.has(`[data-booking=confirmed]`)
	gerda.sees("Vous avez une place")
	gerda.sees(e.Title)
}

// asksFor has the browser ask for pages in these languages. It saves data, for
// what it fetches by itself comes without headers that a test has set.
func (v *visitor) asksFor(languages string) *visitor {
	v.t.Helper()
	call(v, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": languages, "Save-Data": "on"}})
	return v
}

// readsIn reports an error unless the page says that it is in that language,
// and marks it as the chosen one at its foot.
func (v *visitor) readsIn(language string) {
	v.t.Helper()
	if got := look[string](v, "a language", `document.readyState === "complete" ? document.documentElement.lang : null`); got != language {
		v.t.Errorf("%s says to be in %q, not %q", v.path(), got, language)
	}
	if chosen := look[string](v, "a chosen language", `document.querySelector(".languages [aria-current]")?.lang`); chosen != language {
		v.t.Errorf("%s marks %q as the language, not %q", v.path(), chosen, language)
	}
}
