create or replace function core.extend_watch(
    p_user_id uuid, p_journey_id uuid, p_expected_at timestamptz, p_now timestamptz
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches := core.own_watch(p_user_id, p_journey_id);
begin
    if p_expected_at is not distinct from v_watch.expected_at then
        return core.watch_summary(v_watch);
    end if;
    perform core.check_expected_at(p_expected_at, v_watch.starts_at, p_now);
    update core.watches as w set expected_at = p_expected_at
    where w.journey_id = p_journey_id
    returning w.* into v_watch;
    v_watch := core.note_journey_event(v_watch, 'eta', null, 'extended', null, p_now);
    return core.watch_summary(core.settle_watch(v_watch, 'extended', p_now));
end
$$;

comment on function core.extend_watch(uuid, uuid, timestamptz, timestamptz) is
'Change when the walker means to have arrived; null: nobody waits for that any more. Being overdue ends where the new time is to come.';
revoke all on function core.extend_watch(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function core.extend_watch(uuid, uuid, timestamptz, timestamptz) to saferoute_api;
