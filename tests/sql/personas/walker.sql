-- A signed-in person, with what is theirs.
begin;
select plan(14);

select is_empty($$select tests.tables_of('authenticated')$$, 'they read no table');
select is_empty(
    $$select f from tests.functions_of('authenticated') as f where f not like 'api.%'$$, 'they call what apps call, and nothing else'
);
select is_empty($$select tests.powers_of('authenticated')$$, 'and become nobody');

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select lives_ok(
    $$select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9)$$, 'they start a walk'
);
select lives_ok(
    $$select api.record_points('00000000-0000-7000-8000-000000000001',
        json_build_array(json_build_object('recorded_at', now(), 'lon', -77.03, 'lat', 38.9)))$$, 'record where they are'
);
select is(json_array_length(api.my_journeys()), 1, 'find it again');
select lives_ok($$select api.journey_track('00000000-0000-7000-8000-000000000001')$$, 'follow it');
select lives_ok(
    $$select api.add_contact('00000000-0000-7000-8000-000000000001', 'Mum', 'sms', '+442079460123', 'Zoë')$$,
    'and name who is told when something happens'
);
select is(json_array_length(api.my_contacts()), 1, 'whom they see');
select throws_ok($$delete from core.journeys$$, '42501', null, 'their own rows too are out of reach but by the API');
select throws_ok($$select * from core.contact_links$$, '42501', null, 'and so are the links that were sent');
select throws_ok($$select * from core.outbound_messages$$, '42501', null, 'and the messages with them');
reset role;

-- On a standby, and wherever a call only reads.
set local session authorization authenticator;
select throws_ok(
    $$select tests.request('authenticated', 'select api.start_journey(gen_random_uuid(), -77, 38)::text', true,
        '00000000-0000-4000-8000-000000000001')$$, '25006', null, 'a call that only reads writes nothing'
);
reset role;
select throws_ok(
    $$select tests.request('authenticated', 'select set_config(''role'', ''saferoute_owner'', true)', false,
        '00000000-0000-4000-8000-000000000001')$$, '42501', null, 'no statement makes them the owner'
);
reset session authorization;

select * from finish();
rollback;
