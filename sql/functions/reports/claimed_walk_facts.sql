create or replace function core.claimed_walk_facts(p_claim_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select core.walk_facts(r.user_id, (r.parameters ->> 'journey_id')::uuid, r.kind = 'journey_report')
from core.reports as r
where r.claim_id = p_claim_id and r.kind in ('journey_report', 'gpx')
$$;

comment on function core.claimed_walk_facts(uuid) is
'core.walk_facts of the walk that a claimed report is about; null where the claim is over.';
revoke all on function core.claimed_walk_facts(uuid) from public;
grant execute on function core.claimed_walk_facts(uuid) to saferoute_tasks;
