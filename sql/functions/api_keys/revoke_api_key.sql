create or replace function ops.revoke_api_key(p_api_key_id uuid) returns timestamptz
language plpgsql volatile strict parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
declare
    v_revoked_at timestamptz;
begin
    update core.api_keys as k set revoked_at = coalesce(k.revoked_at, now())
    where k.api_key_id = p_api_key_id
    returning k.revoked_at into v_revoked_at;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('there is no API key %s', p_api_key_id);
    end if;
    return v_revoked_at;
end
$$;

comment on function ops.revoke_api_key(uuid) is
'End an API key: every API process refuses it at once, one that could not be told within 30 s. Since when it is revoked; a key that is revoked keeps its time.';
revoke all on function ops.revoke_api_key(uuid) from public;
grant execute on function ops.revoke_api_key(uuid) to operator;
