-- A program with an API key.
begin;
select plan(9);

select set_eq(
    $$select tests.functions_of('integrator')$$,
    array['api.safe_routes', 'api.route_safety', 'api.risk_at', 'api.crimes_near'],
    'it asks for routes, risk and crimes'
);
select is_empty($$select tests.tables_of('integrator')$$, 'it reads no table, not even that of the keys');
select is_empty($$select tests.powers_of('integrator')$$, 'and becomes nobody');

set local session authorization authenticator;
create function pg_temp.integrator(p_statement text) returns text language sql as $$
select tests.request('integrator', p_statement)
$$;
select throws_ok(
    $$select pg_temp.integrator('select api.start_journey(gen_random_uuid(), 1, 1)::text')$$, '42501', null, 'it walks nowhere'
);
select throws_ok($$select pg_temp.integrator('select api.my_journeys()::text')$$, '42501', null, 'has no journeys');
select throws_ok(
    $$select pg_temp.integrator('select api.accept_contact(''x'')::text')$$, '42501', null, 'and answers for no contact'
);
select throws_ok(
    $$select pg_temp.integrator('select count(*)::text from core.api_keys')$$, '42501', null, 'keys are out of reach'
);
select throws_ok(
    $$select pg_temp.integrator('select count(*)::text from core.live_api_keys()')$$, '42501', null, 'their digests too'
);
select throws_ok(
    $$select pg_temp.integrator('select ops.create_api_key(''x'', ''{reads}'')::text')$$, '42501', null, 'and it makes none'
);
reset session authorization;

select * from finish();
rollback;
