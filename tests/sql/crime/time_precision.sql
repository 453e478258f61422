begin;
select plan(6);

select is(core.time_precision('2017-10'), 'month');
select is(core.time_precision('2017-10-05'), 'day');
select is(core.time_precision('10/5/2017'), 'day');
select is(core.time_precision('10/5/2017 3:33:18 PM'), 'exact');
select is(core.time_precision('2017-10-05T15:33Z'), 'exact');
select is(core.time_precision('20171005T153300'), 'exact');

select * from finish();
rollback;
