-- Messages are limited per number, prefix, country and spend, whoever asks.
begin;
select plan(25);

select is(core.calling_code(v.number), v.code, v.number)
from (
    values
    ('+12025550123', '1'), ('+77012345678', '7'), ('+442079460000', '44'), ('+351912345678', '351'),
    ('+37799995555', '377'), ('+919876543210', '91'), ('+8801712345678', '880'), ('+22670123456', '226')
) as v (number, code);
insert into core.message_costs (channel, country, cost) values ('sms', '1876', 0.30);
select is(core.message_country('+18765550123'), '1876', 'a part of a calling code can have a price of its own');
select is(core.message_prefix('email', 'a@b.example'), '@b.example', 'the neighbours of a mailbox are its domain');
select is(core.message_prefix('sms', '+442079460000'), '+44207946', 'those of a number differ in the last four digits');

update core.message_limits set amount = 3
where (channel, scope, period) = ('sms', 'number', '1 hour'::interval);
update core.message_limits set amount = 5
where (channel, scope) = ('sms', 'prefix');
update core.message_limits set amount = 8
where (channel, scope) = ('sms', 'country');
update core.message_limits set amount = 0.5
where (channel, scope) = ('sms', 'spend');

create function pg_temp.send(p_number text, p_times integer default 1) returns text
language sql
as $$
select string_agg(
    core.enqueue_message(null, 'sms', p_number, 'code', 'en', jsonb_build_object('code', '123456')), ' '
) from generate_series(1, p_times)
$$;
set local role saferoute_api;
select is(pg_temp.send('+442079460001', 4), 'queued queued queued number', 'one number');
select is(pg_temp.send('+442079460002', 3), 'queued queued prefix', 'its neighbours');
select is(pg_temp.send('+442079470001', 3) || ' ' || pg_temp.send('+442079480001'), 'queued queued queued country', 'its country');
select is(pg_temp.send('+351912345678', 3), 'queued queued spend', 'what all of them cost');
select is(
    core.enqueue_message(null, 'email', 'a@b.example', 'code', 'en', '{}'), 'queued', 'an e-mail has limits of its own'
);
select throws_ok($$select * from core.outbound_messages$$, '42501', null, 'the API reads no message');
select is_empty($$select message_id from core.outbound_messages$$, 'and finds none');
select throws_ok(
    $$select core.enqueue_message('00000000-0000-4000-8000-000000000001', 'email', 'a@c.example', 'code', 'en', '{}')$$,
    '42501', null, 'nobody sends in another name'
);
reset role;
select is(
    (
        select string_agg(m.address || ' ' || m.cost, ', ' order by m.message_id) from core.outbound_messages as m
        where m.country = '351'
    ),
    '+351912345678 0.05, +351912345678 0.05', 'what was refused was not written'
);

insert into core.message_limits (channel, scope, subject, period, amount) values ('sms', 'country', '7', '1 day', 0);
select is(pg_temp.send('+77012345678'), 'country', 'a country can be closed');
insert into core.message_limits (channel, scope, subject, period, amount) values ('email', 'prefix', '@b.example', '1 day', 0);
select is(core.enqueue_message(null, 'email', 'c@b.example', 'code', 'en', '{}'), 'prefix', 'or a domain');

-- An hour later.
update core.message_limits set amount = 10
where (channel, scope) = ('sms', 'spend');
update core.message_counts set expires_at = expires_at - interval '66 minutes';
select is(pg_temp.send('+442079460001', 3), 'queued queued queued', 'limits are over after their period');

update core.outbound_messages set created_at = created_at - interval '31 days'
where address = '+442079460002';
set local role saferoute_api;
select is(core.enqueue_message(null, 'email', 'd@e.example', 'code', 'en', '{}'), 'queued', 'whoever sends one');
reset role;
select is_empty($$select from core.outbound_messages where address = '+442079460002'$$, 'removes old ones');

select * from finish();
rollback;
