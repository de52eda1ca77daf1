-- +goose Up

-- Secrets that every instance must share and that nobody should have to
-- invent, such as the key that signs session cookies.
create table settings (
    name  text  constraint settings_pkey primary key,
    value bytea not null
);

create table simulations (
    id            uuid        constraint simulations_pkey primary key,
    -- The event that was simulated. No foreign key: a run outlives its event
    -- as a record, and a rehearsal's private copy goes when the run is undone.
    event_id      uuid        not null,
    event_title   text        not null,
    -- The private copy that was booked; null when the event itself was.
    rehearsal_id  uuid,
    started_by    uuid        not null,
    target        text        not null constraint simulations_target_check   check (target in ('rehearsal', 'event')),
    strategy      text        not null constraint simulations_strategy_check check (strategy in ('grouped', 'pessimistic', 'optimistic', 'conditional')),
    state         text        not null constraint simulations_state_check    check (state in ('running', 'done', 'failed')),
    failure       text        not null default '',
    users         integer     not null constraint simulations_users_check    check (users between 1 and 100000),
    seats         integer     not null constraint simulations_seats_check    check (seats >= 0),
    -- How far a running simulation is; a run whose heartbeat stops was killed
    -- with its instance.
    phase         text        not null default 'preparing',
    answered      integer     not null default 0,
    heartbeat_at  timestamptz not null default now(),
    registered    integer     not null default 0,
    waitlisted    integer     not null default 0,
    failed        integer     not null default 0,
    seats_remaining integer   not null default 0,
    overbooked    integer     not null default 0,
    -- Measurements and verdicts, shaped by package simulation.
    results       jsonb       not null default '{}',
    started_at    timestamptz not null default now(),
    finished_at   timestamptz,
    undone_at     timestamptz
);
create index simulations_event_id_idx on simulations (event_id, id);

create table users (
    id            uuid        constraint users_pkey primary key,
    name          text        not null constraint users_name_check  check (length(name) between 1 and 100),
    email         text        not null constraint users_email_check check (length(email) between 3 and 254 and email like '_%@_%'),
    -- Null for made-up people, who can never sign in.
    password_hash text,
    role          text        not null constraint users_role_check  check (role in ('attendee', 'organizer', 'admin')),
    is_active     boolean     not null default true,
    -- Set on the made-up people of a simulation, who appear in no list.
    simulation_id uuid        constraint users_simulation_id_fkey references simulations (id) on delete restrict,
    created_at    timestamptz not null default now(),
    constraint users_sign_in_check check (password_hash is not null or simulation_id is not null)
);
create unique index users_email_key on users (lower(email));
create index users_simulation_id_idx on users (simulation_id) where simulation_id is not null;

-- +goose Down
drop table users;
drop table simulations;
drop table settings;
