// Package migrations carries the SQL that builds Rowlock's database, so that
// the program needs no files beside it.
//
// Each file says in its name what it changes and can be undone. A file that
// has been released is never edited: a new one follows it.
package migrations

import "embed"

// FS holds the goose migrations in its root.
//
//go:embed *.sql
var FS embed.FS
