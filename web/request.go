package web

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// A request is Echo's context with what is found out about a request once and
// asked for often.
type request struct {
	echo.Context
	visit     visit
	wantsJSON bool
}

// knowRequest comes before whatever asks about the request.
func (s *Server) knowRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		return next(&request{Context: c, visit: visit{began: s.now()}, wantsJSON: acceptsJSON(c.Request())})
	}
}

// jsonType is made once for all answers.
var jsonType = []string{echo.MIMEApplicationJSON}

// JSON answers with v as JSON. Echo's own JSON asks each request whether it
// would like that indented.
func (r *request) JSON(status int, v any) error {
	answer := r.Response()
	answer.Header()[echo.HeaderContentType] = jsonType
	answer.Status = status
	return json.NewEncoder(answer).Encode(v)
}

// wantsJSON tells whether the asker is a script that reads JSON.
func wantsJSON(c echo.Context) bool {
	if r, ok := c.(*request); ok {
		return r.wantsJSON
	}
	return acceptsJSON(c.Request())
}

func acceptsJSON(r *http.Request) bool {
	accept := r.Header.Get(echo.HeaderAccept)
	return strings.Contains(accept, echo.MIMEApplicationJSON) && !strings.Contains(accept, echo.MIMETextHTML)
}

// visitOf is who makes the request; a stranger's visit where nobody has asked.
func visitOf(c echo.Context) *visit {
	if r, ok := c.(*request); ok {
		return &r.visit
	}
	return &visit{}
}
