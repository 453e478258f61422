create or replace function api.my_journeys(before timestamptz default null, "limit" integer default 20) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_journeys(core.require_user(), before, "limit")
$$;

comment on function api.my_journeys(timestamptz, integer) is
'The caller''s journeys, newest first, at most 100. For the next page send the last started_at as before; journeys that started together stay on one page.';
alter function api.my_journeys(timestamptz, integer) owner to saferoute_api;
revoke all on function api.my_journeys(timestamptz, integer) from public;
grant execute on function api.my_journeys(timestamptz, integer) to authenticated;
