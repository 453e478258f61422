create or replace function api.share_journey(
    journey_id uuid, expires_in interval default '8 hours', "precision" text default 'exact'
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.share_journey(core.require_user(), journey_id, expires_in, share_journey.precision)
$$;

comment on function api.share_journey(uuid, interval, text) is
'A link by which others watch this walk without an account, until it expires, is revoked, or the walk has been over for ten minutes. It is shown once. precision: exact, street (a grid of 100 m) or area (1 km).';
alter function api.share_journey(uuid, interval, text) owner to saferoute_api;
revoke all on function api.share_journey(uuid, interval, text) from public;
grant execute on function api.share_journey(uuid, interval, text) to authenticated;
