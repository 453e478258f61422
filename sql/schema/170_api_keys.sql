-- Keys of integrators: programs that ask for routes and risk, never for anything of a person.
create table if not exists core.api_keys (
    api_key_id uuid primary key default gen_random_uuid(),
    name text not null check (length(name) between 1 and 100),
    contact text not null check (length(contact) between 1 and 200),
    digest bytea not null unique check (length(digest) = 32),
    scopes text[] not null check (cardinality(scopes) > 0),
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
comment on table core.api_keys is 'API keys. A key is shown once, when it is made; here stands its digest.';
comment on column core.api_keys.api_key_id is 'Public: it stands in the key itself, in claims and in limits.';
comment on column core.api_keys.name is 'Whose program it is.';
comment on column core.api_keys.contact is 'Whom to write to when something is wrong with what it does.';
comment on column core.api_keys.digest is 'SHA-256 of the whole key. The secret in it has 256 random bits, so that no slow or salted hash is needed.';
comment on column core.api_keys.scopes is 'Classes of endpoints (core.endpoint_classes) it may call.';
comment on column core.api_keys.expires_at is 'From then on it is refused; null: never.';
comment on column core.api_keys.revoked_at is 'From then on it is refused; null: never.';
comment on column core.api_keys.last_used_at is 'Within an hour; null: never used.';
-- By column: who they belong to is none of the API's business.
grant select (api_key_id, digest, scopes, expires_at, revoked_at, last_used_at) on core.api_keys to authenticator;
grant update (last_used_at) on core.api_keys to authenticator;
