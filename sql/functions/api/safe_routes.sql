create or replace function api.safe_routes(
    from_lon float8,
    from_lat float8,
    to_lon float8,
    to_lat float8,
    depart_at timestamptz default now(),
    aversions float8[] default '{0,3,12}'
) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.safe_routes(
    core.position(safe_routes.from_lon, safe_routes.from_lat),
    core.position(safe_routes.to_lon, safe_routes.to_lat),
    safe_routes.depart_at, safe_routes.aversions)
$$;

alter function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) owner to saferoute_api;
comment on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) is
'The walk from one position to another that is best for each aversion: GeoJSON. Cost of a stretch is length * (1 + aversion * risk at depart_at); aversions 0 / 3 / 12 give shortest / balanced / safest. Each feature says length_m, duration_s, exposure (metres weighed with their risk), risk (0 to 1), the differences to the shortest, and covered_share: below 0.8 no walk is called safest.';
revoke all on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) from public;
grant execute on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[])
to web_anon, authenticated, integrator;
