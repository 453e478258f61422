create or replace function core.note_archive(
    p_erasure_id uuid, p_file_name text, p_result text, p_removed bigint
) returns void
language sql volatile security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
update core.erasures as e set
    archives = e.archives || jsonb_build_object(a.file_name, jsonb_strip_nulls(jsonb_build_object(
        'set', a.parent::text,
        'from', a.lower_bound,
        'until', a.upper_bound,
        'result', p_result,
        'removed', p_removed
    )))
from core.partition_archives as a
where e.erasure_id = p_erasure_id and e.finished_at is null and a.file_name = p_file_name
$$;

comment on function core.note_archive(uuid, text, text, bigint) is
'Enter in an open receipt what has become of an archive: pending, not in it, rewriting, rewritten, superseded, out of reach.';
revoke all on function core.note_archive(uuid, text, text, bigint) from public;
