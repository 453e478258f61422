create or replace function core.note_removed(p_erasure_id uuid, p_relation regclass, p_removed bigint) returns void
language sql volatile security invoker
set search_path = core, public, pg_temp
as $$
update core.erasures as e set
    removed = e.removed || jsonb_build_object(
        p_relation::text, coalesce((e.removed ->> p_relation::text)::bigint, 0) + p_removed
    )
where e.erasure_id = p_erasure_id and e.finished_at is null
$$;

comment on function core.note_removed(uuid, regclass, bigint) is 'Add to an open receipt the rows that were removed from a table.';
revoke all on function core.note_removed(uuid, regclass, bigint) from public;
