create or replace function core.check_time(p_at timestamptz) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not coalesce(p_at >= '2000-01-01 00:00+00' and p_at < '2100-01-01 00:00+00', false) then
        perform core.fail('SR015', p_at::text);
    end if;
end
$$;

comment on function core.check_time(timestamptz) is 'SR015 unless the time lies in the years 2000 to 2099 (UTC).';
revoke all on function core.check_time(timestamptz) from public;
grant execute on function core.check_time(timestamptz) to saferoute_api, saferoute_tasks;
