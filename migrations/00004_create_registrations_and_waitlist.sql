-- +goose Up

-- Both unique keys start with event_id and no other index does, but for the
-- line's order. A second index led by event_id would tempt the planner, while
-- a table is young and unanalysed, to read a whole event for every group of
-- bookings.
create table registrations (
    id            uuid        constraint registrations_pkey primary key,
    event_id      uuid        not null constraint registrations_event_id_fkey references events (id) on delete restrict,
    user_id       uuid        not null constraint registrations_user_id_fkey  references users (id)  on delete restrict,
    status        text        not null constraint registrations_status_check  check (status in ('confirmed', 'cancelled')),
    -- The number drawn on arrival, from the same roll as the line's. Seats go
    -- in order of arrival, so every confirmed number is smaller than every
    -- waiting one.
    position      integer     not null constraint registrations_position_check check (position >= 1),
    -- Whether the seat came by way of the line.
    promoted      boolean     not null default false,
    ticket_code   text        not null constraint registrations_ticket_code_check check (length(ticket_code) = 12),
    booked_at     timestamptz not null,
    cancelled_at  timestamptz,
    checked_in_at timestamptz,
    simulation_id uuid,
    constraint registrations_event_id_user_id_key unique (event_id, user_id),
    constraint registrations_ticket_code_key      unique (ticket_code),
    constraint registrations_cancelled_at_check   check ((status = 'cancelled') = (cancelled_at is not null)),
    constraint registrations_checked_in_at_check  check (checked_in_at is null or status = 'confirmed')
);
create index registrations_user_id_idx on registrations (user_id);
create index registrations_simulation_id_idx on registrations (simulation_id) where simulation_id is not null;

create table waitlist_entries (
    id            uuid        constraint waitlist_entries_pkey primary key,
    event_id      uuid        not null constraint waitlist_entries_event_id_fkey references events (id) on delete restrict,
    user_id       uuid        not null constraint waitlist_entries_user_id_fkey  references users (id)  on delete restrict,
    position      integer     not null constraint waitlist_entries_position_check check (position >= 1),
    joined_at     timestamptz not null,
    simulation_id uuid,
    -- Led by user_id, so that the line's order below is the only index led by
    -- event_id, and a look-up of people never reads a long line.
    constraint waitlist_entries_user_id_event_id_key  unique (user_id, event_id),
    constraint waitlist_entries_event_id_position_key unique (event_id, position)
);
create index waitlist_entries_simulation_id_idx on waitlist_entries (simulation_id) where simulation_id is not null;

-- +goose Down
drop table waitlist_entries;
drop table registrations;
