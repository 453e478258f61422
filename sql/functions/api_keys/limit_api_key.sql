create or replace function ops.limit_api_key(p_api_key_id uuid, p_class text, p_amount integer, p_window_s integer)
returns void
language plpgsql volatile strict parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
begin
    if not exists (select from core.api_keys as k where k.api_key_id = p_api_key_id) then
        raise exception using errcode = 'no_data_found', message = format('there is no API key %s', p_api_key_id);
    end if;
    insert into core.rate_limits (class, subject, api_key_id, amount, window_s)
    values (p_class, 'api_key', p_api_key_id, p_amount, p_window_s)
    on conflict (class, subject, api_key_id) do update set amount = excluded.amount, window_s = excluded.window_s;
exception when check_violation or foreign_key_violation then
    raise exception using
        errcode = 'invalid_parameter_value',
        message = format('%s=%s/%s is no limit', p_class, p_amount, p_window_s),
        hint = 'A class of core.endpoint_classes other than sos, 1 to 1,000,000 calls, 1 to 86,400 seconds.';
end
$$;

comment on function ops.limit_api_key(uuid, text, integer, integer) is
'Let an API key make p_amount calls of class p_class in p_window_s seconds, instead of what core.rate_limits says of all keys.';
revoke all on function ops.limit_api_key(uuid, text, integer, integer) from public;
grant execute on function ops.limit_api_key(uuid, text, integer, integer) to operator;
