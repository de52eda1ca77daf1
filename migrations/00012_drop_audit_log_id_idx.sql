-- +goose Up

-- Each line of the log cost an entry in five indexes, two of them almost alike.
-- The newest lines of all are those among the newest of every action, which
-- audit_log_action_idx finds without this one.
drop index audit_log_id_idx;

-- +goose Down
create index audit_log_id_idx on audit_log (id) where simulation_id is null;
