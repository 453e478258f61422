create or replace function core.record_crime_loads(p_city core.cities, p_load core.crime_loads) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set enable_nestloop = 'off' -- as in core.match_crimes
as $$
begin
    -- Loads of earlier versions do not say how their file was read.
    update core.crime_loads as l
    set (publisher, header, columns, srid, time_zone, is_day_first)
        = (p_load.publisher, p_load.header, p_load.columns, p_load.srid, p_load.time_zone, p_load.is_day_first)
    where l.city_id = p_city.city_id and l.file_digest = p_load.file_digest and l.publisher is null;

    with counts as (
        select
            c.source,
            count(*) filter (where c.action <> 'removed') as rows_read,
            count(*) filter (where c.action = 'loaded') as rows_loaded,
            count(*) filter (where c.action = 'replaced') as rows_replaced,
            count(*) filter (where c.action = 'unchanged') as rows_unchanged,
            count(*) filter (where c.action = 'removed') as rows_removed,
            count(*) filter (where c.action = 'rejected') as rows_rejected
        from core.crime_candidates as c
        group by c.source
    ),
    -- Those that no earlier load has brought.
    rejects as materialized (
        select c.source, c.line_number, c.reason
        from core.crime_candidates as c
        where c.action = 'rejected' and not exists (
            select from core.known_rejects(p_city.city_id, p_load.header) as k where k.line_number = c.line_number
        )
    ),
    loads as (
        insert into core.crime_loads (
            source, city_id, file_name, file_digest, rows_read, rows_loaded, rows_replaced, rows_unchanged, rows_removed, rows_rejected,
            publisher, header, columns, srid, time_zone, is_day_first
        )
        select
            n.source, p_city.city_id, p_load.file_name, p_load.file_digest,
            n.rows_read, n.rows_loaded, n.rows_replaced, n.rows_unchanged, n.rows_removed, n.rows_rejected,
            p_load.publisher, p_load.header, p_load.columns, p_load.srid, p_load.time_zone, p_load.is_day_first
        from counts as n
        where n.rows_loaded + n.rows_replaced + n.rows_removed > 0
            or not exists (
                select from core.crime_loads as l
                where l.source = n.source and l.city_id = p_city.city_id
                    and l.file_digest = p_load.file_digest
            )
            or exists (select from rejects as r where r.source = n.source)
        returning load_id, source
    )
    insert into core.crime_rejects (load_id, line_number, reason, content)
    select
        l.load_id,
        c.line_number,
        c.reason,
        core.reject_content(p_load.header, s.fields)
    from loads as l
    inner join rejects as c on c.source = l.source
    inner join core.crime_staging as s on s.line_number = c.line_number
    order by c.line_number;
end
$$;

comment on function core.record_crime_loads(core.cities, core.crime_loads) is
'Write core.crime_loads and core.crime_rejects for the imported file: nothing where the same file has been recorded and changed nothing, and no reject that an earlier file has brought.';
revoke all on function core.record_crime_loads(core.cities, core.crime_loads) from public;
