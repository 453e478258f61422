create or replace function core.own_watch(p_user_id uuid, p_journey_id uuid) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches;
begin
    perform core.own_journey(p_user_id, p_journey_id);
    select w.* into v_watch
    from core.watches as w
    where w.journey_id = p_journey_id and w.user_id = p_user_id
    for update;
    if not found then
        perform core.fail('SR094', format('journey %s', p_journey_id));
    end if;
    if v_watch.state = 'ended' then
        perform core.fail('SR095', format('journey %s', p_journey_id));
    end if;
    return v_watch;
end
$$;

comment on function core.own_watch(uuid, uuid) is
'The watch of the person''s own walk, locked; SR002 where the walk is not theirs, SR094 where it is not watched, SR095 where the watch has ended.';
revoke all on function core.own_watch(uuid, uuid) from public;
grant execute on function core.own_watch(uuid, uuid) to saferoute_api;
