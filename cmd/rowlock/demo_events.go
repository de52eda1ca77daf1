package main

import (
	"time"

	"rowlock/event"
)

// demoEvents are a season of events in every state and on four continents.
var demoEvents = []demoEvent{
	{
		title: "Ten seats at the letterpress", location: "Tipografia Ribeira, Rua de Miragaia 42, Porto", zone: "Europe/Lisbon",
		description: `
			An evening with a 1912 platen press, a case of wood type and more ink than is wise. You set a line,
			lock it up, pull a print and take it home still wet.

			There are ten stools and ten aprons, so there are ten seats. They usually go within a minute: an admin
			can try what happens when a thousand people want one.`,
		days: 9, hour: 18, minute: 30, lasts: 3 * time.Hour, capacity: 10, status: event.Published,
	},
	{
		title: "Clay for beginners", location: "Oficina do Barro, Rua da Bica 17, Lisbon", zone: "Europe/Lisbon",
		description: `
			Two and a half hours at the wheel with Inês, who has taught three thousand people to centre a lump of
			clay and remembers most of them. You throw two bowls; we fire and glaze the better one, and you collect it
			three weeks later.

			Wear something that may get dirty, and cut your nails short: the clay will thank you.`,
		days: 4, hour: 10, lasts: 150 * time.Minute, capacity: 12, status: event.Published,
		before: 12, after: 0, cancels: 1,
	},
	{
		title: "Lisbon Gophers: what the race detector taught us", location: "Casa do Impacto, Travessa de São Pedro 8, Lisbon", zone: "Europe/Lisbon",
		description: `
			Two talks and a long break. Beatriz shows four data races that survived code review, and how each was
			found. After the break, Emre takes a slow service apart with nothing but pprof and patience.

			Doors open half an hour earlier. There is soup, also without meat. The talks are in English;
			questions may come in any language that somebody in the room can translate.`,
		days: 2, hour: 19, lasts: 150 * time.Minute, capacity: 60, status: event.Published,
		before: 21, ana: true, after: 18, cancels: 2,
	},
	{
		title: "First strokes: rowing taster", location: "Ruderclub am Wannsee, Am Großen Wannsee 30, Berlin", zone: "Europe/Berlin",
		description: `
			One coached boat, eight seats, no experience needed. We start on the machine, carry the boat down
			together and are on the water within the hour. By the end you will know what a rowlock is for.

			You must be able to swim 300 metres. Bring a change of clothes; everything else is here.`,
		days: 6, hour: 9, minute: 30, lasts: 3 * time.Hour, capacity: 8, status: event.Published,
		before: 10, ana: true, after: 9,
	},
	{
		title: "Repair café: bring it broken, take it home working", location: "Nachbarschaftshaus, Urbanstraße 21, Berlin", zone: "Europe/Berlin",
		description: `
			Lamps, toasters, zips, chair legs, headphones: sit down with one of our nine menders and mend it
			yourself, with a hand where you need one. We have the tools, the solder and the cake.

			One seat is one object. Please no microwaves.`,
		days: 11, hour: 14, lasts: 4 * time.Hour, capacity: 25, status: event.Published,
		before: 13, cancels: 1,
	},
	{
		title: "Two days, one prototype", location: "Betahaus, Rudi-Dutschke-Straße 23, Berlin", zone: "Europe/Berlin",
		description: `
			Form a team on the first morning, show something that works on the second afternoon. This time
			the theme is things that neighbours share: tools, cars, gardens, time.

			Come alone or in a pair; teams are made there. Sleep at home. The best prototype gets a month of desks.`,
		days: 24, hour: 10, lasts: 31 * time.Hour, capacity: 80, status: event.Published,
		before: 34,
	},
	{
		title: "Open lecture: how bridges fail", location: "Havemeyer Hall 309, 3000 Broadway, New York", zone: "America/New_York", ofPriya: true,
		description: `
			Every bridge that fell taught us a rule that keeps the others standing. Professor Adaeze Obi walks
			through five of them, from the Tay to Morandi, with the drawings, the warnings that were written down
			and the reasons why nobody read them.

			Open to everyone. Please be seated by ten to six: the doors of the hall are old, and loud.`,
		days: 5, hour: 18, lasts: 90 * time.Minute, capacity: 120, status: event.Published,
		before: 57, cancels: 3,
	},
	{
		title: "Five-minute chess in the park", location: "Chess tables, Washington Square Park, New York", zone: "America/New_York", ofPriya: true,
		description: `
			Five rounds of five minutes a side, everybody plays everybody's level. Children who can lose with grace are
			welcome, adults too.

			The pairings are made by hand two days before, so booking closes then. In rain we move under
			the arch.`,
		days: 1, hour: 13, lasts: 4 * time.Hour, capacity: 16, closesIn: -1, status: event.Published,
		before: 14,
	},
	{
		title: "Tea and the first brush stroke", location: "Kissa Sora, 3-14-2 Yanaka, Tokyo", zone: "Asia/Tokyo", ofPriya: true,
		description: `
			Four seats on tatami. Ms. Hayashi prepares the tea, then the ink; in the hour that follows, each of us
			writes one character, a hundred times.

			Socks are required, talent is not. The seats of those who cannot come go to the line, in its order.`,
		days: 8, hour: 10, minute: 30, lasts: 2 * time.Hour, capacity: 4, status: event.Published,
		before: 31, cancels: 1,
	},
	{
		title: "Come and sing: Duruflé in an afternoon", location: "St Stephen's, 189 Church Street, Newtown, Sydney", zone: "Australia/Sydney", ofPriya: true,
		description: `
			We learn the Requiem between lunch and tea, and sing it through once, for ourselves and whoever
			wanders in. Scores are lent. You need not read music well, but it helps if your neighbour does.

			Tell us your voice at the door; we have never had enough tenors.`,
		days: 13, hour: 13, lasts: 5 * time.Hour, capacity: 45, status: event.Published,
		before: 9, ana: true, after: 17, anaCancels: true,
	},
	{
		title: "Night walk with owls", location: "Portão dos Capuchos, Serra de Sintra", zone: "Europe/Lisbon",
		description: `
			Six slow kilometres through the forest after dark, with a biologist and without torches. Tawny owls
			answer most nights; once it was a genet.

			Booking opens a week before, when the moon and the weather are known.`,
		days: 18, hour: 21, lasts: 3 * time.Hour, capacity: 20, opensIn: 11, status: event.Published,
	},
	{
		title: "Seeds, bulbs and cuttings: a swap", location: "Jardim da Estrela, bandstand, Lisbon", zone: "Europe/Lisbon",
		description: `
			Bring what your garden has too much of, take what it lacks. Labels and paper bags are on the table.

			Draft: ask the parish about the tables before this goes out.`,
		days: 32, hour: 11, lasts: 3 * time.Hour, capacity: 40, status: event.Draft,
	},
	{
		title: "Harbour swim at sunrise", location: "Murray Rose Pool, Double Bay, Sydney", zone: "Australia/Sydney", ofPriya: true,
		description: `
			Eight hundred metres along the net and back, with two kayaks beside us and coffee after.

			Cancelled: the council has closed the pool for repairs.`,
		days: 7, hour: 6, lasts: 90 * time.Minute, capacity: 18, status: event.Cancelled,
		before: 8, ana: true, after: 4,
	},
	{
		title: "Story night: a thing I carried", location: "Livraria da Travessa, Rua da Escola Politécnica 46, Lisbon", zone: "Europe/Lisbon",
		description: `
			Eight people, seven minutes each, one true story and the object that belongs to it. The rest of us
			listen.`,
		days: -12, hour: 20, minute: 30, lasts: 2 * time.Hour, capacity: 30, status: event.Published,
		before: 15, ana: true, after: 14, cancels: 2,
	},
	{
		title: "Bike check before the rain", location: "Tempelhofer Feld, entrance Oderstraße, Berlin", zone: "Europe/Berlin",
		description: `
			Brakes, lights, chain, air: a mechanic looks at your bike for fifteen minutes and shows you what to
			look at next time.`,
		days: -26, hour: 11, lasts: 5 * time.Hour, capacity: 20, status: event.Published,
		before: 26, cancels: 2,
	},
}
