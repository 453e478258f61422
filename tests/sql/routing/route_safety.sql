-- Judging a walk that somebody brings along.
begin;
select plan(18);

select tests.add_streets();

create function pg_temp.line(variadic p_corners float8[]) returns geometry
language sql stable
as $$
select st_makeline(tests.town_point(p_corners[i], p_corners[i + 1]) order by i)
from generate_series(1, cardinality(p_corners), 2) as i
$$;

create function pg_temp.judge(p_route text) returns jsonb
language sql stable
as $$
select api.route_safety(p_route, '2020-06-01 22:30+01')
$$;

create temporary table answers as
select pg_temp.judge(st_asgeojson(pg_temp.line(0, 3, 600, 3))) as a;

select results_eq(
    $$
    select (a ->> 'score')::numeric, round((a ->> 'risk')::numeric, 2), round((a ->> 'exposure')::numeric),
        (a ->> 'covered_share')::numeric, round((a ->> 'length_m')::numeric)
    from answers
    $$,
    $$values (67::numeric, 0.33, 200::numeric, 1.0, 600::numeric)$$,
    'a third of the way is of risk 1'
);
select results_eq(
    $$
    select round((s ->> 'from_m')::numeric), round((s ->> 'to_m')::numeric), round((s ->> 'risk')::numeric)
    from answers cross join lateral jsonb_array_elements(a -> 'segments') as s
    $$,
    $$
    values (0::numeric, 100::numeric, 0::numeric), (100, 200, 0), (200, 300, 1), (300, 400, 1), (400, 500, 0),
    (500, 600, 0), (600, 600, 0)
    $$,
    'in pieces of 100 m; the last one is what remains'
);
select is(
    (
        select round(sum(st_length(st_geomfromgeojson(s -> 'geometry')::geography)))
        from answers cross join lateral jsonb_array_elements(a -> 'segments') as s
    ), 600::float8,
    'each with its line'
);
select is(
    pg_temp.judge(json_build_object('type', 'Feature', 'geometry', st_asgeojson(pg_temp.line(0, 3, 600, 3))::json)::text) -> 'risk',
    (select a -> 'risk' from answers), 'a Feature is read too'
);
select
    is(
        (pg_temp.judge(core.encode_polyline(pg_temp.line(0, 3, 600, 3), p)) -> 'score'),
        (select a -> 'score' from answers), 'and a polyline of precision ' || p
    )
from generate_series(5, 6) as p;
select is(
    (pg_temp.judge(st_asgeojson(pg_temp.line(-300, 0, -100, 0)))) -> 'score', 'null'::jsonb, 'nobody reports here: no score'
);
select is(
    (pg_temp.judge(st_asgeojson(pg_temp.line(-300, 0, -100, 0))) ->> 'risk')::numeric, 0.5, 'and the mean risk'
);
select is(
    round((pg_temp.judge(st_asgeojson(pg_temp.line(-200, 0, 200, 0))) ->> 'covered_share')::numeric, 2), 0.50, 'half of it known'
);
select is(
    (pg_temp.judge(st_asgeojson(pg_temp.line(0, 1000, 200, 1000))) ->> 'covered_share')::numeric, 0.0,
    'across the fields, nothing is'
);

select throws_ok($$select pg_temp.judge('{"type": "Point", "coordinates": [1, 2]}')$$, 'SR016', null, 'a point');
select throws_ok($$select pg_temp.judge('{"type": "LineString", "coordinates": [["a", 2], [1, 2]]}')$$, 'SR016', null, 'letters');
select throws_ok($$select pg_temp.judge('{"type": "LineString"')$$, 'SR016', null, 'cut short');
select throws_ok($$select pg_temp.judge('')$$, 'SR016', null, 'nothing');
select throws_ok($$select pg_temp.judge(null)$$, 'SR016', null, 'null');
select throws_ok($$select pg_temp.judge('{"type": "LineString", "coordinates": [[1, 2], [1, 2.001]]}')$$, 'SR014', null, 'at sea');
select throws_ok(
    $$select pg_temp.judge(json_build_object('type', 'LineString', 'coordinates', (
        select json_agg(json_build_array(-8.64, 41.15 + i / 1e6)) from generate_series(1, 5001) as i))::text)$$,
    'SR017', null, '5,001 positions'
);
select throws_ok(
    $$select api.route_safety(st_asgeojson(pg_temp.line(0, 0, 100, 0)), '2200-01-01')$$, 'SR015', null, 'in 2200'
);

select * from finish();
rollback;
