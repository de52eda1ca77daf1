-- +goose Up

-- An index over random codes costs every booking a page somewhere in it, the
-- more the larger it is, and finds what chance does not make: among the
-- 100,000 codes of the largest event, two are the same once in 200 million
-- events.
alter table registrations drop constraint registrations_ticket_code_key;

-- +goose Down
alter table registrations add constraint registrations_ticket_code_key unique (ticket_code);
