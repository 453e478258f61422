-- Answers to writes that carried an Idempotency-Key, so that sending one again does not do it again. Kept for a day.
create table if not exists core.idempotency_keys (
    caller_id uuid not null,
    idempotency_key text not null,
    endpoint text not null,
    digest bytea not null,
    body text,
    status text,
    headers text,
    created_at timestamptz not null default now(),
    primary key (caller_id, idempotency_key)
);
comment on table core.idempotency_keys is 'Writes of the last 24 hours that carried an Idempotency-Key, with their answers.';
comment on column core.idempotency_keys.caller_id is 'The person, or the API key, that called.';
comment on column core.idempotency_keys.idempotency_key is 'As the caller made it.';
comment on column core.idempotency_keys.endpoint is 'The function of schema api that was called.';
comment on column core.idempotency_keys.digest is 'SHA-256 of its arguments, byte for byte as they came: the same key with others is refused.';
comment on column core.idempotency_keys.body is 'The answer.';
comment on column core.idempotency_keys.status is 'Its HTTP status, where the function set one.';
comment on column core.idempotency_keys.headers is 'Its headers, where the function set any.';
comment on column core.idempotency_keys.created_at is 'When it was called.';
create index if not exists idempotency_keys_created on core.idempotency_keys (created_at);
grant select, insert, update on core.idempotency_keys to authenticator;

insert into core.user_data (relation, user_column, erase_order, erase_with, description) values
(
    'core.idempotency_keys', 'caller_id', 50, null,
    'What your app was answered in the last 24 hours, where it had asked for the same answer to a retry.'
)
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description;
