create or replace function core.revoke_share(p_user_id uuid, p_share_id uuid) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_share core.journey_shares;
begin
    update core.journey_shares as s set revoked_at = coalesce(s.revoked_at, now())
    where s.share_id = p_share_id and s.user_id = p_user_id
    returning s.* into v_share;
    if not found then
        perform core.fail('SR096', format('share %s', coalesce(p_share_id::text, 'null')));
    end if;
    perform core.publish('journey:' || v_share.journey_id, json_build_object(
        'type', 'revoked',
        'topic', 'journey:' || v_share.journey_id,
        'seq', core.microseconds(clock_timestamp()),
        'share_id', v_share.share_id
    ));
    return core.share_summary(v_share);
end
$$;

comment on function core.revoke_share(uuid, uuid) is
'Take a link back: it shows nothing from then on, and the live gateway is told to close what it has opened. Again changes nothing; SR096 where there is no such link of the person''s.';
revoke all on function core.revoke_share(uuid, uuid) from public;
grant execute on function core.revoke_share(uuid, uuid) to saferoute_api;
