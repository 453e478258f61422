-- A walk through Gridton at 22:30, as an app asks for it.
begin;
select plan(39);

select tests.add_streets();
insert into core.crime_coverage (source, city_id, area, area_method, covered_period)
select
    'here',
    city_id,
    st_multi(walkable_bounds),
    'given',
    '[2019-01-01 UTC, 2020-01-01 UTC)'
from core.cities;

create temporary table answers as select tests.routes(0, 0, 600, 0) as answer;
create temporary view features as
select
    u.i,
    u.f,
    u.f -> 'properties' as p
from answers cross join lateral jsonb_array_elements(answer -> 'features') with ordinality as u (f, i);
grant select on features, answers to web_anon;

select tests.call_anonymously();
select is(
    (select tests.routes(0, 0, 600, 0) = answer from answers), true, 'anybody may ask'
);
reset role;

select results_eq(
    $$select p ->> 'label', p -> 'aversions', round((p ->> 'length_m')::numeric), (p ->> 'duration_s')::integer from features$$,
    $$values ('shortest', '[0]'::jsonb, 600::numeric, 451), ('balanced, safest', '[3, 12]', 800, 602)$$,
    'the two walks there are, the same walk once'
);
select results_eq(
    $$select round((p ->> 'exposure')::numeric), round((p ->> 'risk')::numeric, 2), (p ->> 'covered_share')::numeric from features$$,
    $$values (200::numeric, 0.33, 1.0), (0, 0, 1)$$,
    'exposure is metres times risk'
);
select results_eq(
    $$select round((p ->> 'length_diff_m')::numeric), round((p ->> 'exposure_diff')::numeric) from features$$,
    $$values (0::numeric, 0::numeric), (200, -200)$$,
    'compared with the shortest'
);
select is((select bool_and((p ->> 'proven_optimal')::boolean) from features), true, 'both proven optimal');
select is((select bool_and(p ->> 'method' like '%Dijkstra%') from features), true, 'by a method with a name');
select results_eq(
    $$select answer ->> 'city', answer ->> 'local_time', answer ->> 'weekday', answer -> 'hour', answer ->> 'notice' from answers$$,
    $$values ('Gridton', '2020-06-01T22:30', 'Monday', '22'::jsonb, null)$$,
    'the hour is the local one'
);
select is(
    (select (answer ->> 'data_from')::timestamptz from answers), '2019-01-01 UTC'::timestamptz, 'and the data''s period is told'
);

