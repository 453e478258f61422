create or replace function api.check_in(journey_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.check_in(core.require_user(), journey_id, clock_timestamp())
$$;

comment on function api.check_in(uuid) is
'Say that all is well: what there was of concern ends, and the time to the next check-in begins anew. It does not end an alarm.';
alter function api.check_in(uuid) owner to saferoute_api;
revoke all on function api.check_in(uuid) from public;
grant execute on function api.check_in(uuid) to authenticated;
