-- What workers do with a message about an alert: take it, say what became of it, and nothing twice.
begin;
select plan(52);

create function pg_temp.zoe() returns void language sql as $$select tests.authenticate_as('00000000-0000-4000-8000-000000000001')$$;
create function pg_temp.delivery(p_channel text) returns core.alert_deliveries language sql security definer
set search_path = core, public as $$
select d.* from core.alert_deliveries as d where d.channel = p_channel and d.tier = 1
$$;
create function pg_temp.events() returns text[] language sql security definer set search_path = core, public as $$
select array_agg(e.event order by e.number) from core.alert_events as e where e.number > 2
$$;
create function pg_temp.queued(p_queue text) returns bigint language sql security definer set search_path = core, public as $$
select case p_queue
    when 'alarm' then (select count(*) from pgmq.q_alarm) when 'default' then (select count(*) from pgmq.q_default)
end
$$;
create function pg_temp.lapse() returns void language sql security definer set search_path = core, public as $$
update core.alert_deliveries set
    claimed_until = claimed_until - interval '1 hour', next_attempt_at = next_attempt_at - interval '1 hour'
where tier = 1
$$;

select pg_temp.zoe();
select api.add_contact('00000000-0000-7000-8000-000000000011', 'Mum', 'sms', '+442079460123', 'Zoë');
select api.add_contact('00000000-0000-7000-8000-000000000012', 'Ben', 'email', 'ben@mail.example', 'Zoë');
select set_config('tests.mum', split_part(tests.sent('+442079460123') ->> 'link', '#', 2), true);
select set_config('tests.ben', split_part(tests.sent('ben@mail.example') ->> 'link', '#', 2), true);
select tests.call_anonymously();
select api.accept_contact(current_setting('tests.mum'));
select api.accept_contact(current_setting('tests.ben'));
select pg_temp.zoe();
select api.raise_sos('00000000-0000-7000-8000-000000000001', lon => -77.03, lat => 38.9, message => 'by the river');
reset role;
create temporary table claims (name text, claim json);
grant all on claims to public;

-- A claim.
set local role worker;
insert into claims values ('sms', tasks.claim_delivery((pg_temp.delivery('sms')).delivery_id));
select is(claim ->> 'address', '+442079460123', 'a claim says where to') from claims
where name = 'sms';
select is(claim ->> 'template', 'alert_sos', 'and which text') from claims
where name = 'sms';
select is(claim -> 'parameters' ->> 'from_name', 'Zoë', 'and what it names') from claims
where name = 'sms';
select is(claim -> 'parameters' ->> 'note', 'by the river', 'also what the walker wrote') from claims
where name = 'sms';
select matches(claim -> 'parameters' ->> 'link', '^http://127.0.0.1:18000/alert#[\w-]{43}$', 'and a link') from claims
where name = 'sms';
select is(
    (claim ->> 'idempotency_key')::uuid, (pg_temp.delivery('sms')).delivery_id, 'the provider gets the id of the delivery'
) from claims
where name = 'sms';
select is(claim ->> 'attempts', '1', 'it is the first attempt') from claims
where name = 'sms';
select is(tasks.claim_delivery((pg_temp.delivery('sms')).delivery_id)::text, null, 'nobody else gets it as long as the lease lasts');
select is(tasks.claim_delivery(gen_random_uuid())::text, null, 'what there is not is not claimed');
reset role;
select is_empty(
    $$select d from core.due_deliveries(10) as d where d = (pg_temp.delivery('sms')).delivery_id$$, 'nor found by the sweep'
);
select isnt_empty(
    $$select d from core.due_deliveries(10) as d where d = (pg_temp.delivery('email')).delivery_id$$,
    'which finds what nobody has claimed'
);
select is(
    (
        select count(*) from core.alert_links as l
        where l.delivery_id = (pg_temp.delivery('sms')).delivery_id
    ), 1::bigint,
    'of the link only a digest is kept'
);

