create or replace function tasks.note_failed(p_claim_id uuid, p_error text, p_retry_after_s float8, p_is_final boolean) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_failed(p_claim_id, p_error, p_retry_after_s, p_is_final)
$$;

comment on function tasks.note_failed(uuid, text, float8, boolean) is
'Note that an attempt failed; another follows, unless it is final or there were enough. False where another has it by now.';
alter function tasks.note_failed(uuid, text, float8, boolean) owner to saferoute_tasks;
revoke all on function tasks.note_failed(uuid, text, float8, boolean) from public;
grant execute on function tasks.note_failed(uuid, text, float8, boolean) to worker;
