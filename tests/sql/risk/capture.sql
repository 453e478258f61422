-- What the triggers of core.crime_data keep for the next refresh.
begin;
select plan(5);

insert into core.crime_categories values ('capture test', 3, 'other', false);
select core.make_period('core.crime_data', month, '{dqcj}')
from (values ('1950-01-01 00:00+00'::timestamptz), ('1950-02-01 00:00+00')) as m (month);
truncate core.crime_changes;

insert into core.crime_data (source, source_id, occurred_at, cell, time_precision, category, published_category, geom)
values
('test', '1', '1950-01-02 00:00+00', 'dqcjr', 'exact', 'capture test', 'x', 'srid=4326;point(-77.03 38.9)'),
('test', '2', '1950-02-02 00:00+00', 'dqcjr', 'exact', 'capture test', 'x', 'srid=4326;point(-77.03 38.9)');
select results_eq(
    $$select sign::integer, occurred_at from core.crime_changes order by change_id$$,
    $$values (1, '1950-01-02 00:00+00'::timestamptz), (1, '1950-02-02 00:00+00')$$, 'an insert adds'
);

truncate core.crime_changes;
update core.crime_data set occurred_at = '1950-02-03 00:00+00', cell = 'ezs42'
where source_id = '1';
select results_eq(
    $$select sign::integer, occurred_at from core.crime_changes order by change_id$$,
    $$values (-1, '1950-01-02 00:00+00'::timestamptz), (1, '1950-02-03 00:00+00')$$,
    'a correction that moves to another partition takes away and adds'
);

truncate core.crime_changes;
delete from core.crime_data
where source = 'test' and source_id = '2';
select results_eq(
    $$select sign::integer, occurred_at from core.crime_changes order by change_id$$,
    $$values (-1, '1950-02-02 00:00+00'::timestamptz)$$, 'a delete takes away'
);

truncate core.crime_changes;
select core.add_leaf(p.period, 'ezs4') from core.periods('core.crime_data') as p
where p.lower_bound = '1950-02-01 00:00+00';
select is_empty('select from core.crime_changes', 'rows that move to a new leaf are no change');
select throws_ok(
    $$set local role saferoute_api; select core.refresh_risk()$$, '42501', null, 'the API cannot refresh'
);

select * from finish();
rollback;
