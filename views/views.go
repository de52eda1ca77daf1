// Package views turns what the program knows into HTML. Every page and every
// part that htmx swaps in is a function of its arguments: no database, no
// Echo, no clock.
//
// Each page works without JavaScript: forms post and are answered by a
// redirect or by themselves. Where a swap helps, the form carries hx-
// attributes that name the part it swaps.
package views

import (
	"net/url"
	"time"

	"rowlock/account"
)

// Page is what the layout around every page needs.
type Page struct {
	// Title names the page; the layout adds the name of the product.
	Title string
	// Description is what search engines and chats show; empty for pages that
	// are nobody else's.
	Description string
	// Viewer is who is signed in, nil for a stranger.
	Viewer *account.User
	// Unrecognized tells that nobody found out who looks, as where a request is
	// refused before: such a page asks nobody to sign in.
	Unrecognized bool
	// Path is the page's own address with its query. The navigation marks it,
	// and signing in leads back to it.
	Path string
	// BaseURL is the address that others reach Rowlock by, without a slash at
	// the end; empty leaves out what needs an absolute address.
	BaseURL string
	Flash   *Flash
	// Now is the time at which the page is true, in UTC: so are all times that
	// are about no event.
	Now time.Time
	// Demo tells that the data is made up and may be played with.
	Demo bool

	// Still keeps the page as it is, also where it would follow what changes:
	// for pages about made-up things.
	Still bool

	// reload lets a page without JavaScript look again by itself.
	reload bool
	// live loads the script that follows what changes.
	live bool
}

// SignedIn tells whether somebody is signed in.
func (p Page) SignedIn() bool { return p.Viewer != nil }

// isStranger tells whether nobody is signed in, for sure.
func (p Page) isStranger() bool { return p.Viewer == nil && !p.Unrecognized }

// A Flash is said once, on the page after the one where something was done.
type Flash struct {
	Kind FlashKind
	Text string
}

// FlashKind says how a flash is meant.
type FlashKind string

// The kinds of flashes.
const (
	// FlashDone tells that what was asked for has happened.
	FlashDone FlashKind = "done"
	// FlashNote tells something worth knowing.
	FlashNote FlashKind = "note"
	// FlashFailed tells that what was asked for did not happen, and what to do.
	FlashFailed FlashKind = "failed"
)

// A Trouble is an error as a visitor meets it: what happened and what to do.
type Trouble struct {
	// Status is the HTTP status.
	Status int
	// Title says in a few words what happened.
	Title string
	// Text says what the visitor can do.
	Text string
	// NextText and NextPath are the way on; the list of events where empty.
	NextText, NextPath string
	// Again, where set, is the way on instead.
	Again *Again
}

// An Again is a form that was sent, to be sent once more.
type Again struct {
	Path   string
	Fields url.Values
}

// Pager tells which page of a list is shown, from 1, and how many there are.
type Pager struct {
	// Total counts what is listed on all pages together.
	Total, Page, Pages int
}