-- The worker dies, and another comes.
select pg_temp.lapse();
set local role worker;
insert into claims values ('sms again', tasks.claim_delivery((pg_temp.delivery('sms')).delivery_id));
select is(claim ->> 'attempts', '2', 'once the lease is over another has it, and knows that it is not the first') from claims
where name = 'sms again';
select is(
    tasks.note_sent((
        select (claim ->> 'claim_id')::uuid from claims
        where name = 'sms'
    ), 'twilio', 'SM1'), false,
    'the first, should it live, learns that it was too slow'
);
select is((pg_temp.delivery('sms')).state, 'queued', 'and changes nothing');
select is(
    tasks.note_sent((
        select (claim ->> 'claim_id')::uuid from claims
        where name = 'sms again'
    ), 'twilio', 'SM1'), true,
    'the second says that it was sent'
);
select is(
    tasks.note_sent((
        select (claim ->> 'claim_id')::uuid from claims
        where name = 'sms again'
    ), 'twilio', 'SM1'), true,
    'twice, if need be'
);
select is((pg_temp.delivery('sms')).state, 'sent', 'so it is sent');
select is(pg_temp.events(), '{sent}', 'which stands in the ledger once');
select is(tasks.claim_delivery((pg_temp.delivery('sms')).delivery_id)::text, null, 'it is not sent again');

-- What the provider says later.
reset role;
set local role authenticator;
select is(tasks.note_provider_status('twilio', 'SM2', 'delivered'), false, 'what is unknown is said to be');
select is(tasks.note_provider_status('twilio', 'SM1', 'read'), true, 'it was read');
select is(tasks.note_provider_status('twilio', 'SM1', 'delivered'), true, 'the news before that comes late');
select is(tasks.note_provider_status('twilio', 'SM1', 'read'), true, 'or twice');
select is(tasks.note_provider_status('twilio', 'SM1', 'failed'), true, 'or is wrong');
select is((pg_temp.delivery('sms')).state, 'read', 'and changes nothing');
select isnt((pg_temp.delivery('sms')).delivered_at, null, 'what was read was delivered');
select is(pg_temp.events(), '{sent,read}', 'each step stands in the ledger once');
select throws_ok($$select tasks.claim_delivery(gen_random_uuid())$$, '42501', null, 'the API claims nothing');

-- A failure.
reset role;
select set_config('tests.queued', pg_temp.queued('alarm')::text, true);
set local role worker;
insert into claims values ('email', tasks.claim_delivery((pg_temp.delivery('email')).delivery_id));
select is(
    tasks.note_failed((
        select (claim ->> 'claim_id')::uuid from claims
        where name = 'email'
    ), 'HTTP 429', 30, false), true,
    'a failure is noted'
);
select is((pg_temp.delivery('email')).state, 'queued', 'it is tried again');
select cmp_ok(
    (pg_temp.delivery('email')).next_attempt_at, '>', clock_timestamp() + interval '29 s', 'no sooner than the provider wants'
);
select is(pg_temp.queued('alarm'), current_setting('tests.queued')::bigint + 1, 'by a task that waits as long');
select is(
    tasks.note_failed((
        select (claim ->> 'claim_id')::uuid from claims
        where name = 'email'
    ), 'again', null, false), false,
    'once it is told, a claim is over'
);
select is(tasks.claim_delivery((pg_temp.delivery('email')).delivery_id)::text, null, 'before its time nobody claims it');
reset role;
select pg_temp.lapse();
update core.alert_deliveries as d set attempts = p.attempts - 1
from core.delivery_policies as p
where d.channel = 'email' and p.channel = 'email';
set local role worker;
select ok(
    tasks.note_failed(
        (tasks.claim_delivery((pg_temp.delivery('email')).delivery_id) ->> 'claim_id')::uuid, 'HTTP 500', null, false
    ),
    'it fails for the last time'
);
reset role;
select results_eq(
    'select channel, error, attempts from ops.dead_letters', $$values ('email', 'HTTP 500', 8::smallint)$$,
    'an operator finds what was given up'
);
select is(pg_temp.events(), '{sent,read,failed,failed}', 'and the ledger tells each attempt');
select is_empty('select * from ops.verify_alert_chain()', 'its chain is whole');

