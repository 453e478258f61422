create or replace function core.polyline_route(p_encoded text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- 14 characters are the longest position.
    if length(p_encoded) > 14 * 5000 then
        perform core.fail('SR017', format('%s characters', length(p_encoded)));
    end if;
    for v_precision in 5..6 loop
        begin
            v_line := core.decode_polyline(p_encoded, v_precision);
            exit when exists (select from core.cities as c where c.walkable_bounds && st_startpoint(v_line));
        exception
            when sqlstate 'SR010' then null;
        end;
    end loop;
    if v_line is null then
        perform core.fail('SR016', 'the line leaves the Earth with precision 5 and with 6');
    end if;
    return v_line;
end
$$;

comment on function core.polyline_route(text) is
'The line (EPSG:4326) of an encoded polyline: of precision 5 where it begins in an imported city, otherwise of precision 6; the two differ tenfold, so one of them is far away.';
revoke all on function core.polyline_route(text) from public;
grant execute on function core.polyline_route(text) to saferoute_api, saferoute_tasks;
