-- What others cannot do with somebody's journey.
begin;
select plan(14);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9);
select api.record_points(
    '00000000-0000-7000-8000-000000000001',
    json_build_array(json_build_object('recorded_at', now(), 'lon', -77.03, 'lat', 38.9), '{}'::json)
);

select tests.authenticate_as('00000000-0000-4000-8000-000000000002');
select throws_ok(
    $$select api.record_points('00000000-0000-7000-8000-000000000001', '[{"lon":1}]')$$, 'SR002', null, 'another walker cannot record'
);
select throws_ok($$select api.journey_track('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'nor follow');
select throws_ok($$select api.end_journey('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'nor end it');
select throws_ok(
    $$select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9)$$, 'SR003', null, 'nor take its id'
);
select is(api.my_journeys()::text, '[]', 'nor see it in a list');
select throws_ok($$select * from core.journeys$$, '42501', null, 'and nobody reads the table itself');

-- The second wall: even a function that forgets to ask whose journey it is.
set local role saferoute_api;
select is_empty($$select * from core.journeys$$, 'its row does not exist for a function called by others');
select is_empty($$select * from core.journey_points$$, 'nor do its points');
select is_empty($$select * from core.point_quarantine$$, 'nor what was set aside');
select throws_ok(
    $$insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom) values
      ('00000000-0000-7000-8000-000000000001', now(), 'dqcjr', '00000000-0000-4000-8000-000000000001', 'srid=4326;point(-77 38.9)')$$,
    '42501', null, 'and nobody writes in another name'
);
reset role;

select tests.call_anonymously();
select throws_ok($$select api.start_journey('00000000-0000-7000-8000-000000000004', 0, 0)$$, '42501', null, 'who is not signed in starts nothing');
select throws_ok($$select api.my_journeys()$$, '42501', null, 'and lists nothing');
reset role;
set local role authenticated;
select throws_ok($$select api.my_journeys()$$, 'SR001', null, 'a token without a person is refused');
reset role;
set local role saferoute_api;
select is_empty($$select * from core.journeys$$, 'and has no rows');

select * from finish();
rollback;
