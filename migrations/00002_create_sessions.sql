-- +goose Up

create table sessions (
    id           uuid        constraint sessions_pkey primary key,
    user_id      uuid        not null constraint sessions_user_id_fkey references users (id) on delete cascade,
    -- SHA-256 of a secret that only the person's cookie holds: whoever reads
    -- this table cannot sign in with it.
    secret_hash  bytea       not null constraint sessions_secret_hash_check check (length(secret_hash) = 32),
    agent        text        not null default '',
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at   timestamptz not null
);
create index sessions_user_id_idx on sessions (user_id);
create index sessions_expires_at_idx on sessions (expires_at);

-- Failed sign-ins, counted per client address and per account by every
-- instance alike. Rows older than the longest window are swept.
create table failed_sign_ins (
    id      bigint      generated always as identity constraint failed_sign_ins_pkey primary key,
    address inet        not null,
    -- As typed, lower case: it need not be anybody's.
    email   text        not null,
    at      timestamptz not null default now()
);
create index failed_sign_ins_address_at_idx on failed_sign_ins (address, at);
create index failed_sign_ins_email_at_idx on failed_sign_ins (email, at);

-- +goose Down
drop table failed_sign_ins;
drop table sessions;
