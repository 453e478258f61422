create or replace function tasks.route_safety(p_route text, p_at timestamptz default now()) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.route_safety(p_route, coalesce(p_at, now()))
$$;

comment on function tasks.route_safety(text, timestamptz) is
'What api.route_safety says of one route of a report.';
alter function tasks.route_safety(text, timestamptz) owner to saferoute_tasks;
revoke all on function tasks.route_safety(text, timestamptz) from public;
grant execute on function tasks.route_safety(text, timestamptz) to worker;
