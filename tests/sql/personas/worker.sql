-- The background tasks. Their queue is a schema of its own, which comes with them.
begin;
select plan(10);

select is_empty(
    $$select t from tests.tables_of('worker') as t where t not like 'pgmq.%'$$, 'they read no table but their queue'
);
select is_empty(
    $$select f from tests.functions_of('worker') as f where f not like 'pgmq.%' and f not like 'tasks.%'$$,
    'and call nothing of ours but what is made for them'
);
select is_empty(
    $$select p from tests.powers_of('worker') as p where p <> 'create in pgmq'$$, 'they become nobody'
);
set local session authorization worker;
select throws_ok($$select * from core.outbound_messages$$, '42501', null, 'messages are not theirs to read');
select throws_ok($$select * from core.contacts$$, '42501', null, 'nor are contacts');
select throws_ok($$select * from core.alert_deliveries$$, '42501', null, 'nor are the addresses of deliveries');
select is(tasks.claim_delivery(gen_random_uuid())::text, null, 'they claim what is queued');
select throws_ok(
    $$select tasks.note_provider_status('twilio', 'SM1', 'read')$$, '42501', null, 'but say nothing for the provider'
);
select throws_ok($$select api.my_journeys()$$, '42501', null, 'they are nobody''s app');
select throws_ok($$set role saferoute_owner$$, '42501', null, 'and no owner');
reset session authorization;

select * from finish();
rollback;
