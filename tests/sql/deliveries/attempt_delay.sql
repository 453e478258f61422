-- How long is waited between two attempts.
begin;
select plan(5);

create temporary view waits as
select
    n as attempts,
    extract(epoch from core.attempt_delay(p, n, null)) as seconds
from core.delivery_policies as p, generate_series(1, 12) as n, generate_series(1, 200) as i
where p.channel = 'sms';

select is_empty('select * from waits where seconds < 0 or seconds > 2 and attempts = 1', 'at first up to first_wait');
select is_empty('select * from waits where seconds > 2 * power(2, attempts - 1)', 'then up to twice that, and so on');
select is_empty('select * from waits where seconds > 120', 'at most up to longest_wait');
select ok(
    (
        select max(w.seconds) - min(w.seconds) > 60 from waits as w
        where w.attempts = 12
    ),
    'and anything below: those that failed together do not come again together'
);
select results_eq(
    $$select a.after, extract(epoch from core.attempt_delay(p, 1, a.after))::integer
      from core.delivery_policies as p, (values (30), (86400)) as a (after) where p.channel = 'sms' order by 1$$,
    'values (30, 30), (86400, 300)',
    'not before the provider wants it, within reason'
);

select * from finish();
rollback;
