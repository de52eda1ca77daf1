package web

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"rowlock/account"
)

// minSessionKey is the least length of a session key in bytes.
const minSessionKey = 32

// newCookies makes the store that writes and reads the session cookie.
func newCookies(key []byte, secure bool) (*sessions.CookieStore, error) {
	if len(key) < minSessionKey {
		return nil, fmt.Errorf("the session key has %d bytes, it needs %d", len(key), minSessionKey)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "rowlock session cookie", 64)
	if err != nil {
		return nil, errors.Join(errors.New("derive the cookie keys"), err)
	}
	store := sessions.NewCookieStore(derived[:32], derived[32:])
	store.Options = &sessions.Options{
		Path:     "/",
		HttpOnly: true,
		Secure:   secure,
		SameSite: http.SameSiteLaxMode,
	}
	store.MaxAge(int(account.SessionLifetime.Seconds()))
	for _, codec := range store.Codecs {
		if c, ok := codec.(*securecookie.SecureCookie); ok {
			c.SetSerializer(jsonValues{})
		}
	}
	return store, nil
}

// jsonValues writes what a cookie holds as JSON: texts and lists of texts by
// name. The library's own way describes its types in every cookie, and to read
// that took a fifth of all that a booking costs this program.
type jsonValues struct{}

func (jsonValues) Serialize(src any) ([]byte, error) {
	values, ok := src.(map[any]any)
	if !ok {
		return nil, fmt.Errorf("a cookie cannot hold %T", src)
	}
	named := make(map[string]any, len(values))
	for name, value := range values {
		text, ok := name.(string)
		if !ok {
			return nil, fmt.Errorf("a cookie cannot name a value by %T", name)
		}
		named[text] = value
	}
	return json.Marshal(named)
}

func (jsonValues) Deserialize(src []byte, dst any) error {
	values, ok := dst.(*map[any]any)
	if !ok {
		return fmt.Errorf("a cookie cannot be read into %T", dst)
	}
	var named map[string]any
	if err := json.Unmarshal(src, &named); err != nil {
		return err
	}
	*values = make(map[any]any, len(named))
	for name, value := range named {
		(*values)[name] = value
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
