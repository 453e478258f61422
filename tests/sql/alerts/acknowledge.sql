-- Taking care of an alert without an account: by the link in a message, by answering a text, by a key in a call.
begin;
select plan(31);
create function pg_temp.alert(n integer) returns uuid language sql as $$select ('00000000-0000-7000-8000-00000000020' || n)::uuid$$;
-- A link as it stands in a message.
create function pg_temp.link(p_alert_id uuid, p_contact text, p_token text) returns void language sql security definer
set search_path = core, public as $$
insert into core.alert_links (digest, alert_id, contact_id, user_id, delivery_id)
select sha256(convert_to(p_token, 'UTF8')), d.alert_id, d.contact_id, d.user_id, d.delivery_id
from core.alert_deliveries as d inner join core.contacts as c using (contact_id)
where d.alert_id = p_alert_id and c.name = p_contact and d.kind = 'alert' order by d.tier, d.channel limit 1
$$;
create function pg_temp.delivery(p_alert_id uuid, p_contact text, p_channel text) returns uuid language sql security definer
set search_path = core, public as $$
select d.delivery_id from core.alert_deliveries as d inner join core.contacts as c using (contact_id)
where d.alert_id = p_alert_id and c.name = p_contact and d.channel = p_channel order by d.tier limit 1
$$;
create function pg_temp.means(p_alert_id uuid) returns text[] language sql security definer set search_path = core, public as $$
select array_agg(e.content ->> 'means' order by e.number) from core.alert_events as e
where e.alert_id = p_alert_id and e.event = 'acknowledged'
$$;

select tests.name_contacts();
select tests.zoe();
select api.raise_sos(pg_temp.alert(1), lon => -77.03, lat => 38.9, message => 'by the river');
select api.raise_sos(pg_temp.alert(2));
select tests.send_due();
select set_config('request.contact_link', '', true);
select pg_temp.link(pg_temp.alert(1), 'Ben', 'ben');
select pg_temp.link(pg_temp.alert(1), 'Joe', 'joe');

-- The link.
select tests.call_anonymously();
select throws_ok($$select api.alert_by_link('guessed')$$, 'SR054', null, 'a link that was not sent opens nothing');
select throws_ok($$select api.alert_by_link(null)$$, 'SR054', null, 'nor does none');
select is(
    api.alert_by_link('ben')::jsonb - '{raised_at}'::text[],
    '{"alert_id": "00000000-0000-7000-8000-000000000201", "from_name": "Zoë", "language": "en", "cause": "sos", "state": "active",
    "duress": false, "drill": false, "acknowledged_at": null, "acknowledged_by_you": false, "ended_at": null,
    "lon": -77.03, "lat": 38.9, "message": "by the river"}'::jsonb,
    'who was sent a link sees who calls and where, and nobody else'
);
select throws_ok($$select api.alert_status('00000000-0000-7000-8000-000000000201')$$, '42501', null, 'the id alone shows nothing');
select throws_ok($$select api.acknowledge_alert('00000000-0000-7000-8000-000000000201')$$, '42501', null, 'and does nothing');
select is(api.acknowledge_by_link('ben') ->> 'acknowledged_by_you', 'true', 'they take care');
select is(api.acknowledge_by_link('ben') ->> 'acknowledged_by_you', 'true', 'once');
select is(api.alert_by_link('joe') ->> 'state', 'acknowledged', 'others see that somebody does');
select is(api.alert_by_link('joe') ->> 'acknowledged_by_you', 'false', 'and that it is not them');
select is(api.acknowledge_by_link('joe') ->> 'acknowledged_by_you', 'true', 'they may as well');
select is(pg_temp.means(pg_temp.alert(1)), '{link,link}', 'the ledger has both');
reset role;
set local role saferoute_api;
select is(
    (select array_agg(alert_id) from core.alerts), array[pg_temp.alert(1)],
    'behind the API a link opens one alert, whatever a function asks for'
);
select is_empty($$select * from core.contacts$$, 'and no contact');
select is_empty($$select * from core.inbox_entries$$, 'and no inbox');
reset role;
update core.alert_links set made_at = made_at - interval '31 days'
where digest = sha256('joe');
select tests.call_anonymously();
select throws_ok($$select api.alert_by_link('joe')$$, 'SR054', null, 'a link opens for a month');

-- A text.
set local role authenticator;
select is(
    tasks.note_reply('twilio', '+442079460125', 'Who is this?') ->> 'result', 'not_understood', 'a question takes no care'
);
select is(
    tasks.note_reply('twilio', '+442079460125', E' Ok! \n')::jsonb,
    '{"result": "acknowledged", "language": "en", "from_name": "Zoë", "drill": false}', 'OK does'
);
select is(tasks.note_reply('twilio', '+442079460125', 'ok') ->> 'result', 'acknowledged', 'twice as well');
select is(
    tasks.note_reply('twilio', '+442079460999', 'ok')::text, '{"result" : "unknown"}', 'of a number that was told nothing nothing is said'
);
select throws_ok($$select core.note_reply('twilio', '+442079460125', 'ok')$$, '42501', null, 'the API has no other way in');
reset role;
select is(pg_temp.means(pg_temp.alert(2)), '{sms}', 'it is about the open alert they heard of last');
select is_empty(
    $$select * from core.alert_events where content::text like '%Who is%' or content::text like '%+44%'$$, 'neither text nor number is kept'
);

-- A call.
select tests.zoe();
select api.raise_sos(pg_temp.alert(3));
select tests.pass('1 minute');
select tests.escalate();
select tests.send_due();
set local role authenticator;
select is(
    tasks.note_keypress(pg_temp.delivery(pg_temp.alert(3), 'Joe', 'voice'), '5') ->> 'result', 'not_understood', 'five is no answer'
);
select is(
    tasks.note_keypress(pg_temp.delivery(pg_temp.alert(3), 'Joe', 'voice'), '1') ->> 'result', 'acknowledged', 'one is'
);
select is(
    tasks.note_keypress(pg_temp.delivery(pg_temp.alert(3), 'Joe', 'sms'), '1') ->> 'result', 'unknown', 'a text has no keys'
);
select is(tasks.note_keypress(gen_random_uuid(), '1') ->> 'result', 'unknown', 'nor has a call that there was not');
reset role;
select is(pg_temp.means(pg_temp.alert(3)), '{voice}', 'the ledger says how');

-- After the end.
select tests.zoe();
select api.resolve_alert(pg_temp.alert(n)) from generate_series(1, 3) as n;
select tests.call_anonymously();
select throws_ok($$select api.acknowledge_by_link('ben')$$, 'SR092', null, 'what has ended needs no care');
select is(api.alert_by_link('ben') ->> 'state', 'resolved', 'the link says so');
set local role authenticator;
select is(tasks.note_reply('twilio', '+442079460125', 'ok') ->> 'result', 'ended', 'and so does the answer to a text');
reset role;
select is_empty($$select * from ops.verify_alert_chain()$$, 'all chains are whole');

select * from finish();
rollback;
