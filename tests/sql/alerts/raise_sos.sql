-- A person calls for help: who is told, what is kept, and that nothing stops it.
begin;
select plan(37);

create function pg_temp.zoe() returns void language sql as $$select tests.authenticate_as('00000000-0000-4000-8000-000000000001')$$;
create function pg_temp.mum() returns void language sql as $$select tests.authenticate_as('00000000-0000-4000-8000-000000000002')$$;
create function pg_temp.deliveries(p_alert_id uuid) returns table (told text) language sql security definer
set search_path = core, public as $$
select concat_ws(' ', d.channel, d.address, d.tier, d.state, extract(epoch from d.due_at - a.due_at)::integer || ' s')
from core.alert_deliveries as d inner join core.alerts as a using (alert_id)
where d.alert_id = p_alert_id order by d.tier, d.channel, d.address
$$;
create function pg_temp.tasks() returns bigint language sql security definer as $$select count(*) from pgmq.q_alarm$$;
create function pg_temp.events(p_alert_id uuid) returns text[] language sql security definer set search_path = core, public as $$
select array_agg(e.event order by e.number) from core.alert_events as e where e.alert_id = p_alert_id
$$;

-- Nobody who could be told.
select pg_temp.zoe();
create temporary table answers (name text, answer json);
grant all on answers to public;
insert into answers values ('nobody', api.raise_sos('00000000-0000-7000-8000-000000000001'));
select is(answer ->> 'told', '0', 'without a contact who has accepted nobody is told, and the answer says so') from answers;
select is(answer ->> 'state', 'active', 'the call stands all the same') from answers;
select is(pg_temp.events('00000000-0000-7000-8000-000000000001'), '{raised}', 'and is kept in the ledger');

select api.add_contact('00000000-0000-7000-8000-000000000011', 'Mum', 'sms', '+442079460123', 'Zoë');
select api.add_contact('00000000-0000-7000-8000-000000000012', 'Ben', 'email', 'ben@mail.example', 'Zoë');
select api.add_contact('00000000-0000-7000-8000-000000000013', 'Joe', 'sms', '+442079460125', 'Zoë');
select set_config('tests.mum', split_part(tests.sent('+442079460123') ->> 'link', '#', 2), true);
select set_config('tests.ben', split_part(tests.sent('ben@mail.example') ->> 'link', '#', 2), true);
select throws_ok(
    $$select api.connect_contact(current_setting('tests.mum'))$$, 'SR018', null, 'nobody becomes a contact of their own'
);
select tests.call_anonymously();
select api.accept_contact(current_setting('tests.mum'));
select api.accept_contact(current_setting('tests.ben'));
select throws_ok(
    $$select api.connect_contact(current_setting('tests.mum'))$$, '42501', null, 'who is not signed in connects no account'
);
select pg_temp.mum();
select lives_ok($$select api.connect_contact(current_setting('tests.mum'))$$, 'a contact who has an account connects it');
select lives_ok($$select api.connect_contact(current_setting('tests.mum'))$$, 'twice as well');
select tests.authenticate_as('00000000-0000-4000-8000-000000000003');
select throws_ok(
    $$select api.connect_contact(current_setting('tests.mum'))$$, 'SR054', null, 'but nobody else after them'
);

-- Everybody who has accepted, by every channel they have.
select pg_temp.zoe();
insert into answers values ('first', api.raise_sos(
    '00000000-0000-7000-8000-000000000002', lon => -77.03, lat => 38.9, message => 'by the river'
));
select is(answer ->> 'told', '2', 'contacts who have accepted are told') from answers
where name = 'first';
select results_eq(
    $$select * from pg_temp.deliveries('00000000-0000-7000-8000-000000000002')$$,
    array[
        'email ben@mail.example 1 queued 0 s', 'live 1 sent 0 s', 'sms +442079460123 1 queued 0 s',
        'voice +442079460123 2 queued 60 s'
    ],
    'by every channel they have: in the app at once, calls a minute later'
);
select is(pg_temp.tasks(), 2::bigint, 'a task is queued for each message that is due');
select is(
    pg_temp.events('00000000-0000-7000-8000-000000000002'), '{raised,queued}', 'the ledger has it'
);
select is(
    (
        select answer::text from answers
        where name = 'first'
    ),
    api.raise_sos('00000000-0000-7000-8000-000000000002', lon => 1, lat => 1, message => 'another')::text,
    'the same id again returns the first result'
);
select is(pg_temp.tasks(), 2::bigint, 'and tells nobody again');

