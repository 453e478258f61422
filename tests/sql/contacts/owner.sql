-- The ledger of consents as upkeep finds it.
begin;
select plan(3);

insert into core.contact_consents (
    consent_id, user_id, contact_id, event, means, wording_version, language, address_digest, recorded_at
)
select
    gen_random_uuid(),
    '00000000-0000-4000-8000-000000000001',
    l.contact_id::uuid,
    l.event,
    case l.event when 'given' then 'link' end,
    1,
    'en',
    sha256(l.address::bytea),
    now() - l.ago::interval
from (
    values
    ('00000000-0000-7000-8000-000000000001', 'one', 'given', '5 years'),
    ('00000000-0000-7000-8000-000000000001', 'one', 'removed', '37 months'),
    ('00000000-0000-7000-8000-000000000001', 'two', 'given', '36 months 1 day'),
    ('00000000-0000-7000-8000-000000000002', 'one', 'given', '5 years'),
    ('00000000-0000-7000-8000-000000000002', 'one', 'removed', '35 months'),
    ('00000000-0000-7000-8000-000000000003', 'one', 'given', '5 years')
) as l (contact_id, address, event, ago);

set local role saferoute_owner;
select is(core.forget_consents(), 2::bigint, 'what was removed over three years ago is forgotten');
select is(
    (select json_agg(concat_ws(' ', right(c.contact_id::text, 1), c.event) order by c.contact_id, c.event) from core.contact_consents as c)::jsonb,
    '["1 given", "2 given", "2 removed", "3 given"]',
    'not what was removed later, and not a consent that holds'
);
select is(core.forget_consents(), 0::bigint, 'once');

select * from finish();
rollback;
