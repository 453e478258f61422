create or replace function core.discard_rejects(p_reject_ids bigint[]) returns bigint
language sql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
with discarded as (
    update core.crime_rejects as r set settled_at = now()
    where r.reject_id = any(p_reject_ids) and r.settled_at is null
    returning r.reject_id
)

select count(*) from discarded
$$;

comment on function core.discard_rejects(bigint[]) is
'Settle rejects without a crime; how many. They stay in the table, so that the next file that brings them does not reject them again.';
revoke all on function core.discard_rejects(bigint[]) from public;
