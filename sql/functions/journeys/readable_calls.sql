create or replace function core.readable_calls(p_calls json) returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_call json;
    v_readable json [] := '{}';
begin
    for v_call in select e.call from json_array_elements(p_calls) as e (call) loop
        begin
            perform p.recorded_at, p.lon, p.lat, p.speed_mps, p.accuracy_m, p.battery_pct
            from json_to_record(v_call) as c (journey_id uuid, points json)
            cross join lateral core.read_points(c.points) as p;
            v_readable := v_readable || v_call;
        exception when data_exception then
            -- An empty object holds its place, so that the others keep their numbers.
            v_readable := v_readable || '{}'::json;
        end;
    end loop;
    return to_json(v_readable);
end
$$;

comment on function core.readable_calls(json) is
'An array of calls of record_points with every call that cannot be read replaced by an empty object. One subtransaction for each call: only for those that have failed together.';
revoke all on function core.readable_calls(json) from public;
grant execute on function core.readable_calls(json) to saferoute_ingest;
