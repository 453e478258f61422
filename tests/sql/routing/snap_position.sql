-- Walks begin at the nearest point of the nearest connected street.
begin;
select plan(7);

select tests.add_streets();

create function pg_temp.snap(p_x float8, p_y float8) returns text
language sql stable
as $$
select format('%s %s %s', s.edge_id % 1000000000, round(s.fraction::numeric, 2), round(s.distance_m::numeric))
from core.cities as c cross join lateral core.snap_position(c, tests.town_point(p_x, p_y)) as s
$$;

select is(pg_temp.snap(50, 10), '1 0.25 10', 'a quarter along High Street, 10 m off it');
select is(pg_temp.snap(-450, 0), '8 0.00 50', 'before its beginning');
select is(pg_temp.snap(500, 60), '7 0.48 9', 'the slanted street is nearer than the one whose box is');
select is(pg_temp.snap(300, 299), '5 0.50 199', 'far, but not too far');
select throws_ok($$select pg_temp.snap(300, 401)$$, 'SR011', null, 'beyond 300 m');
select throws_ok($$select pg_temp.snap(1900, 1900)$$, 'SR011', null, 'nothing around at all');

update core.road_links set city_id = city_id + 1
where edge_id % 1000000000 = 1;
select isnt(pg_temp.snap(50, 10), '1 0.25 10', 'streets of another city are not walked on');

select * from finish();
rollback;
