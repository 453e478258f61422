create or replace function core.fill_plan()
returns table (parent regclass, period regclass, lower_bound timestamptz, old_leaves regclass[], prefixes text[])
language plpgsql stable security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_default regclass;
begin
    for parent, period, lower_bound, v_default in
        select s.parent, p.period, p.lower_bound, l.leaf
        from core.partition_sets as s
        cross join lateral core.periods(s.parent) as p
        cross join lateral core.leaves(p.period) as l
        where l.lower_cell is null and pg_catalog.pg_relation_size(l.leaf) > 0
        order by s.parent::text, p.lower_bound
    loop
        execute format(
            'select array_agg(r.prefix order by r.prefix) from core.regions as r
             where exists (select from %s as t where t.cell >= r.prefix and t.cell < r.prefix || ''~'')
                 and not exists (
                     select from core.leaves($1) as l
                     where l.lower_cell < r.prefix || ''~'' and l.upper_cell > r.prefix)',
            v_default
        ) into prefixes using period;
        old_leaves := array[v_default];
        if prefixes is not null then
            return next;
        end if;
    end loop;
end
$$;

comment on function core.fill_plan() is
'The periods whose default leaf has rows of regions, and the regions that should have a leaf there.';
revoke all on function core.fill_plan() from public;
