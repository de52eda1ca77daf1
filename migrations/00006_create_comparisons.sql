-- +goose Up

-- Simulations of one event that differ only in their strategy and run one
-- after the other.
create table comparisons (
    id            uuid        constraint comparisons_pkey primary key,
    name          text        not null constraint comparisons_name_check       check (length(name) between 1 and 100),
    -- No foreign key: like a run, a comparison outlives its event.
    event_id      uuid        not null,
    event_title   text        not null,
    started_by    uuid        not null,
    strategies    text[]      not null constraint comparisons_strategies_check check (cardinality(strategies) between 2 and 4),
    users         integer     not null constraint comparisons_users_check      check (users between 1 and 100000),
    seats         integer     not null constraint comparisons_seats_check      check (seats >= 0),
    state         text        not null constraint comparisons_state_check      check (state in ('running', 'done', 'failed')),
    failure       text        not null default '',
    -- A comparison whose heartbeat stops was killed with its instance, be it
    -- in a run or between two.
    heartbeat_at  timestamptz not null default now(),
    started_at    timestamptz not null default now(),
    finished_at   timestamptz
);

alter table simulations
    add column name text not null default '' constraint simulations_name_check check (length(name) <= 100),
    add column comparison_id uuid constraint simulations_comparison_id_fkey references comparisons (id) on delete restrict;
create index simulations_comparison_id_idx on simulations (comparison_id, id) where comparison_id is not null;

-- +goose Down
alter table simulations drop column comparison_id, drop column name;
drop table comparisons;
