create or replace function core.user_archives(p_user_id uuid) returns setof core.partition_archives
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select a.*
from core.partition_archives as a
inner join core.user_data as d on a.parent = d.relation
where a.superseded_by is null and (
    exists (
        select from core.journeys as j
        where j.user_id = p_user_id and j.points_from < a.upper_bound and j.points_until > a.lower_bound
    )
    -- Its journeys are gone since an earlier erasure, which did not get at the file.
    or exists (
        select from core.erasures as e
        where e.user_digest = core.user_digest(p_user_id) and e.archives -> a.file_name ->> 'result' = 'out of reach'
    )
)
order by a.lower_bound, a.archive_id
$$;

comment on function core.user_archives(uuid) is
'The archives that can hold rows of a person: of days on which a journey of theirs has points, and those that an earlier erasure could not read.';
revoke all on function core.user_archives(uuid) from public;
