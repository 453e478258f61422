begin;
select plan(10);

select is(
    core.encode_polyline('srid=4326;linestring(-120.2 38.5,-120.95 40.7,-126.453 43.252)'),
    '_p~iF~ps|U_ulLnnqC_mqNvxq`@', 'the example of the format''s publisher'
);
select is(
    st_asewkt(core.decode_polyline('_p~iF~ps|U_ulLnnqC_mqNvxq`@')),
    'SRID=4326;LINESTRING(-120.2 38.5,-120.95 40.7,-126.453 43.252)', 'and back'
);
select is(
    st_asewkt(core.decode_polyline('_izlhA~rlgdF_{geC~ywl@_kwzCn`{nI', 6)),
    'SRID=4326;LINESTRING(-120.2 38.5,-120.95 40.7,-126.453 43.252)', 'with six decimals'
);
select is(st_npoints(core.decode_polyline('gu`wFnfys@???nKgE??gE')), 5, 'repeated positions are kept');
select ok(st_isempty(core.decode_polyline('')), 'nothing is the empty line');
select throws_ok($$select core.decode_polyline('_p~iF~ps|U_')$$, 'SR016', null, 'a text that was cut');
select throws_ok($$select core.decode_polyline('_p~iF')$$, 'SR016', null, 'a latitude without its longitude');
select throws_ok($$select core.decode_polyline('no polyline')$$, 'SR016', null, 'a text with other letters');
select throws_ok($$select core.decode_polyline('_izlhA~rlgdF_{geC~ywl@_kwzCn`{nI', 5)$$, 'SR010', null, 'six decimals read as five leave the Earth');
select throws_ok($$select core.encode_polyline('srid=4326;point(0 0)')$$, 'SR016', null, 'a point is no line');

select * from finish();
rollback;
