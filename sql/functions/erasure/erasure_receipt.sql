create or replace function core.erasure_receipt(p_erasure_id uuid) returns jsonb
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select to_jsonb(e) from core.erasures as e where e.erasure_id = p_erasure_id
$$;

comment on function core.erasure_receipt(uuid) is 'A receipt as it is handed out: the row of core.erasures, times in UTC.';
revoke all on function core.erasure_receipt(uuid) from public;
