-- Somebody who was named as a contact: no account, only a link. tests/sql/contacts/contact.sql tells what they can.
begin;
select plan(8);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9);
select api.add_contact('00000000-0000-7000-8000-000000000001', 'Mum', 'sms', '+442079460123', 'Zoë');
select api.add_contact('00000000-0000-7000-8000-000000000002', 'Ben', 'sms', '+442079460124', 'Zoë');
select set_config('tests.token', split_part(tests.sent('+442079460123') ->> 'link', '#', 2), true);

select tests.call_anonymously();
select is(
    api.accept_contact(current_setting('tests.token')) ->> 'state', 'accepted', 'the link lets them answer, without an account'
);
select unalike(
    api.contact_invitation(current_setting('tests.token'))::text, '%+44%', 'it shows no address, not even their own'
);
select unalike(
    api.contact_invitation(current_setting('tests.token'))::text, '%0000-7000%', 'and no id that would lead further'
);
select throws_ok($$select api.my_contacts()$$, '42501', null, 'it lists nobody');
select throws_ok(
    $$select api.journey_track('00000000-0000-7000-8000-000000000001')$$, '42501', null, 'and follows no walk'
);
reset role;

-- Even a function that forgets to ask: with the link shown there is one contact, and nothing else of the walker.
set local role saferoute_api;
select is_empty($$select * from core.journeys$$, 'the walks of who named them do not exist');
select is_empty(
    $$select * from core.contacts where contact_id = '00000000-0000-7000-8000-000000000002'$$, 'nor do the other contacts'
);
select is_empty($$select * from core.contact_consents$$, 'nor what those answered');

select * from finish();
rollback;
