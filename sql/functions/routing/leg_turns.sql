create or replace function core.leg_turns(p_legs core.leg[])
returns table (leg integer, heading float8, turn float8)
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select a.leg, a.heading, a.bend - 360 * floor((a.bend + 180) / 360)
from (
    select h.leg, h.heading, h.heading - lag(h.last_heading) over (order by h.leg) as bend
    from (
        select
            l.leg,
            degrees(st_azimuth(st_startpoint(l.geom)::geography, st_pointn(l.geom, 2)::geography)) as heading,
            degrees(st_azimuth(st_pointn(l.geom, -2)::geography, st_endpoint(l.geom)::geography)) as last_heading
        from unnest(p_legs) as l
    ) as h
) as a
$$;

comment on function core.leg_turns(core.leg[]) is
'Where each leg heads at its start (degrees from north) and how far it turns from the leg before: -180 to 180 degrees, right is positive, null for the first.';
revoke all on function core.leg_turns(core.leg[]) from public;
grant execute on function core.leg_turns(core.leg[]) to saferoute_api;
