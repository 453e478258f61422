-- What nobody else gets at of somebody's emergency contacts.
begin;
select plan(34);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.add_contact('00000000-0000-7000-8000-000000000001', 'Mum', 'sms', '+442079460123', 'Zoë');
select set_config('tests.code', tests.sent('+442079460123') ->> 'code', true);
select set_config('tests.token', split_part(tests.sent('+442079460123') ->> 'link', '#', 2), true);

create temporary view own_calls as
select
    c.name,
    format('select api.%s(%s)', c.name, c.arguments) as statement
from (
    values
    ('verify_contact', '''00000000-0000-7000-8000-000000000001'', current_setting(''tests.code'')'),
    ('resend_contact_invitation', '''00000000-0000-7000-8000-000000000001'''),
    ('reorder_contacts', '''{00000000-0000-7000-8000-000000000001}'''),
    ('update_contact', '''00000000-0000-7000-8000-000000000001'', ''Mine'''),
    ('remove_contact', '''00000000-0000-7000-8000-000000000001''')
) as c (name, arguments);
grant select on own_calls to public;

-- Another walker.
select tests.authenticate_as('00000000-0000-4000-8000-000000000002');
select is(api.my_contacts()::jsonb, '[]', 'another walker sees none');
select throws_ok(c.statement, 'SR050', null, format('another walker cannot %s', c.name)) from own_calls as c;
select throws_ok(
    $$select api.add_contact('00000000-0000-7000-8000-000000000001', 'Mum', 'sms', '+442079460123', 'Zoë')$$, 'SR051', null,
    'nor take the id'
);
select is(
    api.add_contact('00000000-0000-7000-8000-000000000002', 'Zoë''s Mum', 'sms', '+442079460123', 'Ann') ->> 'state', 'invited',
    'another walker may name the same person'
);
select is(json_array_length(api.my_contacts()), 1, 'and sees their own');

-- Somebody without an account and without a link.
select tests.call_anonymously();
select throws_ok('select api.my_contacts()', '42501', null, 'a stranger lists nothing');
select throws_ok(c.statement, '42501', null, format('a stranger cannot %s', c.name)) from own_calls as c;
select throws_ok(
    $$select api.add_contact('00000000-0000-7000-8000-000000000003', 'X', 'sms', '+442079460123', 'X')$$, '42501', null,
    'nor have messages sent'
);

-- A contact, with the link.
select is(api.accept_contact(current_setting('tests.token')) ->> 'state', 'accepted', 'the contact accepts');
select throws_ok('select api.my_contacts()', '42501', null, 'and lists nothing either');
select tests.authenticate_as('00000000-0000-4000-8000-000000000003');
select is(api.contact_invitation(current_setting('tests.token')) ->> 'state', 'accepted', 'a contact may be signed in');
select is(api.my_contacts()::jsonb, '[]', 'a link makes nobody the walker');
select throws_ok(
    $$select api.remove_contact('00000000-0000-7000-8000-000000000001')$$, 'SR050', null, 'and still is not the walker'
);

-- The second wall, where a function forgot to ask.
reset role;
set local role saferoute_api;
select set_config('request.contact_link', '', true);
select set_config('request.jwt.claims', '', true);
select is_empty('select from core.contacts', 'without a caller there are no contacts');
select is_empty('select from core.contact_links', 'no links');
select is_empty('select from core.contact_consents', 'and no consents');
select set_config('request.contact_link', encode(sha256(convert_to(current_setting('tests.token'), 'UTF8')), 'hex'), true);
select results_eq(
    'select contact_id from core.contacts', $$values ('00000000-0000-7000-8000-000000000001'::uuid)$$,
    'a link opens the one contact it was sent to'
);
select is_empty('select from core.contact_consents', 'and no ledger');
select throws_ok(
    $$insert into core.contact_consents (consent_id, user_id, contact_id, event, wording_version, language, address_digest)
      values (gen_random_uuid(), gen_random_uuid(), '00000000-0000-7000-8000-000000000002', 'invited', 1, 'en', '')$$,
    '42501', null, 'nor is anything recorded of another contact'
);
select throws_ok('delete from core.contact_consents', '42501', null, 'the ledger is only added to');
select throws_ok('update core.contact_consents set event = ''given''', '42501', null, 'and never changed');
reset role;

select is_empty(
    $$select r.rolname, t.name
      from pg_roles as r, unnest('{contacts,contact_links,contact_consents}'::text[]) as t (name)
      where r.rolname in ('web_anon', 'authenticated', 'integrator', 'authenticator', 'worker', 'analyst', 'operator', 'replicator')
      and has_any_column_privilege(r.rolname, 'core.' || t.name, 'select, insert, update')$$,
    'no role of an app, analyst or operator reaches the tables'
);
select is_empty(
    $$select p.proname from pg_proc as p
      where p.pronamespace = 'api'::regnamespace and p.proname like '%contact%'
      and has_function_privilege('integrator', p.oid, 'execute')$$,
    'a program with an API key calls none of this'
);

-- What is kept of secrets.
select
    is(
        l.digest, sha256(convert_to(current_setting('tests.token'), 'UTF8')), 'of a link its digest is kept'
    )
from core.contact_links as l
where l.contact_id = '00000000-0000-7000-8000-000000000001';
select is(
    (
        select count(*) from core.user_data as d
        where d.relation in ('core.contacts'::regclass, 'core.contact_links'::regclass, 'core.contact_consents'::regclass)
    ),
    3::bigint, 'an erasure reaches all of it'
);
select is(
    (
        select core.count_user_rows(d.relation, d.user_column, '00000000-0000-4000-8000-000000000001')
        from core.user_data as d
        where d.relation = 'core.contacts'::regclass
    ),
    1::bigint, 'and finds it by the walker'
);

select * from finish();
rollback;
