create or replace function core.check_watch_settings(
    p_old core.watches, p_watch core.watches, p_now timestamptz
) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_problem text;
begin
    v_problem := case
        when not coalesce(p_watch.check_in_every between '10 seconds' and '12 hours', true)
            then 'check_in_every is 10 seconds to 12 hours'
        when not coalesce(p_watch.silence_after between '10 seconds' and '12 hours', true)
            then 'silence_after is 10 seconds to 12 hours'
        when not coalesce(p_watch.grace between '5 seconds' and '1 hour', false) then 'grace is 5 seconds to 1 hour'
        when not coalesce(p_watch.battery_floor between 0 and 100, true) then 'battery_floor is 0 to 100'
        when p_watch.route is not null and not coalesce(p_watch.deviation_m between 20 and 2000, false)
            then 'deviation_m is 20 to 2000'
        when (p_old.last_seq = 0 or p_watch.starts_at <> p_old.starts_at)
            and not p_watch.starts_at between p_now - interval '10 minutes' and p_now + interval '24 hours'
            then 'starts_at is at most 10 minutes ago and within 24 hours'
    end;
    if v_problem is not null then
        perform core.fail('SR018', v_problem);
    end if;
    if p_watch.expected_at is distinct from p_old.expected_at then
        perform core.check_expected_at(p_watch.expected_at, p_watch.starts_at, p_now);
    end if;
end
$$;

comment on function core.check_watch_settings(core.watches, core.watches, timestamptz) is 'SR018 where a setting of a watch that has just been made or changed is outside its range.';
revoke all on function core.check_watch_settings(core.watches, core.watches, timestamptz) from public;
grant execute on function core.check_watch_settings(core.watches, core.watches, timestamptz) to saferoute_api;
