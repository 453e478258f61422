create or replace function core.recheck_point(p_quarantined core.point_quarantine, p_times tstzmultirange) returns text
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
    v_readable json;
    v_unreadable bigint [];
    v_point record;
begin
    select j.* into v_journey from core.journeys as j where j.journey_id = p_quarantined.journey_id and j.erasing_since is null;
    if not found then
        return 'journey';
    end if;
    select r.readable, r.unreadable into v_readable, v_unreadable
    from core.readable_points(json_build_array(coalesce(p_quarantined.fixed, p_quarantined.point))) as r;
    if v_unreadable <> '{}' then
        return 'unreadable';
    end if;
    select p.* into v_point from core.read_points(v_readable) as p;
    return core.point_problem(
        v_point.recorded_at, v_point.lon, v_point.lat,
        p_quarantined.received_at, v_journey.ended_at, core.journey_reach(v_journey), p_times
    );
end
$$;

comment on function core.recheck_point(core.point_quarantine, tstzmultirange) is
'Why a quarantined point, as it came or as it was fixed, cannot be stored now: a reason of core.point_quarantine, or journey where that is gone; null where it can. Its time is still held against its arrival. p_times are those of the existing periods.';
revoke all on function core.recheck_point(core.point_quarantine, tstzmultirange) from public;
