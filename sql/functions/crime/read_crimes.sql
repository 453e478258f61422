create or replace function core.read_crimes(p_city core.cities, p_load core.crime_loads) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform set_config('datestyle', case when p_load.is_day_first then 'ISO, DMY' else 'ISO, MDY' end, true);
    insert into core.crime_candidates (
        line_number, source, source_id, published_at, occurred_at, time_precision, category,
        published_category, geom, cell, area, action, reason
    )
    with written as (
        select
            s.line_number,
            md5(s.fields::text) as digest,
            cardinality(s.fields) = cardinality(p_load.header) as is_whole,
            nullif(btrim(s.fields[c.id]), '') as id,
            btrim(s.fields[c.time]) as occurred,
            btrim(s.fields[c.reported]) as reported,
            btrim(s.fields[c.lon]) as x,
            btrim(s.fields[c.lat]) as y,
            coalesce(btrim(s.fields[c.category]), '') as published_category,
            nullif(btrim(s.fields[c.area]), '') as area,
            btrim(regexp_replace(
                regexp_replace(lower(s.fields[c.force]), '\m(police service( of)?|police|constabulary)\M', '', 'g'),
                '[^[:alnum:]]+', '-', 'g'
            ), '-') as force
        from core.crime_staging as s
        cross join jsonb_to_record(p_load.columns) as c (
            id integer, "time" integer, reported integer, lon integer, lat integer,
            category integer, area integer, force integer
        )
    ),
    -- Materialised: otherwise each mention of a column would read the text again.
    placed as materialized (
        select
            w.*,
            core.local_time(w.occurred, p_load.time_zone) as started_at,
            core.local_time(w.reported, p_load.time_zone) as reported_at,
            core.lon_lat(core.coordinate(w.x), core.coordinate(w.y), p_load.srid) as geom
        from written as w
    ),
    timed as (
        select
            p.*,
            coalesce(p.reported_at, p.started_at) as published_at,
            -- A start after the report is a slip. A report at midnight is a date: 188 of 281 such rows of Washington,
            -- all but four of them homicides, were reported on the day itself.
            p.started_at is not null and (
                p.reported_at is null or p.started_at <= p.reported_at
                or (
                    p.reported_at = date_trunc('day', p.reported_at, p_load.time_zone)
                    and p.started_at < p.reported_at + interval '24 hours'
                )
            ) as is_start_known
        from placed as p
    ),
    judged as materialized (
        select
            t.*,
            case when length(t.id) <= 100 then t.id else t.digest end as publishers_id,
            date_trunc('month', t.published_at at time zone p_load.time_zone) as month,
            -- The hour of a report says nothing about the hour of the crime.
            case when t.is_start_known then t.started_at else date_trunc('day', t.reported_at, p_load.time_zone) end as occurred_at,
            case when t.is_start_known then core.time_precision(t.occurred) else 'day' end as time_precision,
            case
                when not t.is_whole then 'fields'
                when t.published_at is null or least(t.started_at, t.published_at) < '1800-01-01' then 'time'
                -- One row from the future would decay all others.
                when greatest(case when t.is_start_known then t.started_at end, t.published_at) > p_load.loaded_at + interval '1 day' then 'future'
                when t.geom is null then 'position'
                when not t.geom && p_city.walkable_bounds
                    and not st_dwithin(t.geom::geography, p_city.walkable_bounds::geography, 300000) then 'outside'
            end as reason
        from timed as t
    )
    select
        j.line_number,
        p_load.publisher || coalesce('/' || nullif(j.force, ''), ''),
        j.publishers_id || '@' || to_char(j.month, 'YYYY-MM') || '#' || row_number() over (
            partition by j.publishers_id, j.month, j.force, j.reason order by j.digest, j.line_number
        ),
        j.published_at,
        j.occurred_at,
        j.time_precision,
        coalesce(n.category, 'other'),
        j.published_category,
        j.geom,
        st_geohash(j.geom, 5),
        j.area,
        case when j.reason is null then 'loaded' else 'rejected' end,
        j.reason
    from judged as j
    left join core.crime_category_names as n on n.published_name = lower(j.published_category);
end
$$;

comment on function core.read_crimes(core.cities, core.crime_loads) is
'Understand core.crime_staging as the load says: publisher, header, columns, EPSG, time zone, order of dates, and the day it was loaded. Every row becomes one of core.crime_candidates, to be loaded or rejected with a reason.';
revoke all on function core.read_crimes(core.cities, core.crime_loads) from public;