-- What they see.
select is(
    api.alerts_since() -> 'alerts' -> 1 ->> 'event', 'raised', 'the walker''s own app is told as well'
);
select pg_temp.mum();
select is(
    (api.alerts_since() -> 'alerts' -> 0)::jsonb - 'at' - 'raised_at',
    '{"type": "alert", "topic": "user:00000000-0000-4000-8000-000000000002", "seq": 1, "event": "raised", "drill": false,
    "alert_id": "00000000-0000-7000-8000-000000000002", "cause": "sos", "from_name": "Zoë", "lon": -77.03, "lat": 38.9,
    "message": "by the river"}'::jsonb,
    'the app of the contact is told where and by whom'
);
select is(api.alerts_since(1) ->> 'alerts', '[]', 'once');
select is(api.alert_status('00000000-0000-7000-8000-000000000002') ->> 'message', 'by the river', 'they see the alert');
select is(api.alert_status('00000000-0000-7000-8000-000000000002') ->> 'recipients', null, 'and not who else is told');
select throws_ok(
    $$select api.alert_status('00000000-0000-7000-8000-000000000001')$$, 'SR090', null, 'one they were not told of does not exist'
);
select throws_ok(
    $$select api.raise_sos('00000000-0000-7000-8000-000000000002')$$, 'SR091', null, 'the id of another person''s alert is refused'
);
select tests.authenticate_as('00000000-0000-4000-8000-000000000003');
select throws_ok(
    $$select api.alert_status('00000000-0000-7000-8000-000000000002')$$, 'SR090', null, 'a stranger sees nothing'
);
select throws_ok(
    $$select api.raise_sos('00000000-0000-7000-8000-000000000002')$$, 'SR091', null, 'and learns nothing from the id'
);
select is(api.alerts_since() ->> 'last_seq', '0', 'they are told of nothing');
select pg_temp.zoe();
select is(
    (
        select array_agg(concat(r ->> 'name', ' ', d ->> 'channel', ' ', d ->> 'state') order by r ->> 'name', d ->> 'channel')
        from json_array_elements(api.alert_status('00000000-0000-7000-8000-000000000002') -> 'recipients') as r,
            json_array_elements(r -> 'deliveries') as d
    ),
    '{Ben email queued,Mum live sent,Mum sms queued,Mum voice queued}', 'the walker sees every message to every contact'
);

-- What is wrong with it never stops a call.
select is(
    (api.raise_sos('00000000-0000-7000-8000-000000000003', lon => 500, lat => 38.9, journey_id => gen_random_uuid()))
    ::jsonb - 'raised_at' - 'told_from',
    '{"alert_id": "00000000-0000-7000-8000-000000000003", "cause": "sos", "journey_id": null, "state": "active", "told": 2,
    "acknowledged_at": null, "ended_at": null, "lon": null, "lat": null, "position_from": null, "message": null,
    "silent": false, "drill": false, "left_out": ["journey_id", "position"]}'::jsonb,
    'a position off the Earth and a foreign walk are left out, and named'
);
select is(
    api.raise_sos('00000000-0000-7000-8000-000000000004', lon => 'NaN', lat => 38.9, message => repeat('x', 2000)) ->> 'left_out',
    '["position", "end of message"]', 'so are no number and too many words'
);
select is(length(api.alert_status('00000000-0000-7000-8000-000000000004') ->> 'message'), 1000, 'the rest is kept');
select api.start_journey('00000000-0000-7000-8000-000000000021', -77.03, 38.9);
select api.record_points('00000000-0000-7000-8000-000000000021', json_build_array(
    json_build_object('recorded_at', now(), 'lon', -77.05, 'lat', 38.91),
    json_build_object('recorded_at', now() - interval '1 minute', 'lon', -77.04, 'lat', 38.9)
));
select is(
    (
        select concat_ws(' ', a ->> 'lon', a ->> 'lat', a ->> 'position_from', a ->> 'journey_id')
        from api.raise_sos('00000000-0000-7000-8000-000000000005', '00000000-0000-7000-8000-000000000021') as a
    ),
    '-77.05 38.91 journey 00000000-0000-7000-8000-000000000021', 'without a position it is the last one of the walk'
);
select is(
    api.raise_sos('00000000-0000-7000-8000-000000000006') ->> 'position_from', 'journey', 'also of one that was not named'
);
select isnt(api.raise_sos(null) ->> 'alert_id', null, 'even one without an id is raised');
select is(
    (api.raise_sos('00000000-0000-7000-8000-000000000007', silent => true) ->> 'silent'), 'true', 'silent ones say so to the app'
);
select is(
    (
        select count(*) from generate_series(1, 40) as n
        where api.raise_sos(gen_random_uuid()) ->> 'told' = '2'
    ), 40::bigint, 'and no number of them is too many'
);
select is(
    api.raise_drill('00000000-0000-7000-8000-000000000031') ->> 'drill', 'true', 'a rehearsal is one'
);
select is(
    api.alerts_since() -> 'alerts' -> -1 ->> 'drill', 'true', 'and says so wherever it is told'
);
reset role;

select is_empty($$select * from ops.verify_alert_chain()$$, 'all chains are whole');
select is(
    (select count(*) from core.inbox_entries),
    (select sum(i.last_sequence)::bigint from core.inboxes as i), 'and no inbox has a gap'
);

select * from finish();
rollback;
