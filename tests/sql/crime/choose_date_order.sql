begin;
select plan(3);

insert into core.crime_staging values (2, '{3/2/2017}'), (3, '{4/2/2017}');
select core.choose_date_order(1);
select is('3/2/2017'::date, '2017-03-02', 'month first where both could be');

insert into core.crime_staging values (4, '{"25/2/2017 10:00"}');
select core.choose_date_order(1);
select is('3/2/2017'::date, '2017-02-03', 'day first where some date has no other meaning');

insert into core.crime_staging values (5, '{2/25/2017}');
select core.choose_date_order(1);
select is('3/2/2017'::date, '2017-03-02', 'month first where the file contradicts itself');

select * from finish();
rollback;
