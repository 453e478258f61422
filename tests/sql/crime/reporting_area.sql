begin;
select plan(6);

create function pg_temp.place(p_area text, p_east float8, p_north float8) returns void
language sql volatile
as $$
insert into core.crime_candidates (source, action, area, geom) values (
    'test', 'loaded', p_area,
    st_transform(st_setsrid(st_makepoint(322000 + p_east, 4307000 + p_north), 32618), 4326)
)
$$;
create function pg_temp.square_km() returns numeric
language sql stable
as $$
select round((st_area(core.reporting_area('test', 32618)::geography) / 1e6)::numeric, 1)
$$;

-- A square of 2 km, with a crime each 200 m; 250 m wider on each side that is 6.2 square kilometres.
select count(pg_temp.place('west', x * 200, y * 200)) from generate_series(0, 10) as x, generate_series(0, 10) as y;
select is(pg_temp.square_km(), 6.2, 'around the places of an area');
select count(pg_temp.place('west', 200, 200)) from generate_series(1, 500);
select is(pg_temp.square_km(), 6.2, 'however often one of them is named');
select pg_temp.place('west', 90000, 50000);
select is(pg_temp.square_km(), 6.2, 'a stray row does not stretch it');
select count(pg_temp.place('east', 20000 + x * 200, y * 200)) from generate_series(0, 10) as x, generate_series(0, 10) as y;
select is(pg_temp.square_km(), 12.4, 'two areas are two hulls, and nothing between them');
select pg_temp.place(null, 10000, 0);
select is(pg_temp.square_km(), 12.4, 'a row without an area belongs to none where others have one');
select is(
    (select concat_ws(' ', st_srid(a), st_isvalid(a), geometrytype(a)) from core.reporting_area('test', 32618) as a),
    '4326 t MULTIPOLYGON'
);

select * from finish();
rollback;
