create or replace function core.carry_over(p_kept jsonb) returns text[]
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_digests text[];
    v_sequence record;
begin
    select coalesce(array_agg(distinct k.user_digest), '{}') into v_digests
    from jsonb_populate_recordset(null::core.erasures, p_kept -> 'erasures') as k
    where not exists (
        select from core.erasures as e where e.erasure_id = k.erasure_id and e.finished_at is not null
    );
    insert into core.erasures
    select k.*
    from jsonb_populate_recordset(null::core.erasures, p_kept -> 'erasures') as k
    order by k.began_at
    on conflict (erasure_id) do update set
        finished_at = excluded.finished_at,
        removed = excluded.removed,
        archives = excluded.archives,
        lsn = excluded.lsn,
        proof = excluded.proof,
        digest = excluded.digest
    where core.erasures.finished_at is null;

    -- A period that stands again has in its archive a copy, as if it had been restored into its set.
    insert into core.partition_archives
    overriding system value
    select
        k.archive_id,
        k.parent,
        k.lower_bound,
        k.upper_bound,
        k.file_name,
        k.file_digest,
        k.file_bytes,
        k.row_count,
        k.leaf_rows,
        k.archived_at,
        k.dropped_at,
        case
            when k.dropped_at is null then null
            when exists (select from core.periods(k.parent) as p where p.lower_bound = k.lower_bound) then clock_timestamp()
        end,
        null,
        k.keep_until,
        null,
        k.content_digest
    from jsonb_to_recordset(p_kept -> 'archives') as k (
        archive_id bigint, parent regclass, lower_bound timestamptz, upper_bound timestamptz, file_name text,
        file_digest text, file_bytes bigint, row_count bigint, leaf_rows jsonb, archived_at timestamptz,
        dropped_at timestamptz, keep_until timestamptz, content_digest numeric
    )
    on conflict do nothing;
    update core.partition_archives as a set superseded_by = k.superseded_by
    from jsonb_to_recordset(p_kept -> 'archives') as k (archive_id bigint, superseded_by bigint)
    where
        a.archive_id = k.archive_id and a.superseded_by is null and k.superseded_by is not null
        and exists (select from core.partition_archives as later where later.archive_id = k.superseded_by);

    insert into core.contact_consents
    select k.*
    from jsonb_populate_recordset(null::core.contact_consents, p_kept -> 'consents') as k
    on conflict do nothing;
    -- Another address may have stood there, whose owner has agreed.
    update core.contacts as c set
        state = k.state,
        answered_at = k.answered_at,
        code_digest = null,
        code_expires_at = null,
        code_tries = 0
    from jsonb_to_recordset(p_kept -> 'refusals') as k (
        contact_id uuid, state text, answered_at timestamptz, address_digest bytea
    )
    where c.contact_id = k.contact_id and core.address_digest(c.user_id, c.channel, c.address) = k.address_digest;
    delete from core.contacts as c
    using jsonb_array_elements_text(p_kept -> 'removed_contacts') as k (contact_id)
    where c.contact_id = k.contact_id::uuid;

    update core.api_keys as a set revoked_at = k.value::timestamptz
    from jsonb_each_text(p_kept -> 'revoked_keys') as k
    where a.api_key_id = k.key::uuid and a.revoked_at is null;
    update core.journey_shares as s set revoked_at = k.value::timestamptz
    from jsonb_each_text(p_kept -> 'revoked_shares') as k
    where s.share_id = k.key::uuid and s.revoked_at is null;

    -- Apps ask for what is later than the number they have seen: none may be given out twice.
    insert into core.inboxes (user_id, last_sequence)
    select
        k.key::uuid,
        k.value::bigint
    from jsonb_each_text(p_kept -> 'inboxes') as k
    on conflict (user_id) do update set last_sequence = greatest(core.inboxes.last_sequence, excluded.last_sequence);
    for v_sequence in
        select
            s.schemaname,
            s.sequencename,
            k.value::bigint as last_value
        from jsonb_each_text(p_kept -> 'sequences') as k
        inner join pg_catalog.pg_sequences as s on format('%I.%I', s.schemaname, s.sequencename) = k.key
        where s.sequenceowner = current_user and k.value::bigint > coalesce(s.last_value, 0)
    loop
        perform setval(format('%I.%I', v_sequence.schemaname, v_sequence.sequencename)::regclass, v_sequence.last_value);
    end loop;
    return v_digests;
end
$$;

comment on function core.carry_over(jsonb) is
'Bring what core.what_outlives_a_restore has kept into a database that was restored to an earlier moment. The digests of the people who have been erased since: whoever of them came back is to be erased again. Can be run twice.';
revoke all on function core.carry_over(jsonb) from public;
