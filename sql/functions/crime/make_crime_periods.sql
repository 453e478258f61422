create or replace function core.make_crime_periods() returns bigint
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        select count(core.make_period('core.crime_data', m.month, m.prefixes))
        from (
            select
                date_trunc('month', c.occurred_at, 'UTC') as month,
                coalesce(array_agg(distinct r.prefix) filter (where r.prefix is not null), '{}') as prefixes
            from (
                select distinct date_trunc('month', n.occurred_at, 'UTC') as occurred_at, n.cell
                from core.crime_candidates as n
                where n.action in ('loaded', 'replaced')
            ) as c
            left join core.regions as r on c.cell >= r.prefix and c.cell < r.prefix || '~'
            group by 1
        ) as m
        -- A new leaf would lock a month that is there to the end of the import: rows wait in its default leaf.
        where not exists (
            select from core.periods('core.crime_data') as p
            where p.lower_bound = m.month
        )
    );
end
$$;

comment on function core.make_crime_periods() is
'Make the missing months that the rows to be written need, however old, with leaves of their regions; how many months those are.';
revoke all on function core.make_crime_periods() from public;
