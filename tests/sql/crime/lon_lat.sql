begin;
select plan(7);

select is(st_astext(core.lon_lat(-77.03, 38.9, 4326)), 'POINT(-77.03 38.9)');
select is(
    st_astext(core.lon_lat(394964.33, 140772.69, 26985), 4), 'POINT(-77.0581 38.9348)',
    'metres of Maryland: a block of Connecticut Avenue'
);
select is(st_astext(core.lon_lat(7645000, 684000, 2913), 2), 'POINT(-122.67 45.52)', 'feet of Oregon');
select is(core.lon_lat(500, 38.9, 4326), null);
select is(core.lon_lat(38.9, -177.03, 4326), null, 'swapped');
select is(core.lon_lat('NaN', 38.9, 4326), null);
select is(core.lon_lat(999999999, 999999999, 27700), null, 'beyond the projection');

select * from finish();
rollback;
