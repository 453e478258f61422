create or replace function core.known_rejects(p_city_id integer, p_header text[])
returns table (line_number bigint, reject_id bigint)
language sql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select f.line_number, k.reject_id
from (
    select
        c.line_number,
        c.source,
        x.content,
        row_number() over (partition by c.source, x.content order by c.line_number) as nth
    from core.crime_candidates as c
    inner join core.crime_staging as s on s.line_number = c.line_number
    cross join lateral core.reject_content(p_header, s.fields) as x (content)
    where c.action = 'rejected'
) as f
inner join (
    select
        r.reject_id,
        l.source,
        r.content,
        -- Those that have become a crime first: a file with fewer such rows than before keeps theirs.
        row_number() over (partition by l.source, r.content order by r.replayed_as is null, r.reject_id) as nth
    from core.crime_rejects as r
    inner join core.crime_loads as l on l.load_id = r.load_id
    where l.city_id = p_city_id
        -- A crime that has since been removed leaves nothing behind: its row is a new reject.
        and (
            r.replayed_as is null
            or exists (select from core.crime_key as k where k.source = r.replayed_source and k.source_id = r.replayed_as)
        )
) as k on k.source = f.source and k.content = f.content and k.nth = f.nth
$$;

comment on function core.known_rejects(integer, text[]) is
'Which rejected rows of the imported file are in core.crime_rejects already, waiting or settled: line by line, so that equal rows count.';
revoke all on function core.known_rejects(integer, text[]) from public;
