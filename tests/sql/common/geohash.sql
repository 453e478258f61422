begin;
select plan(13);

select is(core.geohash(-77.0365, 38.8977), 'dqcjq', 'five characters unless asked otherwise');
select is(core.geohash(-77.0365, 38.8977, 12), 'dqcjqcpex2y4', 'up to twelve');
select is(core.geohash(180, 90), 'zzzzz', 'the corner of the world has a cell');
select throws_ok($$select core.geohash('NaN', 0)$$, 'SR010', null, 'NaN is nowhere');
select throws_ok($$select core.geohash(0, 0, 13)$$, 'SR018', null, 'no thirteen characters');

select is(
    core.geohash_box('dqcjr'),
    st_makeenvelope(-77.0361328125, 38.8916015625, -76.9921875, 38.935546875, 4326),
    'the box of a cell'
);
select throws_ok($$select core.geohash_box('DQCJR')$$, 'SR018', null, 'capital letters are no geohash');
select throws_ok($$select core.geohash_box('dqcja')$$, 'SR018', null, 'nor is the letter a');
select throws_ok($$select core.geohash_box('')$$, 'SR018', null, 'nor is nothing');

select is(core.geohash_neighbours('tnc8'), '{tnc9,tncc,tncb,tn9z,tn9x,tn9r,tnc2,tnc3}', 'from the north, clockwise');
select is((core.geohash_neighbours('xbpbp'))[3], '80000', 'east of the date line is west of it');
select is(core.geohash_neighbours('zzzzz'), '{null,null,bpbpb,bpbp8,zzzzx,zzzzw,zzzzy,null}', 'nothing lies beyond the pole');
select throws_ok($$select core.geohash_neighbours('!')$$, 'SR018', null, 'a bad geohash is named');

select * from finish();
rollback;
