package web

import "github.com/labstack/echo/v4"

// AllRoutes is a router with every address that a server has, a demo's too.
func AllRoutes() *echo.Echo {
	e := echo.New()
	(&Server{demo: true}).routes(e)
	return e
}
