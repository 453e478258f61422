create or replace function core.random_token() returns text
language sql volatile parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
select translate(
    encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'),
    '+/=', '-_'
)
$$;

comment on function core.random_token() is
'A secret of 256 bits nobody can guess, as 43 characters that need no escape in an address: three UUIDs have 366 bits of the server''s strong random source.';
revoke all on function core.random_token() from public;
grant execute on function core.random_token() to saferoute_api, saferoute_tasks;
