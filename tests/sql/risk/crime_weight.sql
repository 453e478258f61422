begin;
select plan(4);

select is(core.crime_weight(8::smallint, '2000-01-01 00:00+00'), 8::float8, 'severity at the landmark');
select is(
    round((
        core.crime_weight(8::smallint, '2017-07-01 00:00+00') / core.crime_weight(8::smallint, '2015-07-02 00:00+00')
    )::numeric, 12), 2.000000000000,
    'half after 730 days'
);
select ok(core.crime_weight(1::smallint, '1916-01-01 00:00+00') > 0, 'a crime of 1916 does not underflow');
select ok(core.crime_weight(10::smallint, '2200-01-01 00:00+00') < 'infinity', 'decades ahead do not overflow');

select * from finish();
rollback;
