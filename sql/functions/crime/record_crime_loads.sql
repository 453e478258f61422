create or replace function core.record_crime_loads(
    p_city core.cities, p_file_name text, p_file_digest text, p_header text[]
) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
begin
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
    loads as (
        insert into core.crime_loads (
            source, city_id, file_name, file_digest, rows_read, rows_loaded, rows_replaced, rows_unchanged, rows_removed, rows_rejected
        )
        select
            n.source, p_city.city_id, p_file_name, p_file_digest,
            n.rows_read, n.rows_loaded, n.rows_replaced, n.rows_unchanged, n.rows_removed, n.rows_rejected
        from counts as n
        where n.rows_loaded + n.rows_replaced + n.rows_removed > 0
            or not exists (
                select from core.crime_loads as l
                where l.source = n.source and l.city_id = p_city.city_id
                    and l.file_digest = p_file_digest and l.rows_rejected = n.rows_rejected
            )
        returning load_id, source
    )
    insert into core.crime_rejects (load_id, line_number, reason, content)
    select
        l.load_id,
        c.line_number,
        c.reason,
        case
            when c.reason = 'fields' then jsonb_build_object('fields', s.fields)
            else jsonb_object(p_header, s.fields)
        end
    from loads as l
    inner join core.crime_candidates as c on c.source = l.source and c.action = 'rejected'
    inner join core.crime_staging as s on s.line_number = c.line_number
    order by c.line_number;
end
$$;

comment on function core.record_crime_loads(core.cities, text, text, text[]) is
'Write core.crime_loads and core.crime_rejects for the imported file: nothing where the same file has been recorded and changed nothing.';
revoke all on function core.record_crime_loads(core.cities, text, text, text[]) from public;
