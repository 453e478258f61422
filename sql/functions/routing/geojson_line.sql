create or replace function core.geojson_line(p_geojson text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_geometry jsonb;
    v_positions jsonb;
begin
    v_geometry := p_geojson::jsonb;
    if v_geometry ->> 'type' = 'Feature' then
        v_geometry := v_geometry -> 'geometry';
    end if;
    v_positions := v_geometry -> 'coordinates';
    if v_geometry ->> 'type' is distinct from 'LineString' or jsonb_typeof(v_positions) is distinct from 'array' then
        perform core.fail('SR016', 'not a GeoJSON LineString, nor a Feature of one');
    end if;
    if jsonb_array_length(v_positions) > 5000 then
        perform core.fail('SR017', format('%s positions', jsonb_array_length(v_positions)));
    end if;
    if exists (
        select from jsonb_array_elements(v_positions) as p
        where jsonb_typeof(p -> 0) is distinct from 'number' or jsonb_typeof(p -> 1) is distinct from 'number'
    ) then
        perform core.fail('SR016', 'a position is not [lon, lat]');
    end if;
    return (
        select st_makeline(core.position((p.p ->> 0)::float8, (p.p ->> 1)::float8) order by p.i)
        from jsonb_array_elements(v_positions) with ordinality as p (p, i)
    );
exception
    when data_exception or statement_too_complex then  -- the latter: nested too deep to be read
        perform core.fail('SR016', sqlerrm);
end
$$;

comment on function core.geojson_line(text) is
'The line (EPSG:4326) of a GeoJSON LineString or a Feature of one, at most 5,000 positions; SR016, SR017 or SR010 where it is none.';
revoke all on function core.geojson_line(text) from public;
grant execute on function core.geojson_line(text) to saferoute_api, saferoute_tasks;
