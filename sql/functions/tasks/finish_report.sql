create or replace function tasks.finish_report(p_claim_id uuid, p_media_type text, p_content bytea) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.finish_report(p_claim_id, p_media_type, p_content)
$$;

comment on function tasks.finish_report(uuid, text, bytea) is
'Keep a report that is made; false where it is not the caller''s any more.';
alter function tasks.finish_report(uuid, text, bytea) owner to saferoute_tasks;
revoke all on function tasks.finish_report(uuid, text, bytea) from public;
grant execute on function tasks.finish_report(uuid, text, bytea) to worker;
