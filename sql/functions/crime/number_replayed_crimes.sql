create or replace function core.number_replayed_crimes() returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
begin
    select min(c.occurred_at), max(c.occurred_at) into v_since, v_until
    from core.crime_candidates as c where c.action = 'loaded';

    -- A number of their own: whatever #n later files give their rows, they are never taken for this one.
    update core.crime_candidates as c
    set source_id = regexp_replace(c.source_id, '#[^#]*$', '#fixed' || c.line_number)
    where c.action = 'loaded';

    -- One row that stands is one row that is there already, not two: the nth of equal rejects is the nth of them.
    with waiting as (
        select
            c.line_number, c.source, c.cell, c.occurred_at,
            regexp_replace(c.source_id, '#[^#]*$', '') as id,
            (c.time_precision, c.category, c.published_category, st_x(c.geom), st_y(c.geom))::text as content,
            row_number() over (
                partition by c.source, c.cell, c.occurred_at, regexp_replace(c.source_id, '#[^#]*$', ''),
                    c.time_precision, c.category, c.published_category, st_x(c.geom), st_y(c.geom)
                order by c.line_number
            ) as nth
        from core.crime_candidates as c
        where c.action = 'loaded'
    ),
    standing as (
        select
            d.source, d.source_id, d.cell, d.occurred_at,
            regexp_replace(d.source_id, '#[^#]*$', '') as id,
            (d.time_precision, d.category, d.published_category, st_x(d.geom), st_y(d.geom))::text as content,
            row_number() over (
                partition by d.source, d.cell, d.occurred_at, regexp_replace(d.source_id, '#[^#]*$', ''),
                    d.time_precision, d.category, d.published_category, st_x(d.geom), st_y(d.geom)
                order by d.source_id
            ) as nth
        from core.crime_data as d
        where d.occurred_at between v_since and v_until
            and (d.source, d.cell, d.occurred_at) in (select w.source, w.cell, w.occurred_at from waiting as w)
            -- That of another reject stands for that one.
            and not exists (select from core.crime_rejects as r where r.replayed_source = d.source and r.replayed_as = d.source_id)
    )
    update core.crime_candidates as c set action = 'unchanged', source_id = s.source_id
    from waiting as w
    inner join standing as s using (source, cell, occurred_at, id, content, nth)
    where c.line_number = w.line_number;
end
$$;

comment on function core.number_replayed_crimes() is
'Name the rejects in core.crime_candidates that can be loaded now: the id of the row that says the same and stands already (then unchanged), else #fixed and the number of the reject.';
revoke all on function core.number_replayed_crimes() from public;
