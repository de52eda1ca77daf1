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
	e.GET("/", s.eventsPage)
	e.GET("/events", s.eventsPage)
	e.GET("/events/:id", s.eventPage)
	e.GET("/events/:id/calendar.ics", s.eventCalendar)
	e.GET("/events/:id/live", s.followEvent)
	e.GET("/signup", s.signUpPage)
	e.POST("/signup", s.signUp)
	e.GET("/login", s.signInPage)
	e.POST("/login", s.signIn)
	e.POST("/logout", s.signOut)
	e.POST("/language", s.chooseLanguage)

	// Whoever is signed in. Echo would wrap a handler anew for each request.
	e.POST("/events/:id/book", s.requireUser(s.bookEvent))
	e.POST("/events/:id/cancel", s.requireUser(s.cancelBooking))
	e.GET("/bookings", s.requireUser(s.bookingsPage))
	e.GET("/bookings/:id", s.requireUser(s.ticketPage))
	own := e.Group("/account", s.requireUser)
	own.GET("", s.accountPage)
	own.POST("", s.renameUser)
	own.POST("/password", s.changePassword)
	own.POST("/sessions/end-others", s.endOtherSessions)
	own.POST("/sessions/:id/end", s.endSession)

	// Organizers with their own events, and admins with everybody's.
	organizer := e.Group(organizerPath, s.requireOrganizer)
	organizer.GET("", s.organizerEventsPage)
	organizer.POST("", s.createEvent)
	organizer.GET("/new", s.newEventPage)
	organizer.GET("/:id", s.eventOverviewPage)
	organizer.POST("/:id", s.saveEvent)
	organizer.GET("/:id/edit", s.editEventPage)
	organizer.POST("/:id/publish", s.publishEvent)
	organizer.POST("/:id/cancel", s.cancelEvent)
	organizer.POST("/:id/duplicate", s.duplicateEvent)
	organizer.GET("/:id/attendees", s.attendeesPage)
	organizer.GET("/:id/attendees.csv", s.attendeesFile)
	organizer.POST("/:id/attendees/:user/remove", s.removeAttendee)

	// Admins.
	admin := e.Group("/admin", s.requireAdmin)
	admin.GET("", s.dashboardPage)
	admin.GET("/events", s.adminEventsPage)
	admin.POST("/events/:id/simulate", s.simulateEvent)
	admin.GET("/simulations", s.simulationsPage)
	admin.POST("/simulations", s.simulateChosen)
	admin.GET("/simulations/:id", s.simulationPage)
	admin.GET("/simulations/:id/live", s.followSimulation)
	admin.POST("/simulations/:id/stop", s.stopSimulation)
	admin.POST("/simulations/:id/undo", s.undoSimulation)
	admin.POST("/simulations/:id/rename", s.renameSimulation)
	admin.POST("/simulations/:id/delete", s.deleteSimulation)
	admin.GET("/lab", s.labPage)
	admin.POST("/lab", s.startComparison)
	admin.GET("/lab/runs", s.pickedPage)
	admin.GET("/lab/runs.csv", s.pickedFile)
	admin.GET("/lab/runs.json", s.pickedFile)
	admin.GET("/lab/:id", s.comparisonPage)
	admin.GET("/lab/:id/live", s.followComparison)
	admin.GET("/lab/:id/runs.csv", s.comparisonFile)
	admin.GET("/lab/:id/runs.json", s.comparisonFile)
	admin.POST("/lab/:id/stop", s.stopComparison)
	admin.POST("/lab/:id/rename", s.renameComparison)
	admin.POST("/lab/:id/delete", s.deleteComparison)
	admin.GET("/users", s.usersPage)
	admin.POST("/users/:id", s.manageUser)
	admin.GET("/audit", s.auditPage)
}
