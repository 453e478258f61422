create or replace function core.check_trip(
    p_from geometry, p_to geometry, p_depart_at timestamptz, p_aversions float8[]
) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    perform core.check_time(p_depart_at);
    -- NaN sorts above every number, so the range test refuses it too.
    if coalesce(cardinality(p_aversions), 0) not between 1 and 5
        or exists (select from unnest(p_aversions) as a where a is null or a not between 0 and 100) then
        perform core.fail('SR018', format('aversions %s: send 1 to 5 numbers from 0 to 100', p_aversions));
    end if;
    if st_distance(p_from::geography, p_to::geography) > 30000 then
        perform core.fail('SR013');
    end if;
end
$$;

comment on function core.check_trip(geometry, geometry, timestamptz, float8[]) is
'Refuse a trip that cannot be planned: SR015 for its time, SR018 for its aversions, SR013 beyond 30 km in a straight line.';
revoke all on function core.check_trip(geometry, geometry, timestamptz, float8[]) from public;
grant execute on function core.check_trip(geometry, geometry, timestamptz, float8[]) to saferoute_api;
