create or replace function core.finish_report(p_claim_id uuid, p_media_type text, p_content bytea) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    update core.reports as r
    set state = 'ready', done = r.total, media_type = p_media_type, content = p_content, ended_at = clock_timestamp(),
        claim_id = null, claimed_until = null
    where r.claim_id = p_claim_id and r.state = 'running';
    return found;
end
$$;

comment on function core.finish_report(uuid, text, bytea) is
'Keep a report that is made; false where another worker has it now, or it is gone.';
revoke all on function core.finish_report(uuid, text, bytea) from public;
grant execute on function core.finish_report(uuid, text, bytea) to saferoute_tasks;
