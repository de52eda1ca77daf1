package web

import (
	"github.com/labstack/echo/v4"

	"rowlock/static"
	"rowlock/views/gallery"
)

// routes lists every address, grouped by who may come in.
func (s *Server) routes(e *echo.Echo) {
	// Machines.
	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.GET(static.Prefix+"*", echo.WrapHandler(static.Handler()))

	// Developers, who look at a demo.
	if s.demo {
		e.GET(gallery.Prefix, echo.WrapHandler(gallery.Handler()))
		e.GET(gallery.Prefix+"/*", echo.WrapHandler(gallery.Handler()))
	}

	// Anyone.
	s.eventRoutes(e)
	e.GET("/signup", s.signUpPage)
	e.POST("/signup", s.signUp)
	e.GET("/login", s.signInPage)
	e.POST("/login", s.signIn)
	e.POST("/logout", s.signOut)

	// Whoever is signed in.
	user := e.Group("/account", s.requireUser)
	user.GET("", s.accountPage)
	user.POST("", s.renameUser)
	user.POST("/password", s.changePassword)
	user.POST("/sessions/end-others", s.endOtherSessions)
	user.POST("/sessions/:id/end", s.endSession)

	// Organizers, and admins.
	s.organizerRoutes(e.Group("/organizer", s.requireOrganizer))

	// Admins.
	s.adminRoutes(e.Group("/admin", s.requireAdmin))
}
