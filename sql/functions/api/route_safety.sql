create or replace function api.route_safety(route text, at timestamptz default now()) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.route_safety(route_safety.route, route_safety.at)
$$;

alter function api.route_safety(text, timestamptz) owner to saferoute_api;
comment on function api.route_safety(text, timestamptz) is
'How safe a given walk is at a time. `route` is a GeoJSON LineString, a Feature of one, or an encoded polyline of precision 5 or 6 (told apart by where it lies). Answers score (100 * (1 - risk), higher is safer, null where no source covers any of it), risk (0 to 1), covered_share and segments of 100 m.';
revoke all on function api.route_safety(text, timestamptz) from public;
grant execute on function api.route_safety(text, timestamptz) to web_anon, authenticated, integrator;
