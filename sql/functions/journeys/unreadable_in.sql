create or replace function core.unreadable_in(p_point json) returns text
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_key text;
    v_unreadable bigint [];
    v_found text;
begin
    if json_typeof(p_point) <> 'object' then
        return format('It is no object of recorded_at, lon and lat, but of type %s.', json_typeof(p_point));
    elsif p_point::text like '%\\u0000%' then
        return 'It holds the character \u0000, which no text can.';
    end if;
    foreach v_key in array array['recorded_at', 'lon', 'lat', 'speed_mps', 'accuracy_m', 'battery_pct'] loop
        select r.unreadable into v_unreadable
        from core.readable_points(json_build_array(json_build_object(v_key, p_point -> v_key))) as r;
        if v_unreadable <> '{}' then
            v_found := concat_ws(', ', v_found, format('%s is %s', v_key, left((p_point -> v_key)::text, 60)));
        end if;
    end loop;
    return coalesce(v_found || ': that cannot be read.', 'It cannot be read.');
end
$$;

comment on function core.unreadable_in(json) is
'Why core.read_points cannot read a point, in a sentence.';
revoke all on function core.unreadable_in(json) from public;
