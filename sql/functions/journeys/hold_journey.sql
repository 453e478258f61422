create or replace function core.hold_journey(p_user_id uuid, p_journey_id uuid) returns core.journeys
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    -- Before the journey is read: an erasure that holds this lock has hidden it when the wait ends.
    perform pg_advisory_xact_lock_shared(core.uploads_key(p_user_id));
    return core.own_journey(p_user_id, p_journey_id);
end
$$;

comment on function core.hold_journey(uuid, uuid) is
'core.own_journey for those who add to it: until the transaction ends, no erasure of the person begins.';
revoke all on function core.hold_journey(uuid, uuid) from public;
grant execute on function core.hold_journey(uuid, uuid) to saferoute_api;
