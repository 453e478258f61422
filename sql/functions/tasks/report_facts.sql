create or replace function tasks.report_facts(p_claim_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.claimed_walk_facts(p_claim_id)
$$;

comment on function tasks.report_facts(uuid) is
'Everything that a report of a walk shows: core.walk_facts. Null where the claim is over.';
alter function tasks.report_facts(uuid) owner to saferoute_tasks;
revoke all on function tasks.report_facts(uuid) from public;
grant execute on function tasks.report_facts(uuid) to worker;
