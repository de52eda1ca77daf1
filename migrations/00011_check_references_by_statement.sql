-- +goose Up

-- Registrations and waitlist entries refer to events and users that exist. A
-- foreign key asks that for each row and key by a query of its own: most of
-- what a booking cost the database. These triggers ask once for all rows that a
-- statement inserts, and keep the promise in the same way: what is referred to
-- is locked, so that nobody deletes it until the row can be seen.
alter table registrations
    drop constraint registrations_event_id_fkey,
    drop constraint registrations_user_id_fkey;
alter table waitlist_entries
    drop constraint waitlist_entries_event_id_fkey,
    drop constraint waitlist_entries_user_id_fkey;

-- The functions see what a foreign key sees. They work as the owner of the
-- tables, from whom no policy hides a row, and find the tables in their schema,
-- whatever a session's path is (a restore of data alone has an empty one) and
-- whatever temporary tables it has by the same names.
select set_config('search_path', relnamespace::regnamespace || ', pg_temp', true)
from pg_class where oid = 'registrations'::regclass;

-- Everything is looked up by key: a plan that was made while a table was empty
-- must still be right when it is large.
-- +goose StatementBegin
create function require_event_and_user() returns trigger language plpgsql security definer
    set search_path from current set enable_seqscan = off as $$
declare
    missing uuid;
begin
    select a.event_id into missing
    from (select distinct event_id from added) a
    where not exists (select from events e where e.id = a.event_id for key share of e) limit 1;
    if found then
        raise foreign_key_violation using
            table = tg_table_name, constraint = tg_table_name || '_event_id_fkey',
            message = format('%s refers to event %s, which does not exist', tg_table_name, missing);
    end if;

    select a.user_id into missing
    from added a
    where not exists (select from users u where u.id = a.user_id for key share of u) limit 1;
    if found then
        raise foreign_key_violation using
            table = tg_table_name, constraint = tg_table_name || '_user_id_fkey',
            message = format('%s refers to user %s, who does not exist', tg_table_name, missing);
    end if;
    return null;
end
$$;
-- +goose StatementEnd

create trigger registrations_require_event_and_user after insert on registrations
    referencing new table as added for each statement execute function require_event_and_user();
create trigger waitlist_entries_require_event_and_user after insert on waitlist_entries
    referencing new table as added for each statement execute function require_event_and_user();

-- A deletion or a truncation has waited for everybody who inserted a row. The
-- checks after it see their rows, unless they look at an older moment.
-- +goose StatementBegin
create function refuse_to_remove_unseen() returns trigger language plpgsql as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise feature_not_supported using
            table = tg_table_name, message = format('%s are removed under read committed only', tg_table_name);
    end if;
    return null;
end
$$;
-- +goose StatementEnd

create trigger events_refuse_to_remove_unseen before delete or truncate on events
    for each statement execute function refuse_to_remove_unseen();
create trigger users_refuse_to_remove_unseen before delete or truncate on users
    for each statement execute function refuse_to_remove_unseen();

-- +goose StatementBegin
create function refuse_to_delete_referred() returns trigger language plpgsql security definer
    set search_path from current set enable_seqscan = off as $$
declare
    referred uuid;
begin
    if tg_table_name = 'events' then
        select g.id into referred from gone g
        where (select r.id from registrations r where r.event_id = g.id limit 1) is not null
           or (select w.id from waitlist_entries w where w.event_id = g.id limit 1) is not null limit 1;
    else
        select g.id into referred from gone g
        where (select r.id from registrations r where r.user_id = g.id limit 1) is not null
           or (select w.id from waitlist_entries w where w.user_id = g.id limit 1) is not null limit 1;
    end if;
    if found then
        raise foreign_key_violation using
            table = tg_table_name,
            message = format('a registration or waitlist entry refers to %s of %s', referred, tg_table_name);
    end if;
    return null;
end
$$;
-- +goose StatementEnd

create trigger events_refuse_to_delete_referred after delete on events
    referencing old table as gone for each statement execute function refuse_to_delete_referred();
create trigger users_refuse_to_delete_referred after delete on users
    referencing old table as gone for each statement execute function refuse_to_delete_referred();

-- +goose StatementBegin
create function refuse_to_empty_referred() returns trigger language plpgsql security definer
    set search_path from current as $$
begin
    if exists (select from registrations) or exists (select from waitlist_entries) then
        raise foreign_key_violation using
            table = tg_table_name, message = format('registrations or waitlist entries refer to %s', tg_table_name);
    end if;
    return null;
end
$$;
-- +goose StatementEnd

create trigger events_refuse_to_empty_referred after truncate on events
    for each statement execute function refuse_to_empty_referred();
create trigger users_refuse_to_empty_referred after truncate on users
    for each statement execute function refuse_to_empty_referred();

-- +goose StatementBegin
create function refuse_key_change() returns trigger language plpgsql as $$
begin
    raise feature_not_supported using
        table = tg_table_name, message = format('what %s are and refer to is written once', tg_table_name);
end
$$;
-- +goose StatementEnd

-- Afterwards, and whatever columns the statement names, as a trigger before it
-- may change any.
create trigger events_keep_key after update on events
    for each row when (old.id <> new.id) execute function refuse_key_change();
create trigger users_keep_key after update on users
    for each row when (old.id <> new.id) execute function refuse_key_change();
create trigger registrations_keep_keys after update on registrations
    for each row when ((old.event_id, old.user_id) <> (new.event_id, new.user_id)) execute function refuse_key_change();
create trigger waitlist_entries_keep_keys after update on waitlist_entries
    for each row when ((old.event_id, old.user_id) <> (new.event_id, new.user_id)) execute function refuse_key_change();

-- +goose Down
drop trigger registrations_require_event_and_user on registrations;
drop trigger waitlist_entries_require_event_and_user on waitlist_entries;
drop trigger events_refuse_to_remove_unseen on events;
drop trigger users_refuse_to_remove_unseen on users;
drop trigger events_refuse_to_delete_referred on events;
drop trigger users_refuse_to_delete_referred on users;
drop trigger events_refuse_to_empty_referred on events;
drop trigger users_refuse_to_empty_referred on users;
drop trigger events_keep_key on events;
drop trigger users_keep_key on users;
drop trigger registrations_keep_keys on registrations;
drop trigger waitlist_entries_keep_keys on waitlist_entries;
drop function require_event_and_user, refuse_to_remove_unseen, refuse_to_delete_referred, refuse_to_empty_referred, refuse_key_change;
alter table registrations
    add constraint registrations_event_id_fkey foreign key (event_id) references events (id) on delete restrict,
    add constraint registrations_user_id_fkey  foreign key (user_id)  references users (id)  on delete restrict;
alter table waitlist_entries
    add constraint waitlist_entries_event_id_fkey foreign key (event_id) references events (id) on delete restrict,
    add constraint waitlist_entries_user_id_fkey  foreign key (user_id)  references users (id)  on delete restrict;
