-- What workers do with a code or a link that is to be sent, and that nothing of it stays.
begin;
select plan(14);

create function pg_temp.message() returns core.outbound_messages language sql security definer
set search_path = core, public as $$
select m.* from core.outbound_messages as m order by m.message_id desc limit 1
$$;
create function pg_temp.request() returns void language sql security definer set search_path = core, public as $$
select core.enqueue_message(null, 'sms', '+442079460123', 'verify', 'en', '{"code": "123456"}')
$$;

select pg_temp.request();
select is((select count(*) from pgmq.q_default), 1::bigint, 'a message comes with the task that sends it');
create temporary table claims (claim json);
grant all on claims to public;
set local role worker;
insert into claims values (tasks.claim_message((pg_temp.message()).message_id));
select is(claim ->> 'address', '+442079460123', 'a claim says where to') from claims;
select is(claim -> 'parameters' ->> 'code', '123456', 'and what the text names') from claims;
select is(tasks.claim_message((pg_temp.message()).message_id)::text, null, 'one worker has it');
select ok(
    tasks.note_message_failed((claim ->> 'claim_id')::uuid, 'HTTP 500', 60, false), 'a failure is noted'
) from claims;
select is((pg_temp.message()).status, 'queued', 'it is tried again');
select cmp_ok((pg_temp.message()).next_attempt_at, '>', clock_timestamp() + interval '59 s', 'no sooner than is wanted');
reset role;
update core.outbound_messages set next_attempt_at = clock_timestamp();
set local role worker;
delete from claims;
insert into claims values (tasks.claim_message((pg_temp.message()).message_id));
select ok(tasks.note_message_sent((claim ->> 'claim_id')::uuid, 'twilio', 'SM1'), 'it is sent') from claims;
select is((pg_temp.message()).parameters, '{}', 'and the code in it is forgotten');
select is((pg_temp.message()).status, 'sent', 'not that it went');
reset role;

-- Too late.
select pg_temp.request();
update core.outbound_messages set not_after = clock_timestamp()
where status = 'queued';
set local role worker;
select is(tasks.claim_message((pg_temp.message()).message_id)::text, null, 'what is of no use any more is not sent');
select is((pg_temp.message()).status, 'failed', 'but given up');
select is((pg_temp.message()).parameters, '{}', 'and the code is forgotten');
select is(tasks.nudge(10), 0, 'the sweep finds nothing of it');
reset role;

select * from finish();
rollback;
