create or replace function core.readable_points(
    p_points json, out readable json, out unreadable bigint[]
)
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_point json;
    v_nth bigint := 0;
    v_kept json [] := '{}';
begin
    unreadable := '{}';
    for v_point in select e.point from json_array_elements(p_points) as e (point) loop
        v_nth := v_nth + 1;
        begin
            perform p.recorded_at, p.lon, p.lat, p.speed_mps, p.accuracy_m, p.battery_pct
            from core.read_points(json_build_array(v_point)) as p;
            v_kept := v_kept || v_point;
        exception when data_exception then
            -- An empty object holds its place, so that the others keep their numbers.
            v_kept := v_kept || '{}'::json;
            unreadable := unreadable || v_nth;
        end;
    end loop;
    readable := to_json(v_kept);
end
$$;

comment on function core.readable_points(json) is
'The array with every point that core.read_points cannot cast replaced by an empty object, and the numbers (from 1) of those points. One subtransaction for each point: only for batches that have failed.';
revoke all on function core.readable_points(json) from public;
grant execute on function core.readable_points(json) to saferoute_api;
