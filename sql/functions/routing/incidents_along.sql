create or replace function core.incidents_along(p_utm_srid integer, p_lines geometry[], p_period tstzrange)
returns table (line bigint, counts json)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
set jit = 'off'
as $$
declare
    v_reach_m constant float8 := 75;
    v_cells constant text[] := core.geohash_cover(core.expand_metres(st_collect(p_lines), v_reach_m));
    v_since constant timestamptz := upper(p_period) - interval '1 year';
    v_until constant timestamptz := upper(p_period);
begin
    return query
    select q.line, json_object_agg(q.offence_class, q.incidents order by q.incidents desc, q.offence_class)
    from (
        select u.line, k.offence_class, count(*) as incidents
        from (
            select l.line, st_transform(st_buffer(st_transform(l.geom, p_utm_srid), v_reach_m), 4326) as reach
            from unnest(p_lines) with ordinality as l (geom, line)
            offset 0
        ) as u
        inner join core.crime_data as d on st_intersects(u.reach, d.geom)
        inner join core.crime_categories as k on k.category = d.category
        where d.occurred_at >= v_since and d.occurred_at <= v_until and (v_cells is null or d.cell = any(v_cells))
        group by u.line, k.offence_class
    ) as q
    group by q.line;
end
$$;

comment on function core.incidents_along(integer, geometry[], tstzrange) is
'For each line (EPSG:4326, numbered from 1) the crimes within 75 m of it in the last year of the period, counted by offence class; no row for a line without any.';
revoke all on function core.incidents_along(integer, geometry[], tstzrange) from public;
grant execute on function core.incidents_along(integer, geometry[], tstzrange) to saferoute_api;
