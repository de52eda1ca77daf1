package simulation

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"rowlock/db"
)

// peoplePerInsert bounds one statement, so that none comes near the pool's
// time limit and a run that is stopped stops soon.
const peoplePerInsert = 5_000

// makePeople adds the people of the run. They have no password, so nobody can
// sign in as one, and an address in a domain that never exists. It waits for a
// database that is out of reach, unless the run is stopped.
func (u *run) makePeople() ([]uuid.UUID, error) {
	people := make([]uuid.UUID, 0, u.size)
	for len(people) < u.size {
		first := len(people)
		for range min(peoplePerInsert, u.size-first) {
			id, err := uuid.NewV7()
			if err != nil {
				return nil, fmt.Errorf("make an id: %w", err)
			}
			people = append(people, id)
		}
		err := outlast(u.preparing, u.log, outageLimit, func(ctx context.Context) error {
			return insertPeople(ctx, u.pool, u.id, people[first:], first)
		})
		if err != nil {
			return nil, err
		}
	}
	return people, nil
}

// insertPeople adds those who are not there yet: an earlier try may have been
// committed although its answer was lost.
func insertPeople(ctx context.Context, conn db.Conn, simulationID uuid.UUID, ids []uuid.UUID, first int) error {
	names, emails := make([]string, len(ids)), make([]string, len(ids))
	// The end of an id is random; its beginning is a time, which two runs may
	// share.
	text := simulationID.String()
	short := text[len(text)-12:]
	for i := range ids {
		names[i] = madeUpName(first + i)
		emails[i] = fmt.Sprintf("sim-%s-%d@simulation.invalid", short, first+i+1)
	}
	_, err := conn.Exec(ctx, `
		insert into users (id, name, email, role, simulation_id)
		select id, name, email, 'attendee', $4 from unnest($1::uuid[], $2::text[], $3::text[]) as p (id, name, email)
		on conflict (id) do nothing`,
		ids, names, emails, simulationID)
	if err != nil {
		return fmt.Errorf("insert %d people: %w", len(ids), err)
	}
	return nil
}

// PeopleLeft counts the made-up people of runs who are still in the database.
func PeopleLeft(ctx context.Context, conn db.Conn, ids ...uuid.UUID) (int, error) {
	var n int
	if err := conn.QueryRow(ctx, `select count(*) from users where simulation_id = any($1)`, ids).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the people of %d simulations: %w", len(ids), err)
	}
	return n, nil
}

// madeUpName gives each of the first 2,304 people a name of their own, and no
// two neighbours the same first or last name.
func madeUpName(i int) string {
	return firstNames[i%len(firstNames)] + " " + lastNames[(i+i/len(firstNames))%len(lastNames)]
}

var firstNames = [...]string{
	"Ada", "Amara", "Anders", "Aisha", "Bela", "Benedikt", "Carmen", "Chidi", "Clara", "Dario", "Daniela", "Emeka",
	"Elif", "Farid", "Freya", "Giulia", "Goran", "Hanna", "Hiroshi", "Ines", "Ivan", "Jonas", "Julia", "Kofi",
	"Katarina", "Leila", "Lukas", "Mei", "Mateo", "Nadia", "Niko", "Olga", "Omar", "Paula", "Priya", "Quentin",
	"Rosa", "Ravi", "Sofia", "Sven", "Tamara", "Tomás", "Uma", "Viktor", "Wanda", "Yusuf", "Zeynep", "Zoe",
}

var lastNames = [...]string{
	"Abebe", "Almeida", "Andersson", "Bauer", "Bianchi", "Castillo", "Chen", "Dubois", "Demir", "Eze", "Fischer", "Fernández",
	"García", "Gupta", "Haddad", "Hansen", "Ivanova", "Jansen", "Johnson", "Kaya", "Kim", "Kowalski", "Larsen", "Lopez",
	"Mensah", "Moreau", "Müller", "Nakamura", "Nowak", "Okafor", "Olsen", "Petrov", "Popescu", "Quist", "Rahman", "Rossi",
	"Santos", "Schmidt", "Silva", "Tanaka", "Toth", "Usman", "Varga", "Virtanen", "Weber", "Yilmaz", "Zhang", "Zimmermann",
}
