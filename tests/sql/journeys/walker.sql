-- A walk as its walker sees it.
begin;
select plan(22);

create function pg_temp.point(p_ago interval, p_lon float8, p_lat float8) returns json language sql as $$
select json_build_object('recorded_at', now() - p_ago, 'lon', p_lon, 'lat', p_lat)
$$;
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');

select is(
    api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9, -77.04, 38.91, now() - interval '1 hour')::jsonb,
    jsonb_build_object(
        'journey_id', '00000000-0000-7000-8000-000000000001', 'started_at', now() - interval '1 hour', 'ended_at', null,
        'from_lon', -77.03, 'from_lat', 38.9, 'to_lon', -77.04, 'to_lat', 38.91
    ),
    'a journey begins'
);
select is(
    api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9, -77.04, 38.91) ->> 'started_at',
    to_json(now() - interval '1 hour') #>> '{}', 'the same call again returns the first result'
);
select throws_ok(
    $$select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.8)$$,
    'SR003', null, 'another journey under the same id is refused'
);
select throws_ok(
    $$select api.start_journey('00000000-0000-7000-8000-000000000009', -77.03, 'NaN')$$, 'SR010', null, 'NaN is nowhere'
);
select throws_ok(
    $$select api.start_journey('00000000-0000-7000-8000-000000000009', -77.03, 38.9, started_at => '1970-01-01')$$,
    'SR018', null, 'nobody set out in 1970'
);
select throws_ok(
    $$select api.journey_track('00000000-0000-7000-8000-000000000001')$$, 'SR021', null, 'a track needs points'
);

select is(
    api.record_points(
        '00000000-0000-7000-8000-000000000001',
        json_build_array(pg_temp.point('30 min', -77.03, 38.9), pg_temp.point('20 min', -77.03, 38.91))
    )::jsonb,
    '{"accepted": 2, "duplicates": 0, "quarantined": []}', 'points are accepted'
);
select is(
    api.record_points(
        '00000000-0000-7000-8000-000000000001',
        json_build_array(pg_temp.point('30 min', -77.03, 38.9), pg_temp.point('10 min', -77.04, 38.91), pg_temp.point('20 min', -77.03, 38.91))
    )::jsonb,
    '{"accepted": 1, "duplicates": 2, "quarantined": []}', 'points that have come before are duplicates, new ones beside them are kept'
);
select is(
    api.record_points(
        '00000000-0000-7000-8000-000000000001',
        json_build_array(pg_temp.point('5 min', -77.04, 38.91), pg_temp.point('5 min', -77.04, 38.91))
    )::jsonb,
    '{"accepted": 1, "duplicates": 1, "quarantined": []}', 'a point twice in one batch is stored once'
);
select is(
    api.journey_track('00000000-0000-7000-8000-000000000001') #> '{geometry}' #>> '{}',
    '{"type":"LineString","coordinates":[[-77.03,38.9],[-77.03,38.91],[-77.04,38.91],[-77.04,38.91]]}', 'the track is in order of time'
);
select is(
    (api.journey_track('00000000-0000-7000-8000-000000000001') #>> '{properties,length_m}')::numeric,
    round((
        st_distance('point(-77.03 38.9)'::geography, 'point(-77.03 38.91)'::geography)
        + st_distance('point(-77.03 38.91)'::geography, 'point(-77.04 38.91)'::geography)
    )::numeric, 1),
    'its length is measured on the Earth'
);
select is(
    (api.journey_track('00000000-0000-7000-8000-000000000001') #>> '{properties,duration_s}')::numeric, 1500.0, 'and its duration'
);
select is(
    json_array_length(api.journey_track('00000000-0000-7000-8000-000000000001') #> '{properties,times}'), 4, 'each position has its time'
);

select is(
    api.end_journey('00000000-0000-7000-8000-000000000001', now() - interval '4 min') ->> 'ended_at',
    to_json(now() - interval '4 min') #>> '{}', 'a journey ends'
);
select is(
    api.end_journey('00000000-0000-7000-8000-000000000001') ->> 'ended_at',
    to_json(now() - interval '4 min') #>> '{}', 'only once'
);
select is(
    api.record_points(
        '00000000-0000-7000-8000-000000000001',
        json_build_array(pg_temp.point('4 min', -77.04, 38.911), pg_temp.point('3 min', -77.04, 38.912))
    )::jsonb,
    '{"accepted": 1, "duplicates": 0, "quarantined": [{"index": 1, "reason": "ended"}]}', 'a point from before the end may come late, one from after it is set aside'
);

select api.start_journey('00000000-0000-7000-8000-000000000002', 0, 0, started_at => now() - interval '1 day');
select api.start_journey('00000000-0000-7000-8000-000000000003', 0, 0, started_at => now() - interval '1 day');
select throws_ok(
    $$select api.end_journey('00000000-0000-7000-8000-000000000002', now() - interval '2 days')$$, 'SR018', null, 'no journey ends before it starts'
);
select is(
    (
        select array_agg(j.journey ->> 'journey_id')
        from json_array_elements(api.my_journeys(null, 1)) as j (journey)
    ),
    '{00000000-0000-7000-8000-000000000001}', 'the newest journey comes first'
);
select is(
    json_array_length(api.my_journeys(now() - interval '1 hour', 1)), 2, 'the next page keeps together what started together'
);
select is(api.my_journeys(now() - interval '1 day')::text, '[]', 'and there is an end');
select throws_ok($$select api.my_journeys("limit" => 0)$$, 'SR018', null, 'a page has at least one journey');
select throws_ok($$select api.my_journeys("limit" => 101)$$, 'SR018', null, 'and at most 100');

select * from finish();
rollback;
