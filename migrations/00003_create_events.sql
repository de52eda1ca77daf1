-- +goose Up

create table events (
    id          uuid        constraint events_pkey primary key,
    title       text        not null constraint events_title_check       check (length(title) between 1 and 150),
    description text        not null constraint events_description_check check (length(description) <= 10000),
    location    text        not null constraint events_location_check    check (length(location) <= 200),
    starts_at   timestamptz not null,
    ends_at     timestamptz not null,
    -- An IANA name: the zone in which the organizer typed the times and in
    -- which everyone reads them.
    time_zone   text        not null constraint events_time_zone_check check (length(time_zone) between 1 and 64),
    -- Null: booking opens when the event is published, closes when it starts.
    registration_opens_at  timestamptz,
    registration_closes_at timestamptz,
    status      text        not null default 'draft' constraint events_status_check check (status in ('draft', 'published', 'cancelled')),
    organizer_id uuid       not null constraint events_organizer_id_fkey references users (id) on delete restrict,

    -- The five numbers that only a holder of this row's lock changes.
    capacity        integer not null,
    seats_remaining integer not null,
    -- How many stand in line: the line's length without counting it.
    waiting         integer not null default 0,
    -- The number that the next person to book or queue receives.
    next_position   integer not null default 1,
    -- Counts the changes of seats; the optimistic strategy compares it.
    version         bigint  not null default 0,

    -- Counts the organizers' edits; a form that was opened before somebody
    -- else's edit is refused by it.
    revision    integer     not null default 1,
    -- Set on a simulation's private copy, which appears nowhere.
    simulation_id uuid      constraint events_simulation_id_fkey references simulations (id) on delete restrict,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),

    constraint events_capacity_check        check (capacity between 0 and 100000),
    constraint events_seats_remaining_check check (seats_remaining between 0 and capacity),
    constraint events_waiting_check         check (waiting >= 0),
    constraint events_next_position_check   check (next_position >= 1),
    -- A free seat means an empty line.
    constraint events_free_seat_check       check (seats_remaining = 0 or waiting = 0),
    constraint events_times_check           check (ends_at > starts_at),
    constraint events_registration_check    check (registration_closes_at > registration_opens_at)
);
create index events_upcoming_idx on events (starts_at, id) where status <> 'draft' and simulation_id is null;
create index events_organizer_id_idx on events (organizer_id, starts_at);
create index events_simulation_id_idx on events (simulation_id) where simulation_id is not null;
-- Booking rewrites an event's row once per group. Room on the page keeps
-- those updates off the indexes (heap-only tuples).
alter table events set (fillfactor = 50);

-- +goose Down
drop table events;
