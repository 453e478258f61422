create or replace function core.share_journey(
    p_user_id uuid, p_journey_id uuid, p_expires_in interval, p_precision text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.hold_journey(p_user_id, p_journey_id);
    v_token text := core.random_token();
    v_share core.journey_shares;
begin
    if core.walk_ended_at(v_journey) is not null then
        perform core.fail('SR095');
    end if;
    if not coalesce(p_expires_in between '1 minute' and '7 days', false) then
        perform core.fail('SR018', 'expires_in is 1 minute to 7 days');
    end if;
    if not coalesce(p_precision in ('exact', 'street', 'area'), false) then
        perform core.fail('SR018', 'precision is exact, street or area');
    end if;
    -- Links that show nothing any more do not count. One walker at a time, or two calls would both find room.
    perform pg_advisory_xact_lock(hashtextextended('core.journey_shares ' || p_journey_id, 0));
    if (
        select count(*) from core.journey_shares as s
        where s.journey_id = p_journey_id and s.revoked_at is null and s.expires_at > now()
    ) >= 20 then
        perform core.fail('SR097', 'a walk has at most 20 links that show it');
    end if;
    insert into core.journey_shares (share_id, journey_id, user_id, digest, precision, created_at, expires_at)
    values (
        core.uuid_v7(), p_journey_id, p_user_id, sha256(convert_to(v_token, 'UTF8')), p_precision, now(), now() + p_expires_in
    )
    returning * into v_share;
    return core.share_summary(v_share)::jsonb || jsonb_build_object(
        'link', (select s.public_url from core.site as s) || '/watch#' || v_token
    );
end
$$;

comment on function core.share_journey(uuid, uuid, interval, text) is
'A link to watch the person''s own walk, good for p_expires_in; the token in it is kept as a digest only. SR095 where the walk has ended, SR097 where it has 20 links already.';
revoke all on function core.share_journey(uuid, uuid, interval, text) from public;
grant execute on function core.share_journey(uuid, uuid, interval, text) to saferoute_api;
