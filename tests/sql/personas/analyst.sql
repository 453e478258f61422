-- Somebody who studies crimes, on a standby of their own.
begin;
select plan(9);

select set_eq(
    $$select tests.tables_of('analyst')$$, array['analytics.crimes_by_cell_month'], 'they read the k-anonymous views'
);
select is_empty(
    $$select f from tests.functions_of('analyst') as f where f not like 'analytics.%'$$, 'and call what those are made of'
);
select is_empty($$select tests.powers_of('analyst')$$, 'they become nobody and make nothing');
select ok(
    (
        select 'default_transaction_read_only=on' = any(r.rolconfig) from pg_roles as r
        where r.rolname = 'analyst'
    ),
    'wherever they sign in, they only read'
);

set local session authorization analyst;
select lives_ok($$select * from analytics.crimes_by_cell_month limit 1$$, 'they count crimes');
select throws_ok($$select * from core.crime_data$$, '42501', null, 'but see none');
select throws_ok($$select * from core.journey_points$$, '42501', null, 'nor where people walk');
select throws_ok($$select api.safe_routes(1, 1, 2, 2)$$, '42501', null, 'the API is not theirs');
select throws_ok($$set role saferoute_owner$$, '42501', null, 'nor another role');
reset session authorization;

select * from finish();
rollback;
