create or replace function core.discard_points(p_quarantine_ids bigint[]) returns bigint
language sql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
with discarded as (
    delete from core.point_quarantine as q
    where q.quarantine_id = any(p_quarantine_ids)
    returning q.quarantine_id
)

select count(*) from discarded
$$;

comment on function core.discard_points(bigint[]) is
'Delete quarantined points for good; how many.';
revoke all on function core.discard_points(bigint[]) from public;
