package web

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"rowlock/account"
	"rowlock/booking"
	"rowlock/event"
	"rowlock/live"
	"rowlock/locale"
	"rowlock/simulation"
	"rowlock/views"
)

const (
	// eventPeriod is how often an event that is watched is read though nobody
	// told of a change: it may have been missed, or the event has started.
	eventPeriod = 5 * time.Second
	// runPeriod is how often a simulation that is watched is read. It writes
	// how far it is into its row, for every instance to see.
	runPeriod = 300 * time.Millisecond

	// perPerson bounds the streams of one person, in all their browsers, and
	// perAddress those of the strangers from one address, which may be a whole
	// school's.
	perPerson  = 30
	perAddress = live.MaxWatches / 4

	// writeTimeout is how long a stream's reader may take nothing. Then it is
	// dropped, and the page opens another stream.
	writeTimeout = 10 * time.Second
	// heartbeat keeps proxies from closing a quiet stream, and finds out who
	// has left.
	heartbeat = 20 * time.Second
	// streamLife ends a stream now and then: the page opens another, and is
	// recognized anew.
	streamLife = 15 * time.Minute
)

// feeds are what open pages follow.
type feeds struct {
	events      *live.Feed[*eventState]
	runs        *live.Feed[*runState]
	comparisons *live.Feed[*runState]
}

func (s *Server) openFeeds(hub *live.Hub) {
	s.feeds.events = live.NewFeed(hub, eventPeriod, s.readEventStates)
	s.feeds.runs = live.NewFeed(hub, runPeriod, eachRun(s.readRunState))
	s.feeds.comparisons = live.NewFeed(hub, runPeriod, eachRun(s.readComparisonState))
}

// liveViewer is the viewer as the feeds know them.
func liveViewer(c echo.Context) live.Viewer {
	if u := viewer(c); isKnown(u) {
		return live.Viewer{ID: u.ID, Key: u.ID.String(), Most: perPerson}
	}
	return live.Viewer{Key: c.RealIP(), Most: perAddress}
}

// followEvent handles GET /events/:id/live: a stream of the parts of the
// event's page that have changed, for whoever may see the page.
func (s *Server) followEvent(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	watch, err := s.feeds.events.Watch(id, liveViewer(c))
	if err != nil {
		return refuseStream(c)
	}
	defer watch.Close()

	// Read after the watch began, so that no change falls in between.
	e, mine, err := s.visibleEvent(c)
	if err != nil {
		return err
	}
	person := viewer(c).ID
	first := s.newEventState(booking.View{Event: e, Mine: map[uuid.UUID]booking.Mine{person: mine}})
	page := &followedEvent{person: person, language: locale.From(c.Request().Context())}
	return follow(c, watch, first, page.next)
}

// followSimulation handles GET /admin/simulations/:id/live: a stream of the
// simulation's part of the page while it runs, which ends when the run does.
func (s *Server) followSimulation(c echo.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	watch, err := s.feeds.runs.Watch(id, liveViewer(c))
	if err != nil {
		return refuseStream(c)
	}
	defer watch.Close()

	first, err := s.readRunState(c.Request().Context(), id)
	if err != nil {
		return err
	}
	page := &followedRun{language: locale.From(c.Request().Context())}
	return follow(c, watch, first, page.next)
}

// refuseStream has the page look by itself now and then, and try for a stream
// again: too many are open, or the program stops.
func refuseStream(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderRetryAfter, "10")
	return c.NoContent(http.StatusServiceUnavailable)
}

// follow streams what next makes of each state: nothing where the page shows
// it already. It ends when the visitor leaves or takes nothing for too long,
// when the program stops, and when next says so.
func follow[S any](c echo.Context, watch *live.Watch[S], state S, next func(S) (message []byte, last bool, err error)) error {
	out := openStream(c)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	end := time.NewTimer(streamLife + rand.N(streamLife/4))
	defer end.Stop()
	for {
		message, last, err := next(state)
		if err != nil {
			return err
		}
		if len(message) > 0 {
			if !out.send(message) {
				return nil
			}
			beat.Reset(heartbeat)
		}
		if last || out.isForHead {
			return nil
		}
		select {
		case state = <-watch.States():
		case <-beat.C:
			if !out.send([]byte(":\n\n")) {
				return nil
			}
		case <-end.C:
			return nil
		case <-watch.Ended():
			return nil
		case <-c.Request().Context().Done():
			return nil
		}
	}
}

// A stream is a response of server-sent events.
type stream struct {
	response  *echo.Response
	control   *http.ResponseController
	isForHead bool
}

func openStream(c echo.Context) *stream {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set(echo.HeaderCacheControl, "no-store")
	// Nginx passes every message on at once when it is told so.
	h.Set("X-Accel-Buffering", "no")
	s := &stream{response: c.Response(), control: http.NewResponseController(c.Response())}
	_, s.isForHead = c.Response().Writer.(headWriter)
	return s
}

