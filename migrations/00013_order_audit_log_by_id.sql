-- +goose Up

-- Most lines of the log are bookings, and each cost an entry in an index over
-- actions that hardly anybody looks for. With what simulations did kept apart,
-- the primary key itself lists what real people did, newest first, and finds a
-- common action among the newest lines. Only the rare ones need their index.
drop index audit_log_action_idx, audit_log_event_id_idx, audit_log_user_id_idx, audit_log_actor_id_idx;
alter table audit_log
    add column simulated boolean not null generated always as (simulation_id is not null) stored,
    drop constraint audit_log_pkey,
    add constraint audit_log_pkey primary key (simulated, id);
create index audit_log_action_idx on audit_log (action, id) where not simulated and action not in ('registration.confirmed', 'waitlist_entry.joined');
create index audit_log_event_id_idx on audit_log (event_id, id) where not simulated and event_id is not null;
create index audit_log_user_id_idx on audit_log (user_id) where not simulated and user_id is not null;
create index audit_log_actor_id_idx on audit_log (actor_id, id) where not simulated and actor_id is distinct from user_id;

-- +goose Down
drop index audit_log_action_idx, audit_log_event_id_idx, audit_log_user_id_idx, audit_log_actor_id_idx;
alter table audit_log drop column simulated, add constraint audit_log_pkey primary key (id);
create index audit_log_action_idx on audit_log (action, id) where simulation_id is null;
create index audit_log_event_id_idx on audit_log (event_id, id) where event_id is not null and simulation_id is null;
create index audit_log_user_id_idx on audit_log (user_id) where user_id is not null and simulation_id is null;
create index audit_log_actor_id_idx on audit_log (actor_id, id) where simulation_id is null and actor_id is distinct from user_id;