-- An operator has it sent again.
set local role operator;
select is(ops.replay_dead_letter((pg_temp.delivery('email')).delivery_id), true, 'an operator has it sent again');
reset role;
set local role worker;
insert into claims values ('faster', tasks.claim_delivery((pg_temp.delivery('email')).delivery_id));
select is(claim ->> 'attempts', '2', 'and the provider is asked first, as it may have it') from claims
where name = 'faster';

-- A provider that is faster than the worker that asked it.
reset role;
set local role authenticator;
select is(
    tasks.note_provider_status('mail', 'M1', 'delivered', (pg_temp.delivery('email')).delivery_id), true,
    'a message is found by its key too'
);
reset role;
set local role worker;
select is((pg_temp.delivery('email')).state, 'delivered', 'and delivered before its worker said that it was sent');
select is(
    tasks.note_sent((
        select (claim ->> 'claim_id')::uuid from claims
        where name = 'faster'
    ), 'mail', 'M1'), true,
    'whose word comes late'
);
select is(
    pg_temp.events(), '{sent,read,failed,failed,replayed,sent,delivered}', 'and changes nothing'
);
reset role;

-- A browser that its owner has removed meanwhile.
update core.alert_deliveries set
    state = 'queued', claimed_until = null, next_attempt_at = clock_timestamp(), endpoint_id = gen_random_uuid()
where channel = 'email';
set local role worker;
select is(
    tasks.claim_delivery((pg_temp.delivery('email')).delivery_id)::text, null, 'nothing goes to a browser that was removed'
);
reset role;
select is((pg_temp.delivery('email')).error, 'the browser or webhook was removed', 'and the ledger says why');

-- A browser that its push service calls gone is told nothing more; a webhook may only be misplaced.
insert into core.notification_endpoints (endpoint_id, user_id, channel, url, p256dh, auth, secret) values
(gen_random_uuid(), '00000000-0000-4000-8000-000000000009', 'web_push', 'https://x.example/push', 'key', 'key', null),
(gen_random_uuid(), '00000000-0000-4000-8000-000000000009', 'webhook', 'https://x.example/hook', null, null, 'secret');
insert into core.alert_deliveries (
    delivery_id, alert_id, contact_id, channel, address, address_digest, language, tier, due_at, next_attempt_at,
    claim_id, claimed_until, attempts, endpoint_id, from_name
)
select
    gen_random_uuid(),
    '00000000-0000-7000-8000-000000000001',
    gen_random_uuid(),
    e.channel,
    e.url,
    '',
    'en',
    1,
    now(),
    now(),
    gen_random_uuid(),
    now() + interval '1 hour',
    1,
    e.endpoint_id,
    'Zoë'
from core.notification_endpoints as e;
select set_config('tests.claims', (
    select string_agg(d.claim_id::text, ' ') from core.alert_deliveries as d
    where d.endpoint_id in (select e.endpoint_id from core.notification_endpoints as e)
), true);
set local role worker;
select ok(bool_and(tasks.note_failed(c.claim_id::uuid, 'endpoint gone', null, true)), 'both are given up')
from unnest(string_to_array(current_setting('tests.claims'), ' ')) as c (claim_id);
reset role;
select is((select array_agg(e.channel) from core.notification_endpoints as e), '{webhook}', 'a browser that is gone is forgotten');

-- What has been kept long enough.
update core.alert_links set made_at = now() - interval '31 days';
insert into core.inbox_entries (user_id, sequence, alert_id, event, message, told_at)
select
    gen_random_uuid(),
    n,
    gen_random_uuid(),
    'raised',
    '{}',
    now() - make_interval(days => 28 + n)
from generate_series(1, 4) as n;
select set_config('tests.links', (select count(*) from core.alert_links)::text, true);
set local role worker;
select is(
    tasks.tidy(100), current_setting('tests.links')::integer + 2, 'entries of inboxes and links go after 30 days'
);
select is(tasks.tidy(100), 0, 'once');
reset role;
select is((select min(e.told_at) > now() - interval '31 days' from core.inbox_entries as e), true, 'what is younger stays');

select * from finish();
rollback;