select is(
    (select
        st_astext(st_snaptogrid(st_transform(
            st_setsrid(st_geomfromgeojson(f -> 'geometry'), 4326), 32629
        ), 530000, 4556000, 10, 10))
    from features
    where i = 2),
    'LINESTRING(530000 4556000,530200 4556000,530200 4556100,530400 4556100,530400 4556000,530600 4556000)',
    'the line runs from start to destination, every corner once'
);
select ok(
    (
        select bool_and(c::text ~ '^\[-?\d+\.\d{1,6}, \d+\.\d{1,6}\]$')
        from features cross join lateral jsonb_array_elements(f #> '{geometry,coordinates}') as c
    ),
    'at most 6 decimals'
);

select results_eq(
    $$
    select s ->> 'instruction', s ->> 'street', round((s ->> 'metres')::numeric), round((s ->> 'risk')::numeric, 1)
    from features cross join lateral jsonb_array_elements(p -> 'steps') as s where i = 1
    $$,
    $$values ('Head east on High Street', 'High Street', 600::numeric, 0.3)$$,
    'one street is one step'
);
select results_eq(
    $$
    select s ->> 'instruction', round((s ->> 'metres')::numeric)
    from features cross join lateral jsonb_array_elements(p -> 'steps') as s where i = 2
    $$,
    $$
    values
    ('Head east on High Street', 200::numeric),
    ('Turn left onto Hill Lane', 100),
    ('Turn right onto Park Road', 200),
    ('Turn right onto Mill Lane', 100),
    ('Turn left onto High Street', 200)
    $$,
    'left and right'
);

select results_eq(
    $$
    select round((s ->> 'from_m')::numeric), round((s ->> 'to_m')::numeric), (s ->> 'risk')::numeric, s -> 'incidents'
    from features cross join lateral jsonb_array_elements(p -> 'risky_stretches') as s where i = 1
    $$,
    $$values (200::numeric, 400::numeric, 1.0, '{}'::jsonb)$$,
    'where the risk is'
);
select is((
    select p -> 'risky_stretches' from features
    where i = 2
), '[]'::jsonb, 'and where there is none');
select unalike((select answer::text from answers), '%neighbourhood%', 'no part of town gets a name');

-- What another aversion, or several, are called.
select results_eq(
    $$select f #>> '{properties,label}' from jsonb_array_elements(tests.routes(0, 0, 600, 0, '{100,0.5,0.5}') -> 'features') as f$$,
    $$values ('balanced'), ('safest')$$,
    'by aversion, ascending, each once'
);
select is(
    tests.routes(0, 0, 600, 0, '{12}') #> '{features,0,properties,length_diff_m}', 'null'::jsonb,
    'no difference to a shortest that nobody asked for'
);

-- Where nobody reports.
select results_eq(
    $$
    select f #>> '{properties,label}', round((f #>> '{properties,covered_share}')::numeric, 2),
        round((f #>> '{properties,exposure}')::numeric)
    from jsonb_array_elements(tests.routes(-400, 0, 600, 0) -> 'features') as f
    $$,
    $$values ('shortest', 0.60, 400::numeric), ('balanced, cautious', 0.67, 200)$$,
    'two thirds covered: nothing is called safest, and the unknown third costs the mean'
);
select results_eq(
    $$
    select a -> 'notice' <> 'null', jsonb_array_length(a -> 'features'), a #>> '{features,0,properties,label}',
        (a #>> '{features,0,properties,covered_share}')::numeric
    from tests.routes(-400, 0, -100, 0) as a
    $$,
    $$values (true, 1, 'shortest', 0.0)$$,
    'nothing covered: it says so, and offers the shortest only'
);
select is(
    tests.routes(-400, 0, -100, 0, '{12}') #>> '{features,0,properties,label}', 'shortest', 'whatever was asked for'
);
select is(
    tests.routes(-400, 0, -100, 0) #> '{features,0,properties,risky_stretches}', '[]'::jsonb, 'unknown is not risky'
);

-- From here to here.
select results_eq(
    $$
    select p -> 'label', p -> 'length_m', p -> 'duration_s', p #> '{steps,0,instruction}'
    from jsonb_path_query(tests.routes(50, 5, 50, 5), '$.features[*].properties') as p
    $$,
    $$values ('"shortest, balanced, safest"'::jsonb, '0.0'::jsonb, '0'::jsonb, '"Stay on High Street"'::jsonb)$$,
    'a walk of no length'
);
select is(
    jsonb_array_length(tests.routes(50, 5, 50, 5) #> '{features,0,geometry,coordinates}'), 2, 'is still a line of two positions'
);

-- What cannot be answered.
select throws_ok($$select tests.routes(0, 0, 0, -150)$$, 'SR012', null, 'no way leads in there');
select throws_ok($$select tests.routes(0, 0, 600, 500)$$, 'SR011', null, 'no street near the destination');
select throws_ok($$select tests.routes(0, 0, 40000, 0)$$, 'SR013', null, '40 km');
select throws_ok($$select tests.routes(9000, 0, 0, 0)$$, 'SR014', null, 'out of town');
select throws_ok($$select api.safe_routes(41.15, -8.64, 41.16, -8.65)$$, 'SR014', null, 'swapped');
select throws_ok($$select api.safe_routes('NaN', 41.15, -8.64, 41.15)$$, 'SR010', null, 'nowhere');
select throws_ok($$select api.safe_routes(-8.64, 41.15, -8.64, 91)$$, 'SR010', null, 'beyond the pole');
select throws_ok($$select api.safe_routes(-8.64, 41.15, -8.64, 41.15, '1923-01-01')$$, 'SR015', null, 'a century ago');
select throws_ok($$select api.safe_routes(-8.64, 41.15, -8.64, 41.15, null)$$, 'SR015', null, 'at no time');
select throws_ok(format('select tests.routes(0, 0, 600, 0, %L)', a), 'SR018', null, 'aversions ' || coalesce(a, 'null'))
from unnest(array['{}', null, '{-1}', '{NaN}', '{101}', '{null}', '{0,1,2,3,4,5}']) as a;

select * from finish();
rollback;
