create or replace function core.match_crimes(p_city core.cities, p_load core.crime_loads) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
-- What has just been loaded has no statistics yet: by nested loops the second load of 45,808 rows took 9 minutes.
set enable_nestloop = 'off'
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
begin
    -- The span of what stands there: with it, reading prunes the partitions.
    select min(k.occurred_at), max(k.occurred_at) into v_since, v_until
    from core.crime_key as k
    where exists (select from core.crime_candidates as c where c.source = k.source and c.source_id = k.source_id and c.action = 'loaded');

    update core.crime_candidates as c set
        stood_at = d.occurred_at,
        stood_in = d.cell,
        action = case
            when (d.occurred_at, d.cell, d.time_precision, d.category, d.published_category)
                = (c.occurred_at, c.cell, c.time_precision, c.category, c.published_category)
                and st_x(d.geom) = st_x(c.geom) and st_y(d.geom) = st_y(c.geom) then 'unchanged'
            else 'replaced'
        end
    from core.crime_data as d
    where c.action = 'loaded'
        and d.source = c.source and d.source_id = c.source_id
        and d.occurred_at between v_since and v_until
        and exists (
            select from core.crime_key as k
            where k.source = d.source and k.source_id = d.source_id and k.occurred_at = d.occurred_at and k.cell = d.cell
        );

    -- A row that has vanished: published within the months and the span of the file, and near enough for this city to hold it.
    insert into core.crime_candidates (source, source_id, published_at, action, stood_at, stood_in)
    with covered as (
        select
            c.source,
            array_agg(distinct date_trunc('month', c.published_at, p_load.time_zone)) as months,
            min(c.published_at) as since,
            max(c.published_at) as until
        from core.crime_candidates as c
        where c.action <> 'rejected'
        group by c.source
    ),
    -- Materialised: the distance is asked of these few, not of every key.
    vanished as materialized (
        select k.source, k.source_id, k.published_at, k.occurred_at, k.cell
        from covered as v
        inner join core.crime_key as k on k.source = v.source and k.published_at between v.since and v.until
        where date_trunc('month', k.published_at, p_load.time_zone) = any(v.months)
            and not exists (
                select from core.crime_candidates as c
                where c.source = k.source and c.source_id = k.source_id and c.action <> 'rejected'
            )
            -- The file still has the rejected row that an operator has made this crime from.
            and not exists (
                select
                from core.known_rejects(p_city.city_id, p_load.header) as n
                inner join core.crime_rejects as r on r.reject_id = n.reject_id
                where r.replayed_source = k.source and r.replayed_as = k.source_id
            )
    )
    select g.source, g.source_id, g.published_at, 'removed', g.occurred_at, g.cell
    from vanished as g
    -- The middle of a cell is up to 3.5 km from its crimes.
    where st_dwithin(
        st_setsrid(st_pointfromgeohash(g.cell), 4326)::geography, p_city.walkable_bounds::geography, 295000
    );
end
$$;

comment on function core.match_crimes(core.cities, core.crime_loads) is
'Compare core.crime_candidates with what stands in core.crime_data: which rows are new, replaced or unchanged, and which have vanished from the file.';
revoke all on function core.match_crimes(core.cities, core.crime_loads) from public;
