create or replace function core.my_watch(p_user_id uuid, p_journey_id uuid) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches;
begin
    perform core.own_journey(p_user_id, p_journey_id);
    select w.* into v_watch from core.watches as w where w.journey_id = p_journey_id and w.user_id = p_user_id;
    if not found then
        perform core.fail('SR094', format('journey %s', p_journey_id));
    end if;
    return core.watch_summary(v_watch)::jsonb || jsonb_build_object(
        'geofences', core.geofences_of(v_watch),
        'events', (
            select json_agg(json_build_object(
                'seq', e.seq, 'event', e.event, 'from_state', e.from_state, 'state', e.state, 'reason', e.reason,
                'eta', e.eta, 'content', e.content, 'at', e.at
            ) order by e.seq)
            from (
                select l.* from core.journey_events as l
                where l.journey_id = p_journey_id
                order by l.seq desc
                limit 100
            ) as e
        )
    );
end
$$;

comment on function core.my_watch(uuid, uuid) is
'How the watch of the person''s own walk stands, its areas, and the last 100 things that happened; SR094 where it is not watched.';
revoke all on function core.my_watch(uuid, uuid) from public;
grant execute on function core.my_watch(uuid, uuid) to saferoute_api;
