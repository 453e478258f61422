create or replace function core.note_api_key_used(p_api_key_id uuid) returns void
language sql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
update core.api_keys as k set last_used_at = now()
where k.api_key_id = p_api_key_id and coalesce(k.last_used_at < now() - interval '1 hour', true)
$$;

comment on function core.note_api_key_used(uuid) is
'Remember that an API key is in use: to the hour, so that using it costs no writes.';
revoke all on function core.note_api_key_used(uuid) from public;
grant execute on function core.note_api_key_used(uuid) to authenticator;
