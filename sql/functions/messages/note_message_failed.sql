create or replace function core.note_message_failed(p_claim_id uuid, p_error text, p_retry_after_s float8, p_is_final boolean) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_message core.outbound_messages;
    v_policy core.delivery_policies;
    v_wait interval;
    v_is_over boolean;
begin
    select m.* into v_message from core.outbound_messages as m where m.claim_id = p_claim_id and m.status = 'claimed' for update;
    if not found then
        return false;
    end if;
    select p.* into strict v_policy from core.delivery_policies as p where p.channel = v_message.channel;
    v_wait := core.attempt_delay(v_policy, v_message.attempts, p_retry_after_s);
    v_is_over := p_is_final or v_message.attempts >= v_policy.attempts
        or clock_timestamp() + v_wait >= v_message.not_after;
    update core.outbound_messages as m set
        status = case when v_is_over then 'failed' else 'queued' end,
        parameters = case when v_is_over then '{}' else m.parameters end,
        error = left(p_error, 200),
        claimed_until = null,
        next_attempt_at = clock_timestamp() + v_wait
    where m.message_id = v_message.message_id;
    if not v_is_over then
        perform core.enqueue_task('default', 'send_message', jsonb_build_array(v_message.message_id), v_wait);
    end if;
    return true;
end
$$;

comment on function core.note_message_failed(uuid, text, float8, boolean) is
'Note that an attempt to send a message failed, and when the next is due; p_is_final, too many attempts, or no use in another: it is given up, and what stood in it is forgotten. p_error never holds an address.';
revoke all on function core.note_message_failed(uuid, text, float8, boolean) from public;
grant execute on function core.note_message_failed(uuid, text, float8, boolean) to saferoute_tasks;
