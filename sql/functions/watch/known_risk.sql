create or replace function core.known_risk(p_position geometry, p_at timestamptz) returns float8
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (core.risk_at(p_position, p_at) ->> 'risk')::float8;
exception
    when sqlstate 'SR011' or sqlstate 'SR014' or sqlstate 'SR015' then
        return null;
end
$$;

comment on function core.known_risk(geometry, timestamptz) is
'The risk (0 to 1) of the street at a position (EPSG:4326) at a time; null where there is no street or nothing is known of it.';
revoke all on function core.known_risk(geometry, timestamptz) from public;
grant execute on function core.known_risk(geometry, timestamptz) to saferoute_tasks;
