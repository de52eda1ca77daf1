package web

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"rowlock/account"
)

// minSessionKey is the least length of a session key in bytes.
const minSessionKey = 32

// newCookies makes the store that writes and reads the session cookie. It is
// signed and not encrypted: the token in it, and what the next page will say,
// are the browser's owner's to know.
func newCookies(key []byte, secure bool) (*sessions.CookieStore, error) {
	if len(key) < minSessionKey {
		return nil, fmt.Errorf("the session key has %d bytes, it needs %d", len(key), minSessionKey)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "rowlock signed session cookie", 32)
	if err != nil {
		return nil, errors.Join(errors.New("derive the cookie key"), err)
	}
	store := sessions.NewCookieStore(derived)
	store.Options = &sessions.Options{
		Path:     "/",
		HttpOnly: true,
		Secure:   secure,
		SameSite: http.SameSiteLaxMode,
	}
	store.MaxAge(int(account.SessionLifetime.Seconds()))
	for _, codec := range store.Codecs {
		if c, ok := codec.(*securecookie.SecureCookie); ok {
			c.SetSerializer(formValues{})
		}
	}
	return store, nil
}

// formValues writes what a cookie holds as a browser sends a form: texts by
// name, and lists of texts by names with listMark. The library's own way
// describes its types in every cookie, and to read that took a fifth of all
// that a booking costs this program.
type formValues struct{}

const listMark = "[]"

func (formValues) Serialize(src any) ([]byte, error) {
	values, ok := src.(map[any]any)
	if !ok {
		return nil, fmt.Errorf("a cookie cannot hold %T", src)
	}
	form := make(url.Values, len(values))
	for name, value := range values {
		key, ok := name.(string)
		if !ok {
			return nil, fmt.Errorf("a cookie cannot name a value by %T", name)
		}
		list, isList := value.([]any)
		if isList {
			key += listMark
		} else {
			list = []any{value}
		}
		for _, item := range list {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("a cookie cannot hold %T", item)
			}
			form.Add(key, text)
		}
	}
	return []byte(form.Encode()), nil
}

func (formValues) Deserialize(src []byte, dst any) error {
	values, ok := dst.(*map[any]any)
	if !ok {
		return fmt.Errorf("a cookie cannot be read into %T", dst)
	}
	form, err := url.ParseQuery(string(src))
	if err != nil {
		return err
	}
	*values = make(map[any]any, len(form))
	for key, texts := range form {
		name, isList := strings.CutSuffix(key, listMark)
		if !isList {
			(*values)[name] = texts[0]
			continue
		}
		list := make([]any, len(texts))
		for i, text := range texts {
			list[i] = text
		}
		(*values)[name] = list
	}
	return nil
}

// cookieName starts with __Host- where the browser can hold us to it: no
// neighbouring host can then set the cookie in our place.
func cookieName(secure bool) string {
	if secure {
		return "__Host-rowlock"
	}
	return "rowlock"
}

// SessionCookie is the cookie of a browser in which a session was started on a
// server with this configuration. Load tests act with it as more people than
// passwords can be checked for.
func SessionCookie(config Config, token account.Token) (*http.Cookie, error) {
	base, err := parseBaseURL(config.BaseURL)
	if err != nil {
		return nil, err
	}
	secure := base.Scheme == "https"
	store, err := newCookies(config.SessionKey, secure)
	if err != nil {
		return nil, err
	}
	name := cookieName(secure)
	value, err := securecookie.EncodeMulti(name, map[any]any{tokenValue: token.Encode()}, store.Codecs...)
	return sessions.NewCookie(name, value, store.Options), err
}
