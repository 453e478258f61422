create or replace function core.estimated_arrival(p_watch core.watches, p_at_m geometry, p_at timestamptz) returns timestamptz
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select p_at + make_interval(secs => case
    when p_watch.route_m is not null
        then (1 - st_linelocatepoint(p_watch.route_m, p_at_m)) * st_length(p_watch.route_m) + st_distance(p_watch.route_m, p_at_m)
    else st_distance(p_watch.destination_m, p_at_m) * 1.3
end / least(greatest(coalesce(p_watch.pace_mps, core.walking_speed()), 0.7), 2.5))
$$;

comment on function core.estimated_arrival(core.watches, geometry, timestamptz) is
'When a walker who was at p_at_m (metres) at p_at will arrive: what is left of the planned way, or the straight line and 30 % (the detour of streets), at their pace, which counts as 0.7 to 2.5 m/s; null where the walk leads nowhere known.';
revoke all on function core.estimated_arrival(core.watches, geometry, timestamptz) from public;
grant execute on function core.estimated_arrival(core.watches, geometry, timestamptz) to saferoute_tasks;
