create or replace function api.risk_at(lon float8, lat float8, at timestamptz default now()) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.risk_at(core.position(risk_at.lon, risk_at.lat), risk_at.at)
$$;

comment on function api.risk_at(float8, float8, timestamptz) is
'Risk (0 to 1) of the street nearest to a position at a time; null, with is_known false, where no source reports.';
alter function api.risk_at(float8, float8, timestamptz) owner to saferoute_api;
revoke all on function api.risk_at(float8, float8, timestamptz) from public;
grant execute on function api.risk_at(float8, float8, timestamptz) to web_anon, authenticated, integrator;
