create or replace function tasks.claim_message(p_message_id uuid, p_lease interval default '10 s') returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.claim_message(p_message_id, p_lease)
$$;

comment on function tasks.claim_message(uuid, interval) is
'Take a message that is due, for p_lease: what is to be sent, or null where there is nothing to do.';
alter function tasks.claim_message(uuid, interval) owner to saferoute_tasks;
revoke all on function tasks.claim_message(uuid, interval) from public;
grant execute on function tasks.claim_message(uuid, interval) to worker;
