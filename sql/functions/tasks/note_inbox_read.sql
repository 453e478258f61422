create or replace function tasks.note_inbox_read(p_user_id uuid, p_sequence bigint) returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_inbox_read(p_user_id, p_sequence)
$$;

comment on function tasks.note_inbox_read(uuid, bigint) is
'For the live gateway: an account has seen its inbox up to that sequence.';
alter function tasks.note_inbox_read(uuid, bigint) owner to saferoute_tasks;
revoke all on function tasks.note_inbox_read(uuid, bigint) from public;
grant execute on function tasks.note_inbox_read(uuid, bigint) to authenticator;
