-- A set keeps the names it was registered with when pg_partman 4.7 becomes 5.
begin;
select plan(3);

update partman.part_config set datetime_string = 'YYYY_MM'
where parent_table = 'core.crime_data';
select is(
    core.make_period('core.crime_data', '1950-01-31 00:00+00')::text, 'core.crime_data_p1950_01', 'as 4.7 registered it'
);
update partman.part_config set datetime_string = 'YYYYMMDD'
where parent_table = 'core.crime_data';
select is(
    core.make_period('core.crime_data', '1950-02-28 00:00+00')::text, 'core.crime_data_p19500201', 'as 5 registered it'
);
delete from partman.part_config
where parent_table = 'core.crime_data';
select matches(
    core.period_suffix('core.crime_data', '1950-03-01 00:00+00'), '^_p1950_?03(01)?$',
    'not registered yet: as the installed version would name it'
);

select * from finish();
rollback;
