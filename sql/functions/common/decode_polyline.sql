create or replace function core.decode_polyline(p_encoded text, p_precision integer default 5) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- ST_LineFromEncodedPolyline drops repeated points and reads past the end of a text that was cut short.
    if p_precision not in (5, 6) or p_encoded !~ '^(?:[_-~]{0,6}[?-^][_-~]{0,6}[?-^])*$' then
        perform core.fail('SR016', format('not an encoded polyline of precision %s', p_precision));
    end if;
    with numbers as (
        select
            m.nth,
            (select sum(((ascii(c.letter) - 63) & 31)::bigint << 5 * (c.place - 1)::integer)::bigint
             from string_to_table(m.letters[1], null) with ordinality as c (letter, place)) as zigzag
        from regexp_matches(p_encoded, '[_-~]*[?-^]', 'g') with ordinality as m (letters, nth)
    ),

    sums as (
        select
            (n.nth - 1) / 2 as point,
            n.nth % 2 as is_lat,
            sum(case when n.zigzag & 1 = 1 then ~(n.zigzag >> 1) else n.zigzag >> 1 end)
                over (partition by n.nth % 2 order by n.nth) as total
        from numbers as n
    ),

    positions as (
        select
            s.point,
            (max(s.total) filter (where s.is_lat = 0) / 10.0 ^ p_precision)::float8 as lon,
            (max(s.total) filter (where s.is_lat = 1) / 10.0 ^ p_precision)::float8 as lat
        from sums as s
        group by s.point
    )

    select st_makeline(core.position(p.lon, p.lat) order by p.point) into v_line from positions as p;
    return coalesce(v_line, st_geomfromtext('linestring empty', 4326));
end
$$;

comment on function core.decode_polyline(text, integer) is
'The line (EPSG:4326) of an encoded polyline of 5 or 6 decimals, repeated points kept; SR016 where the text is none, SR010 where it leaves the Earth.';
revoke all on function core.decode_polyline(text, integer) from public;
grant execute on function core.decode_polyline(text, integer) to saferoute_api, saferoute_tasks;
