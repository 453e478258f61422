create or replace function core.append_alert_event(
    p_alert_id uuid, p_event text, p_delivery_id uuid default null, p_content jsonb default '{}'
) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_user_id uuid;
    v_last core.alert_chains;
    v_at timestamptz;
    v_salt bytea := uuid_send(gen_random_uuid());
    v_content_digest bytea := sha256(v_salt || convert_to(p_content::text, 'UTF8'));
    v_digest bytea;
begin
    select a.user_id into strict v_user_id from core.alerts as a where a.alert_id = p_alert_id;
    select c.* into strict v_last from core.alert_chains as c where c.alert_id = p_alert_id for update;
    v_at := clock_timestamp();
    v_digest := core.event_digest(v_last.digest, v_last.number + 1, p_event, v_at, p_delivery_id, v_content_digest);
    update core.alert_chains as c set number = v_last.number + 1, digest = v_digest where c.alert_id = p_alert_id;
    insert into core.alert_events (
        alert_id, number, event, at, delivery_id, user_id, salt, content, content_digest, previous_digest, digest
    ) values (
        p_alert_id, v_last.number + 1, p_event, v_at, p_delivery_id, v_user_id,
        -- Of who was erased meanwhile nothing new is kept.
        case when v_user_id is not null then v_salt end, case when v_user_id is not null then p_content end,
        v_content_digest, v_last.digest, v_digest
    );
end
$$;

comment on function core.append_alert_event(uuid, text, uuid, jsonb) is
'Add to what has happened to an alert. Whoever adds to the same alert waits until this transaction ends: make it the last lock that is taken, after those of the alert, its deliveries and inboxes. p_content names contacts and deliveries by their ids, never an address or an account: it stays when a contact is erased.';
revoke all on function core.append_alert_event(uuid, text, uuid, jsonb) from public;
grant execute on function core.append_alert_event(uuid, text, uuid, jsonb) to saferoute_api, saferoute_tasks;