// send tells whether the message was taken: when it was not, the visitor has
// left or reads too slowly.
func (s *stream) send(message []byte) bool {
	// In place of the deadline for the whole answer. A test's recorder has
	// neither.
	err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if !s.response.Committed {
		// A browser that loses the stream waits a moment before it comes back;
		// after a restart, not all of them come at once.
		if _, err := fmt.Fprintf(s.response, "retry: %d\n", 1000+rand.N(3000)); err != nil {
			return false
		}
	}
	if _, err := s.response.Write(message); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

// newMessage renders a component in a language as one server-sent event.
func newMessage(l *locale.Locale, component templ.Component) ([]byte, error) {
	var html strings.Builder
	if err := component.Render(locale.With(context.Background(), l), &html); err != nil {
		return nil, fmt.Errorf("render a live part: %w", err)
	}
	message := make([]byte, 0, html.Len()+16)
	for line := range strings.Lines(html.String()) {
		message = append(message, "data: "...)
		message = append(message, strings.TrimRight(line, "\r\n")...)
		message = append(message, '\n')
	}
	return append(message, '\n'), nil
}

// sharedMessages are rendered once for all pages that show the same.
type sharedMessages struct {
	mu   sync.Mutex
	made map[sharedKey][]byte
}

type sharedKey struct {
	language *locale.Locale
	name     string
}

// get renders a component, once for every page with the same name in the same
// language.
func (s *sharedMessages) get(l *locale.Locale, name string, component templ.Component) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sharedKey{l, name}
	if m, ok := s.made[key]; ok {
		return m, nil
	}
	m, err := newMessage(l, component)
	if err != nil {
		return nil, err
	}
	if s.made == nil {
		s.made = map[sharedKey][]byte{}
	}
	s.made[key] = m
	return m, nil
}

// An eventState is an event as all pages that follow it see it.
type eventState struct {
	booking.View
	now      time.Time
	messages sharedMessages
}

func (s *Server) newEventState(v booking.View) *eventState {
	return &eventState{View: v, now: s.now()}
}

func (s *Server) readEventStates(ctx context.Context, asked []live.Asked) (map[uuid.UUID]*eventState, error) {
	people := make(map[uuid.UUID][]uuid.UUID, len(asked))
	for _, a := range asked {
		people[a.ID] = a.People
	}
	found, err := booking.Look(ctx, s.pages, people)
	if err != nil {
		return nil, err
	}
	states := make(map[uuid.UUID]*eventState, len(found))
	for id, v := range found {
		states[id] = s.newEventState(v)
	}
	return states, nil
}

// A followedEvent is what one open page of an event shows.
type followedEvent struct {
	person   uuid.UUID
	language *locale.Locale
	mine     booking.Mine
	version  int64
	shows    string
	seats    uint64
}

// next is the message that brings the page to the state.
func (f *followedEvent) next(s *eventState) (message []byte, last bool, err error) {
	if s.Event.Version < f.version {
		return nil, false, nil // it was read before what the page shows
	}
	p := views.Page{Now: s.now}
	if f.person != uuid.Nil {
		// Many share what is rendered: it names nobody.
		p.Viewer = &account.User{}
	}
	in := views.Booking{Event: s.Event, Mine: s.Mine[f.person]}
	shows := in.Shows(p)
	audience := fmt.Sprint(shows, in.Mine.Standing, in.Mine.Place)

	message, err = s.messages.get(f.language, "seats "+audience, views.LiveSeats(p, in))
	if err != nil {
		return nil, false, err
	}
	seats := hash(message)
	switch {
	case shows != f.shows && in.Mine.Standing == booking.Confirmed:
		if f.mine.Standing == booking.Waitlisted {
			in.Notice = f.language.Say("A seat came free, and it is yours.")
		}
		message, err = newMessage(f.language, views.LiveBooking(p, in)) // it shows the ticket
	case shows != f.shows:
		message, err = s.messages.get(f.language, "booking "+audience, views.LiveBooking(p, in))
	case seats == f.seats:
		message = nil
	}
	f.mine, f.version, f.shows, f.seats = in.Mine, s.Event.Version, shows, seats
	return message, s.Event.Status == event.Cancelled || s.Event.Ended(s.now), err
}

// A runState is a simulation, or a comparison of some, as all pages that follow
// it see it.
type runState struct {
	part     templ.Component
	isOver   bool
	messages sharedMessages
}

// eachRun reads the states that are asked for one by one: few are watched at a
// time.
func eachRun(read func(ctx context.Context, id uuid.UUID) (*runState, error)) func(context.Context, []live.Asked) (map[uuid.UUID]*runState, error) {
	return func(ctx context.Context, asked []live.Asked) (map[uuid.UUID]*runState, error) {
		states := make(map[uuid.UUID]*runState, len(asked))
		for _, a := range asked {
			state, err := read(ctx, a.ID)
			if errors.Is(err, simulation.ErrNotFound) || errors.Is(err, simulation.ErrNoComparison) {
				continue
			}
			if err != nil {
				return nil, err
			}
			states[a.ID] = state
		}
		return states, nil
	}
}

func (s *Server) readRunState(ctx context.Context, id uuid.UUID) (*runState, error) {
	in, err := s.simulationRun(ctx, id)
	if err != nil {
		return nil, err
	}
	part := views.SimulationProgress(views.Page{Now: s.now()}, in)
	return &runState{part: part, isOver: in.Simulation.State != simulation.Running}, nil
}

// A followedRun is what one open page of a simulation shows.
type followedRun struct {
	language *locale.Locale
	shown    uint64
}

func (f *followedRun) next(s *runState) (message []byte, last bool, err error) {
	message, err = s.messages.get(f.language, "run", s.part)
	if err != nil {
		return nil, false, err
	}
	sum := hash(message)
	if sum == f.shown {
		return nil, s.isOver, nil
	}
	f.shown = sum
	return message, s.isOver, nil
}

var hashSeed = maphash.MakeSeed()

// hash stands for what a page shows, at a fraction of its size.
func hash(message []byte) uint64 { return maphash.Bytes(hashSeed, message) }
