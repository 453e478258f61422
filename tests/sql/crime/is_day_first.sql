begin;
select plan(3);

insert into core.crime_staging values (2, '{3/2/2017}'), (3, '{4/2/2017}');
select ok(not core.is_day_first(1), 'month first where both could be');

insert into core.crime_staging values (4, '{"25/2/2017 10:00"}');
select ok(core.is_day_first(1), 'day first where some date has no other meaning');

insert into core.crime_staging values (5, '{2/25/2017}');
select ok(not core.is_day_first(1), 'month first where the file contradicts itself');

select * from finish();
rollback;
