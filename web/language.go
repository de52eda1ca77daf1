package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rowlock/locale"
)

// languageCookie keeps the language that a reader chose on a page.
const languageCookie = "rowlock_language"

// speakLanguage lets everything that answers the request speak the reader's
// language: the one that they chose, else what their browser asks for.
func speakLanguage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		chosen := ""
		if cookie, err := r.Cookie(languageCookie); err == nil {
			chosen = cookie.Value
		}
		l := locale.Choose(chosen, r.Header.Get("Accept-Language"))
		if l != locale.English { // which everything speaks by itself
			c.SetRequest(r.WithContext(locale.With(r.Context(), l)))
		}
		return next(c)
	}
}

// chooseLanguage handles POST /language, for strangers too.
func (s *Server) chooseLanguage(c echo.Context) error {
	c.SetCookie(&http.Cookie{ //nolint:gosec // it is secure where the site is
		Name:     languageCookie,
		Value:    locale.Choose(formText(c, "language"), "").Code(),
		Path:     "/",
		MaxAge:   int((365 * 24 * time.Hour).Seconds()),
		HttpOnly: true,
		Secure:   s.secure,
		SameSite: http.SameSiteLaxMode,
	})
	return redirect(c, localPath(formText(c, "back")))
}

// say says a text in the language of whoever asked: see [locale.Locale.Say].
func say(c echo.Context, text string, args ...any) string {
	return locale.From(c.Request().Context()).Say(text, args...)
}

// countText is a number with its noun in the language of whoever asked: see
// [locale.Locale.Count].
func countText(c echo.Context, n int, one, many string, args ...any) string {
	return locale.From(c.Request().Context()).Count(n, one, many, args...)
}

// sayAll says the problems of a form, by field, in the language of whoever
// sent it. It is never nil.
func sayAll(c echo.Context, problems map[string]locale.Text) map[string]string {
	l := locale.From(c.Request().Context())
	said := map[string]string{}
	for field, problem := range problems {
		said[field] = problem.In(l)
	}
	return said
}
