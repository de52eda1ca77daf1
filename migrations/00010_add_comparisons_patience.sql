-- +goose Up

-- How long people waited for an answer before they gave up, so that the same
-- comparison can be made again. Null for those of old, which did not keep it.
alter table comparisons
    add column patience interval constraint comparisons_patience_check check (patience between interval '1 second' and interval '10 minutes');

-- +goose Down
alter table comparisons drop column patience;
