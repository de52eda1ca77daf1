package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// formText is a form field or query parameter, without the space around it.
// NUL bytes and invalid UTF-8 were refused before.
func formText(c echo.Context, field string) string {
	if r := c.Request(); r.Form == nil && r.Body == http.NoBody && r.URL.RawQuery == "" {
		return "" // there is nothing to parse
	}
	return strings.TrimSpace(c.FormValue(field))
}

// pathID reads a uuid from the path. One that is malformed names nothing, nor
// does the nil uuid, so the answer is the same 404.
func pathID(c echo.Context, name string) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param(name))
	if err == nil && id == uuid.Nil {
		err = errors.New("the nil uuid is nobody's")
	}
	if err != nil {
		return uuid.Nil, echo.NewHTTPError(http.StatusNotFound).SetInternal(err)
	}
	return id, nil
}

// pageNumber is the page of a list that is asked for, the first when the
// query does not say or says nonsense.
func pageNumber(c echo.Context) int {
	n, err := strconv.Atoi(c.QueryParam("page"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// localPath is the field "next" of a form or query when it leads to a page of
// ours, and "/" otherwise. What browsers would read as another host is never
// one of ours: "//evil.example", "/\evil.example".
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\") {
		return "/"
	}
	// Browsers drop tabs and line ends inside an address.
	if strings.ContainsFunc(next, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "/"
	}
	if target, err := url.Parse(next); err != nil || target.Host != "" || target.Scheme != "" {
		return "/"
	}
	return next
}
