-- Queueing a task, as the owners of functions do, in the transaction of what caused it.
begin;
select plan(9);

set local role saferoute_api;
select lives_ok(
    $$select core.enqueue_task('alarm', 'deliver', '["00000000-0000-4000-8000-000000000001"]')$$,
    'what apps call queues an alarm'
);
select throws_ok('select message from pgmq.q_alarm', '42501', null, 'and reads none');
select throws_ok('delete from pgmq.q_alarm', '42501', null, 'nor removes any');
select throws_ok($$select core.enqueue_task('other', 'deliver', '[]')$$, '42P01', null, 'there are three queues');
set local role saferoute_auth;
select lives_ok($$select core.enqueue_task('default', 'send_message', '[1]')$$, 'signing up queues a message');
set local role saferoute_tasks;
select lives_ok(
    $$select core.enqueue_task('bulk', 'export', '["\u00e9", 2]', '1 hour')$$, 'a sweep queues what can wait'
);
set local role authenticated;
select throws_ok($$select core.enqueue_task('alarm', 'deliver', '[]')$$, '42501', null, 'nobody does by themself');
reset role;

-- The clock of reading is not the transaction's.
select is(
    (
        select convert_from(decode(r.message ->> 'body', 'base64'), 'UTF8')::jsonb
        from pgmq.read('alarm', 30, 10) as r
    ),
    '[["00000000-0000-4000-8000-000000000001"], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]',
    'a worker reads its arguments'
);
select is_empty($$select * from pgmq.read('bulk', 30, 10)$$, 'and not before its time');

select * from finish();
rollback;
