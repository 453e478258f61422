create or replace function core.begin_erasure(p_user_id uuid) returns uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_erasure_id uuid;
begin
    -- Waits for uploads that have read their journey; those that come later find none.
    perform pg_advisory_xact_lock(core.uploads_key(p_user_id));
    update core.journeys set erasing_since = clock_timestamp() where user_id = p_user_id and erasing_since is null;

    insert into core.erasures (user_digest, removed)
    select core.user_digest(p_user_id), jsonb_object_agg(d.relation::text, 0) from core.user_data as d
    on conflict (user_digest) where finished_at is null do nothing;
    select e.erasure_id into strict v_erasure_id
    from core.erasures as e
    where e.user_digest = core.user_digest(p_user_id) and e.finished_at is null;

    perform core.note_archive(v_erasure_id, a.file_name, 'pending', null)
    from core.user_archives(p_user_id) as a
    inner join core.erasures as e on e.erasure_id = v_erasure_id
    where not e.archives ? a.file_name;
    return v_erasure_id;
end
$$;

comment on function core.begin_erasure(uuid) is
'Hide the journeys of a person from every call, so that uploads end with SR002, and list the archives that can hold them in the receipt; the id of the receipt. Where an erasure of the person is open, its id.';
revoke all on function core.begin_erasure(uuid) from public;
