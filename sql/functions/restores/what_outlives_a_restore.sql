create or replace function core.what_outlives_a_restore(p_since timestamptz) returns jsonb
language sql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select jsonb_build_object(
    'erasures', (
        select coalesce(jsonb_agg(to_jsonb(e) order by e.began_at), '[]') from core.erasures as e
    ),
    'archives', (
        select coalesce(jsonb_agg(to_jsonb(a) order by a.archive_id), '[]') from core.partition_archives as a
    ),
    -- What is written into the ledger was begun a little earlier.
    'consents', (
        select coalesce(jsonb_agg(to_jsonb(c) order by c.recorded_at), '[]')
        from core.contact_consents as c
        where c.recorded_at > p_since - interval '1 hour'
    ),
    'refusals', (
        select coalesce(jsonb_agg(jsonb_build_object(
            'contact_id', c.contact_id,
            'state', c.state,
            'answered_at', c.answered_at,
            'address_digest', core.address_digest(c.user_id, c.channel, c.address)
        )), '[]')
        from core.contacts as c
        where c.state in ('declined', 'withdrawn') and c.answered_at > p_since - interval '1 hour'
    ),
    'removed_contacts', (
        select coalesce(jsonb_agg(distinct g.contact_id), '[]')
        from core.contact_consents as g
        where
            g.event = 'removed' and g.recorded_at > p_since - interval '1 hour'
            and not exists (select from core.contacts as c where c.contact_id = g.contact_id)
    ),
    'revoked_keys', (
        select coalesce(jsonb_object_agg(k.api_key_id, k.revoked_at), '{}')
        from core.api_keys as k
        where k.revoked_at is not null
    ),
    'revoked_shares', (
        select coalesce(jsonb_object_agg(s.share_id, s.revoked_at), '{}')
        from core.journey_shares as s
        where s.revoked_at > p_since - interval '1 hour'
    ),
    'inboxes', (select coalesce(jsonb_object_agg(i.user_id, i.last_sequence), '{}') from core.inboxes as i),
    'sequences', (
        select coalesce(jsonb_object_agg(format('%I.%I', s.schemaname, s.sequencename), s.last_value), '{}')
        from pg_catalog.pg_sequences as s
        where s.sequenceowner = current_user and s.last_value is not null
    )
)
$$;

comment on function core.what_outlives_a_restore(timestamptz) is
'What must not be undone when the database goes back to p_since: who was erased, which archives there are, which contacts said no or were removed, which keys and links were revoked; and how far numbers were given out. It names people by id: keep it as safe as the database, and no longer than the restore takes. core.carry_over takes it.';
revoke all on function core.what_outlives_a_restore(timestamptz) from public;
