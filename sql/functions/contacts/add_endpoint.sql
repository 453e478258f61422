create or replace function core.add_endpoint(
    p_user_id uuid, p_endpoint_id uuid, p_channel text, p_url text, p_p256dh text, p_auth text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    c_most constant integer := 10;
    v_url text := core.checked_url(p_url, p_channel = 'webhook');
    v_secret text := case p_channel when 'webhook' then core.random_token() end;
begin
    if p_endpoint_id is null then
        perform core.fail('SR018', 'endpoint_id is null');
    end if;
    if p_channel = 'web_push' and not coalesce(p_p256dh ~ '^[A-Za-z0-9_-]{87}=?$' and p_auth ~ '^[A-Za-z0-9_-]{22}(==)?$', false) then
        perform core.fail('SR018', 'p256dh and auth are the keys of a PushSubscription, base64url');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('saferoute endpoints of ' || p_user_id, 0));
    if exists (
        select from core.notification_endpoints as e
        where e.user_id = p_user_id and e.endpoint_id = p_endpoint_id and e.channel = p_channel and e.url = v_url
    ) then
        return core.endpoint_summary(p_endpoint_id);
    end if;
    -- A browser that subscribes anew keeps its address: the old entry, of another app id, makes room.
    delete from core.notification_endpoints as e where e.user_id = p_user_id and e.url = v_url and e.endpoint_id <> p_endpoint_id;
    if c_most <= (select count(*) from core.notification_endpoints as e where e.user_id = p_user_id) then
        perform core.fail('SR097');
    end if;
    insert into core.notification_endpoints (endpoint_id, user_id, channel, url, p256dh, auth, secret)
    values (p_endpoint_id, p_user_id, p_channel, v_url, p_p256dh, p_auth, v_secret)
    on conflict do nothing;
    if not found then
        perform core.fail('SR018', 'this endpoint_id is another''s');
    end if;
    return core.endpoint_summary(p_endpoint_id)::jsonb
        || case when v_secret is null then '{}' else jsonb_build_object('secret', v_secret) end;
end
$$;

comment on function core.add_endpoint(uuid, uuid, text, text, text, text) is
'Add a browser (p_channel web_push) or a webhook where a person is told of alerts. The secret of a webhook is in the first answer only. SR097 beyond ten, SR098 where the address is not on the public internet.';
revoke all on function core.add_endpoint(uuid, uuid, text, text, text, text) from public;
grant execute on function core.add_endpoint(uuid, uuid, text, text, text, text) to saferoute_api;
