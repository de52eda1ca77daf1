package booking

import "github.com/google/uuid"

// LimitQueue makes n the most requests that may wait for one event.
func (d *Desk) LimitQueue(n int) { d.queueLimit = n }

// Kept is how many tickets an event's queue keeps, also of callers who left.
func (d *Desk) Kept(eventID uuid.UUID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queues[eventID].waiting)
}

// FindReceiptSQL looks for a line of the log.
const FindReceiptSQL = findReceipt

// The statements that check.
var (
	CheckAllSQL   = checkIn(allEvents)
	CheckEventSQL = checkIn(oneEvent)
)
