create or replace function core.alert_code_digest(p_salt bytea, p_code text) returns bytea
language plpgsql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
    v_digest bytea := sha256(p_salt || convert_to(coalesce(p_code, ''), 'UTF8'));
begin
    -- A code has few digits: trying each of them is to cost 10 ms.
    for n in 1..10000 loop
        v_digest := sha256(v_digest || p_salt);
    end loop;
    return v_digest;
end
$$;

comment on function core.alert_code_digest(bytea, text) is
'What is kept of a code that cancels an alert: SHA-256 of it and a salt, ten thousand times over.';
revoke all on function core.alert_code_digest(bytea, text) from public;
grant execute on function core.alert_code_digest(bytea, text) to saferoute_api;
