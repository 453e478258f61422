-- Somebody without a token.
begin;
select plan(14);

select set_eq(
    $$select tests.functions_of('web_anon')$$,
    array[
        'api.safe_routes', 'api.route_safety', 'api.risk_at', 'api.crimes_near',
        'api.contact_invitation', 'api.accept_contact', 'api.decline_contact', 'api.withdraw_contact',
        'api.alert_by_link', 'api.acknowledge_by_link'
    ],
    'they ask for routes, risk and crimes, and answer what they were sent; nothing else'
);
select is_empty($$select tests.tables_of('web_anon')$$, 'they read no table');
select is_empty($$select tests.powers_of('web_anon')$$, 'and become nobody');

select tests.call_anonymously();
select throws_ok($$select api.crimes_near(-77.03, 38.9)$$, 'SR014', null, 'they may ask for the crimes of a place');
select throws_ok($$select api.my_journeys()$$, '42501', null, 'they have no journeys');
select throws_ok($$select api.my_contacts()$$, '42501', null, 'and no contacts');
select throws_ok(
    $$select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9)$$, '42501', null, 'they start nothing'
);
select throws_ok(
    $$select api.record_points('00000000-0000-7000-8000-000000000001', '[]')$$, '42501', null, 'and record nothing'
);
select throws_ok($$select * from core.users$$, '42501', null, 'accounts are closed');
select throws_ok($$select core.current_user_id()$$, '42501', null, 'and so is what is behind the API');
select throws_ok(
    $$select auth.find_sign_in('+442079460123')$$, '42501', null, 'they cannot ask whether somebody has an account'
);

-- A claim that names a person does not make them one.
select set_config(
    'request.jwt.claims', '{"role":"web_anon","sub":"00000000-0000-4000-8000-000000000001"}', true
);
select throws_ok($$select api.my_journeys()$$, '42501', null, 'the role decides, not what else the token says');
reset role;

set local session authorization authenticator;
select throws_ok(
    $$select tests.request('web_anon', 'select api.start_journey(gen_random_uuid(), 1, 1)::text')$$, '42501', null,
    'the login of the API adds no rights'
);
select throws_ok(
    $$select tests.request('saferoute_api', 'select 1::text')$$, '42501', null, 'and leads to no other role'
);
reset session authorization;

select * from finish();
rollback;
