create or replace function core.crimes_near(
    p_position geometry, p_radius_m float8, p_since timestamptz, p_until timestamptz
) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_most constant integer := 1000;
    v_city core.cities := core.city_at(p_position);
    v_period tstzrange := core.city_data_period(v_city.city_id);
    v_until timestamptz := least(p_until, upper(v_period));
    v_since timestamptz := greatest(coalesce(p_since, v_until - interval '12 months'), lower(v_period));
    v_box geometry;
    v_cells text[];
    v_features json[];
begin
    if not coalesce(p_radius_m > 0 and p_radius_m <= 5000, false) then
        perform core.fail('SR018', format('radius_m is more than 0 and at most 5,000, not %s', p_radius_m));
    elsif p_since > p_until then
        perform core.fail('SR018', 'since is after until');
    end if;
    v_box := core.expand_metres(p_position, p_radius_m);
    v_cells := core.geohash_cover(v_box);
    -- The box finds by the index; the distance on the spheroid alone would read every crime.
    v_features := array(
        select json_build_object(
            'type', 'Feature',
            'geometry', st_asgeojson(d.geom, 7)::json,
            'properties', json_build_object(
                'distance_m', round(st_distance(d.geom::geography, p_position::geography)::numeric, 1),
                'category', d.category,
                'offence_class', c.offence_class,
                'occurred_at', d.occurred_at,
                'time_precision', d.time_precision
            )
        )
        from core.crime_data as d
        inner join core.crime_categories as c on c.category = d.category
        where d.occurred_at >= v_since
            and d.occurred_at < v_until
            and d.cell = any(v_cells)
            and d.geom && v_box
            and st_dwithin(d.geom::geography, p_position::geography, p_radius_m)
        order by st_distance(d.geom::geography, p_position::geography), d.occurred_at desc, d.source, d.source_id
        limit v_most + 1
    );
    return json_build_object(
        'type', 'FeatureCollection',
        'city', v_city.name,
        'radius_m', p_radius_m,
        'since', v_since,
        'until', v_until,
        'data_from', lower(v_period),
        'data_until', upper(v_period),
        'is_covered', core.is_covered(v_city.city_id, p_position),
        'is_complete', cardinality(v_features) <= v_most,
        'features', coalesce(array_to_json(v_features[:v_most]), '[]')
    );
end
$$;

comment on function core.crimes_near(geometry, float8, timestamptz, timestamptz) is
'The reported crimes within p_radius_m of a position (EPSG:4326) in [p_since, p_until), nearest first, at most 1,000, as GeoJSON. Where the bounds are null, the last 12 months the city''s data covers: never counted from the wall clock.';
revoke all on function core.crimes_near(geometry, float8, timestamptz, timestamptz) from public;
grant execute on function core.crimes_near(geometry, float8, timestamptz, timestamptz) to saferoute_api;
