create or replace function core.suggest_regions(p_rows bigint)
returns table (action text, prefix text, label text, parent regclass, busiest timestamptz, row_estimate bigint, share numeric)
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
with sized as (
    select v.*, sum(v.row_estimate) over (partition by v.period) as period_rows
    from ops.region_leaves as v where v.leaf is not null
),

hot as (
    select distinct on (s.prefix, s.parent) s.* from sized as s
    where s.row_estimate > p_rows and length(s.prefix) < 5
    order by s.prefix, s.parent, s.row_estimate desc
),

families as (
    select left(r.prefix, -1) as prefix, string_agg(distinct r.label, ', ') as label
    from core.regions as r where length(r.prefix) > 1
    group by 1 having count(*) = 32
),

cold as (
    select distinct on (f.prefix) f.prefix, f.label, t.*
    from families as f
    left join lateral (
        select s.parent, s.lower_bound, sum(s.row_estimate)::bigint as row_estimate, min(s.period_rows) as period_rows
        from sized as s where left(s.prefix, -1) = f.prefix
        group by s.parent, s.period, s.lower_bound
    ) as t on true
    order by f.prefix, t.row_estimate desc nulls last
)

select 'split', h.prefix, h.label, h.parent, h.lower_bound, h.row_estimate, round(h.row_estimate / nullif(h.period_rows, 0), 2)
from hot as h
union all
select 'merge', c.prefix, c.label, c.parent, c.lower_bound, coalesce(c.row_estimate, 0), round(c.row_estimate / nullif(c.period_rows, 0), 2)
from cold as c where coalesce(c.row_estimate, 0) < p_rows / 10
order by 6 desc
$$;

comment on function core.suggest_regions(bigint) is
'Regions to split: a leaf of theirs has over p_rows rows in one period. Prefixes to merge: their 32 children together have less than a tenth of that in every period. With their busiest period, its rows there and their share of it.';
revoke all on function core.suggest_regions(bigint) from public;
