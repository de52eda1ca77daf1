package simulation

import "time"

// howFar is what the heart writes of a run. Nobody but the crowd books a
// rehearsal, so whoever was promised more than its seats is overbooked; of an
// event that others book meanwhile, only the checks can tell.
const howFar = `
	update simulations
	set phase = $2, answered = $3, registered = $4, waitlisted = $5, failed = $6, results = $7,
	    seats_remaining = coalesce((select e.seats_remaining from events e where e.id = $8), 0),
	    overbooked = case when rehearsal_id is null then 0 else greatest(0, $4 - seats) end,
	    heartbeat_at = now()
	where id = $1 and state = 'running' returning ` + stopper

func (u *run) howFar() []any {
	phase := *u.phase.Load()
	tally := u.crowd.soFar()
	switch phase {
	case Booking:
		u.track.add(Moment{time.Since(u.crowd.opened), tally.Registered, tally.Waitlisted})
	case Checking:
		u.track.add(Moment{u.crowd.closed.Sub(u.crowd.opened), tally.Registered, tally.Waitlisted})
	}
	return []any{
		u.id, phase, tally.Registered + tally.Waitlisted, tally.Registered, tally.Waitlisted, tally.Failed,
		Results{SoFar: u.track.moments}, u.eventID,
	}
}

// A Moment is how many people had a seat or a place in line at a time since
// everyone was released.
type Moment struct {
	At         time.Duration `json:"at"`
	Registered int           `json:"registered"`
	Waitlisted int           `json:"waitlisted"`
}

// momentsKept bounds how many moments of a run are kept.
const momentsKept = 120

// A track is the moments of a run, evenly apart: the longer the run, the
// further.
type track struct {
	moments []Moment
	// One in stride is kept, and skipped were not since the last of them.
	stride, skipped int
}

// add keeps a moment, unless it is no later than the last or falls between
// two that are kept.
func (t *track) add(m Moment) {
	if n := len(t.moments); n > 0 && m.At <= t.moments[n-1].At {
		return
	}
	if t.skipped++; t.skipped < t.stride {
		return
	}
	t.skipped = 0
	if len(t.moments) == momentsKept {
		t.thin()
	}
	t.moments = append(t.moments, m)
}

// thin leaves out every second moment, now and from now on.
func (t *track) thin() {
	for i := range momentsKept / 2 {
		t.moments[i] = t.moments[2*i+1]
	}
	t.moments = t.moments[:momentsKept/2]
	t.stride = max(1, t.stride) * 2
}
