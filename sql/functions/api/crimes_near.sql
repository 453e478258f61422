create or replace function api.crimes_near(
    lon float8,
    lat float8,
    radius_m float8 default 250,
    since timestamptz default null,
    until timestamptz default null
) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.crimes_near(
    core.position(crimes_near.lon, crimes_near.lat), crimes_near.radius_m, crimes_near.since, crimes_near.until)
$$;

comment on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) is
'Reported crimes within radius_m (at most 5,000) of a position, nearest first, at most 1,000: GeoJSON. Without since and until, those of the last 12 months that the city''s data covers. is_covered false: no source reports there, so none found means nothing.';
alter function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) owner to saferoute_api;
revoke all on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) from public;
grant execute on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) to web_anon, authenticated, integrator;
