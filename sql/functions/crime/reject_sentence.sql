create or replace function core.reject_sentence(
    p_found core.crime_candidates, p_load core.crime_loads, p_fields text[], p_city core.cities
) returns text
language plpgsql stable security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_times text := core.fields_in_words(p_load, p_fields, '{time,reported}');
    v_place text := core.fields_in_words(p_load, p_fields, '{lon,lat}');
begin
    return case coalesce(p_found.reason, '')
        when '' then 'It can be loaded now.'
        when 'fields' then format(
            'It has %s fields, the header has %s: %s.', cardinality(p_fields), cardinality(p_load.header),
            left(array_to_string(p_fields, ' | '), 200)
        )
        when 'time' then format('%s: no time since 1800 that can be read.', v_times)
        when 'future' then format(
            '%s: later than a day after it was loaded (%s UTC).', v_times, to_char(p_load.loaded_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
        )
        when 'position' then format('%s: no position of EPSG:%s that can be read.', v_place, p_load.srid)
        when 'outside' then format(
            '%s: %s km from the streets of %s; at most 300 km are accepted.', v_place,
            to_char(st_distance(p_found.geom::geography, p_city.walkable_bounds::geography) / 1000, 'FM999,999'), p_city.name
        )
    end;
end
$$;

comment on function core.reject_sentence(core.crime_candidates, core.crime_loads, text[], core.cities) is
'What is wrong with a row of a crime file that has been read, with its values against the limits.';
revoke all on function core.reject_sentence(core.crime_candidates, core.crime_loads, text[], core.cities) from public;
