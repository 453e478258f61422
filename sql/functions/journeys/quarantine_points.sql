create or replace function core.quarantine_points(
    p_user_id uuid,
    p_journey core.journeys,
    p_points json,
    p_readable json,
    p_unreadable bigint[],
    p_near box,
    p_times tstzmultirange
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_quarantined json;
begin
    with judged as (
        select
            p.nth,
            p.recorded_at,
            case
                when p.nth = any(p_unreadable) then 'unreadable'
                else core.point_problem(p.recorded_at, p.lon, p.lat, now(), p_journey.ended_at, p_near, p_times)
            end as reason
        from core.read_points(p_readable) as p
    ),

    kept as (
        insert into core.point_quarantine (journey_id, user_id, reason, point, digest, recorded_at)
        select p_journey.journey_id, p_user_id, j.reason, e.point, md5(e.point::text)::uuid, j.recorded_at
        from judged as j
        inner join json_array_elements(p_points) with ordinality as e (point, nth) on e.nth = j.nth
        where j.reason is not null
        on conflict do nothing
    )

    select json_agg(json_build_object('index', j.nth - 1, 'reason', j.reason) order by j.nth)
    into v_quarantined
    from judged as j
    where j.reason is not null;
    return coalesce(v_quarantined, '[]');
end
$$;

comment on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], box, tstzmultirange) is
'Keep the points of a batch that core.ingest did not store in core.point_quarantine; their index (from 0) and reason. p_times are those of the existing periods, null where every point found its own. Idempotent.';
revoke all on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], box, tstzmultirange) from public;
grant execute on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], box, tstzmultirange) to saferoute_api;
