create or replace function core.absent_periods(p_parent regclass) returns timestamptz[]
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(array_agg(distinct absent.lower_bound order by absent.lower_bound), '{}')
from (
    select a.lower_bound
    from core.partition_archives as a
    where a.parent = p_parent
        and a.superseded_by is null
        and a.dropped_at is not null
        and (a.restored_at is null or a.restored_as is not null)
    union all
    select k.lower_bound
    from core.known_periods as k
    where k.parent = p_parent
        and not exists (select from core.periods(p_parent) as p where p.period = k.period)
) as absent
$$;

comment on function core.absent_periods(regclass) is
'Lower bounds of the periods whose rows, or some of them, have left a partition set: detached, or only in an archive.';
revoke all on function core.absent_periods(regclass) from public;
