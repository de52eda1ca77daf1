-- +goose Up

-- Who asked a running simulation to end. The instance that carries it out sees
-- it here, whichever instance was asked.
alter table simulations add column stopped_by uuid;
alter table comparisons add column stopped_by uuid;

-- +goose Down
alter table comparisons drop column stopped_by;
alter table simulations drop column stopped_by;
