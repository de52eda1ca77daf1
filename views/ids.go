package views

import (
	"maps"
	"slices"

	"github.com/google/uuid"
)

// idText is empty for no id at all.
func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
