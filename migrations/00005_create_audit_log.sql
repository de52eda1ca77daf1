-- +goose Up

create table audit_log (
    id            uuid        constraint audit_log_pkey primary key,
    at            timestamptz not null,
    -- Who did it; null for the system itself. No foreign keys: the log keeps
    -- what it knew, whatever becomes of the people and things in it.
    actor_id      uuid,
    action        text        not null constraint audit_log_action_check check (length(action) between 1 and 64),
    entity_type   text        not null constraint audit_log_entity_type_check check (entity_type in ('user', 'event', 'registration', 'waitlist_entry', 'simulation')),
    entity_id     uuid        not null,
    -- The event and the person it is about, whatever kind of thing changed.
    event_id      uuid,
    user_id       uuid,
    detail        jsonb       not null default '{}',
    simulation_id uuid
);
-- People read the log newest first, and simulations' rows only when they ask.
create index audit_log_id_idx on audit_log (id) where simulation_id is null;
create index audit_log_action_idx on audit_log (action, id) where simulation_id is null;
create index audit_log_event_id_idx on audit_log (event_id, id) where event_id is not null and simulation_id is null;
create index audit_log_user_id_idx on audit_log (user_id, id) where user_id is not null and simulation_id is null;
-- Most people act for themselves and are found by user_id.
create index audit_log_actor_id_idx on audit_log (actor_id, id) where simulation_id is null and actor_id is distinct from user_id;
create index audit_log_simulation_id_idx on audit_log (simulation_id) where simulation_id is not null;

-- +goose StatementBegin
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end
$$;
-- +goose StatementEnd

-- What a simulation's made-up people did goes with the simulation. Whatever
-- real people did stays.
create trigger audit_log_keep_row before delete on audit_log
    for each row when (old.simulation_id is null) execute function refuse_audit_change();
create trigger audit_log_keep_text before update on audit_log
    for each row execute function refuse_audit_change();
create trigger audit_log_keep_all before truncate on audit_log
    for each statement execute function refuse_audit_change();

-- +goose Down
drop table audit_log;
drop function refuse_audit_change;
