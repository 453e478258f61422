create or replace function core.forget_consents() returns bigint
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
with forgotten as (
    delete from core.contact_consents as c
    using core.contact_consents as r
    where r.event = 'removed' and r.recorded_at < now() - interval '3 years'
        and c.contact_id = r.contact_id and c.address_digest = r.address_digest and c.recorded_at <= r.recorded_at
    returning c.consent_id
)

select count(*) from forgotten
$$;

comment on function core.forget_consents() is
'Remove from the ledger what belongs to contacts that were removed, or given another address, three years ago: claims from it lapse then. How many rows; `saferoute partitions maintain` calls it.';
revoke all on function core.forget_consents() from public;
