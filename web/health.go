package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rowlock/db"
)

// healthz handles GET /healthz: the process runs.
func (s *Server) healthz(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// readyz handles GET /readyz: requests can be served, because the database
// answers and has every migration.
func (s *Server) readyz(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
	defer cancel()

	migrated, err := db.IsMigrated(ctx, s.pages)
	if err != nil {
		s.log.Warn("not ready", "error", err)
		return c.JSON(http.StatusServiceUnavailable, map[string]string{"error": "The database cannot be reached."})
	}
	if !migrated {
		return c.JSON(http.StatusServiceUnavailable, map[string]string{"error": "The database lacks migrations."})
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}
