-- +goose Up

-- Most lines of the log are bookings, and each cost an entry in an index over
-- actions that hardly anybody looks for. With what simulations did kept apart,
-- the primary key itself lists what real people did, newest first, and finds a
-- common action among the newest lines. Only the rare ones need their index.
-- That ids are unique by themselves is left to chance, as with every other id.
alter table audit_log
    add column simulated boolean not null generated always as (simulation_id is not null) stored,
    drop constraint audit_log_pkey,
    add constraint audit_log_pkey primary key (simulated, id);
drop index audit_log_action_idx;
create index audit_log_action_idx on audit_log (action, id)
    where simulation_id is null and action not in ('registration.confirmed', 'waitlist_entry.joined');

-- +goose Down
drop index audit_log_action_idx;
alter table audit_log drop column simulated, add constraint audit_log_pkey primary key (id);
create index audit_log_action_idx on audit_log (action, id) where simulation_id is null;
