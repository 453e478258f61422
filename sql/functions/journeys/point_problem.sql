create or replace function core.point_problem(
    p_recorded_at timestamptz,
    p_lon float8,
    p_lat float8,
    p_received_at timestamptz,
    p_ended_at timestamptz,
    p_near box,
    p_times tstzmultirange
) returns text
language sql stable parallel safe security invoker
as $$
select case
    when p_recorded_at > p_ended_at and p_recorded_at < p_received_at + interval '10 minutes' then 'ended'
    when not coalesce(
        p_recorded_at >= p_received_at - interval '29 days' and p_recorded_at < p_received_at + interval '10 minutes', false
    ) then 'time'
    when not coalesce(p_lon between -180 and 180 and p_lat between -90 and 90, false) then 'position'
    when not point(p_lon, p_lat) <@ p_near then 'far'
    when not p_times @> p_recorded_at then 'period'
end
$$;

comment on function core.point_problem(timestamptz, float8, float8, timestamptz, timestamptz, box, tstzmultirange) is
'Why a readable point that arrived at p_received_at is not stored, as in core.point_quarantine; null where it is, or where its period is not asked about (p_times null). Inlined, so it has no search_path of its own.';
revoke all on function core.point_problem(timestamptz, float8, float8, timestamptz, timestamptz, box, tstzmultirange) from public;
grant execute on function core.point_problem(timestamptz, float8, float8, timestamptz, timestamptz, box, tstzmultirange) to saferoute_api;
