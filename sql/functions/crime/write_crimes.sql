create or replace function core.write_crimes() returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = 'off' -- as in core.match_crimes
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
begin
    select min(c.stood_at), max(c.stood_at) into v_since, v_until
    from core.crime_candidates as c where c.action in ('replaced', 'removed');

    delete from core.crime_data as d
    using core.crime_candidates as c
    where c.action in ('replaced', 'removed')
        and d.occurred_at between v_since and v_until
        and d.cell = c.stood_in and d.occurred_at = c.stood_at and d.source = c.source and d.source_id = c.source_id;

    delete from core.crime_key as k
    using core.crime_candidates as c
    where c.action = 'removed' and k.source = c.source and k.source_id = c.source_id;

    perform core.make_crime_periods();

    insert into core.crime_data (
        source, source_id, occurred_at, cell, time_precision, category, published_category, geom
    )
    select
        c.source, c.source_id, c.occurred_at, c.cell, c.time_precision, c.category, c.published_category, c.geom
    from core.crime_candidates as c
    where c.action in ('loaded', 'replaced')
    order by c.occurred_at;

    insert into core.crime_key (source, source_id, occurred_at, cell, published_at)
    select c.source, c.source_id, c.occurred_at, c.cell, c.published_at
    from core.crime_candidates as c
    where c.action in ('loaded', 'replaced')
    on conflict (source, source_id) do update
        set occurred_at = excluded.occurred_at, cell = excluded.cell, published_at = excluded.published_at;

    update core.crime_key as k set published_at = c.published_at
    from core.crime_candidates as c
    where c.action = 'unchanged' and k.source = c.source and k.source_id = c.source_id and k.published_at <> c.published_at;
end
$$;

comment on function core.write_crimes() is
'Bring core.crime_data and core.crime_key to what core.crime_candidates says, one statement for each kind of change; unchanged rows are not touched.';
revoke all on function core.write_crimes() from public;
