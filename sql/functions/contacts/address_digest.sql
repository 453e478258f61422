create or replace function core.address_digest(p_user_id uuid, p_channel text, p_address text) returns bytea
language sql immutable strict parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
select sha256(convert_to(format('%s %s %s', p_user_id, p_channel, p_address), 'UTF8'))
$$;

comment on function core.address_digest(uuid, text, text) is
'What core.contact_consents knows an address by: other for every walker, so that two ledgers cannot be joined.';
revoke all on function core.address_digest(uuid, text, text) from public;
grant execute on function core.address_digest(uuid, text, text) to saferoute_api, saferoute_tasks;
