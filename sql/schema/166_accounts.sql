-- Accounts, and the codes that prove whose an address is. Nothing that is not proven is kept as an account.
create table if not exists core.users (
    user_id uuid primary key,
    phone text unique check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    email text unique check (email = lower(email) and email like '_%@_%'),
    password_hash text not null check (password_hash like '$argon2id$%'),
    phone_verified_at timestamptz,
    email_verified_at timestamptz,
    language text not null check (language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$'),
    created_at timestamptz not null default now(),
    password_changed_at timestamptz not null default now(),
    check (phone is not null or email is not null),
    check ((phone is null) = (phone_verified_at is null)),
    check ((email is null) = (email_verified_at is null))
);
comment on table core.users is 'Accounts of people. Those who come with a token of another issuer have none.';
comment on column core.users.user_id is 'UUIDv7; the `sub` of the person''s tokens.';
comment on column core.users.phone is 'Proven number in E.164; null without one.';
comment on column core.users.email is 'Proven e-mail address in lower case; null without one.';
comment on column core.users.password_hash is 'Argon2id with salt and parameters, as the PHC string.';
comment on column core.users.phone_verified_at is 'When a code sent there came back; null without a number.';
comment on column core.users.email_verified_at is 'When a code sent there came back; null without an e-mail address.';
comment on column core.users.language is 'Language of messages to the person, BCP 47.';
comment on column core.users.created_at is 'When the account was made.';
comment on column core.users.password_changed_at is 'When the password was last set.';
grant select, insert, update on core.users to saferoute_auth;

create table if not exists core.codes (
    purpose text not null check (purpose in ('sign_up', 'reset_password', 'verify')),
    address text not null,
    code_id uuid not null,
    channel text not null check (channel in ('sms', 'email')),
    user_id uuid,
    digest bytea not null,
    tries smallint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    primary key (purpose, address)
);
comment on table core.codes is 'Codes that were sent and can still come back: one per purpose and address, the newest.';
comment on column core.codes.purpose is 'What it is good for: sign_up, reset_password, or verify (another address of somebody who is signed in).';
comment on column core.codes.address is 'Where it went: E.164, or an e-mail address in lower case.';
comment on column core.codes.code_id is 'The salt of the digest.';
comment on column core.codes.channel is 'How it went: sms or email.';
comment on column core.codes.user_id is 'Who asked for it; null for who is not signed in.';
comment on column core.codes.digest is 'SHA-256 of code_id and code: the code itself is only in the message, until that is sent.';
comment on column core.codes.tries is 'Wrong codes so far; after five no code is right.';
comment on column core.codes.created_at is 'When it was made.';
comment on column core.codes.expires_at is 'Ten minutes later.';
create index if not exists codes_user on core.codes (user_id);
create index if not exists codes_expired on core.codes (expires_at);
grant select, insert, update, delete on core.codes to saferoute_auth;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
('core.codes', 'user_id', 31, 'erase_codes', 'Codes sent to you that had not come back.', '{digest}'),
('core.users', 'user_id', 95, null, 'Your account.', '{password_hash}')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

insert into core.endpoints (endpoint, class) values
('/auth/codes', 'codes'),
('/auth/sign-up', 'sign_up'),
('/auth/sign-in', 'sign_in'),
('/auth/refresh', 'sessions'),
('/auth/sign-out', 'sessions'),
('/auth/sessions', 'sessions'),
('/auth/reset-password', 'sign_in'),
('/auth/verify', 'sign_in')
on conflict (endpoint) do update set class = excluded.class;
