-- Whoever has not answered is told again, tier by tier, until somebody takes care.
begin;
select plan(27);
create function pg_temp.alert(n integer) returns uuid language sql as $$select ('00000000-0000-7000-8000-00000000000' || n)::uuid$$;

select tests.name_contacts();
select tests.zoe();
select api.raise_sos(pg_temp.alert(1), lon => -77.03, lat => 38.9);
select tests.send_due();
select is(tests.escalate(), 0, 'before its time nobody is told again');
select tests.pass('61 seconds');
select is(tests.escalate(), 1, 'a minute later the next tier is');
select is(tests.escalate(), 0, 'once');
select set_eq(
    $$select tests.deliveries(pg_temp.alert(1))$$,
    '{Mum live 1 alert sent,Mum sms 1 alert sent,Ben email 1 alert sent,Joe sms 1 alert sent,Mum voice 2 alert queued,Joe voice 2 alert queued}'::text[],
    'by telephone'
);
select is(tests.events(pg_temp.alert(1)), '{raised,queued,queued}', 'the ledger has each tier');
select tests.send_due();
select tests.pass('2 minutes');
select tests.escalate();
select set_eq(
    $$select d from tests.deliveries(pg_temp.alert(1)) as d where d like '% 3 %'$$,
    '{Mum sms 3 alert queued,Joe sms 3 alert queued,Mum voice 3 alert queued,Joe voice 3 alert queued}'::text[],
    'then phones are told again'
);
select tests.pass('1 hour');
select tests.escalate();
select is(tests.escalate(), 0, 'up to the last tier');
select is(
    (
        select count(*) from tests.deliveries(pg_temp.alert(1)) as d
        where d like '% 4 %'
    ), 4::bigint, 'which is the fourth'
);

-- Sweeps that come late tell everything that is due, in order.
select tests.zoe();
select api.raise_sos(pg_temp.alert(2));
select tests.pass('4 minutes');
select is(tests.escalate(), 1, 'a sweep that comes late');
select is(
    (select array_agg(distinct substring(d from '\d')) from tests.deliveries(pg_temp.alert(2)) as d), '{1,2,3}',
    'tells every tier that is due'
);

-- Somebody takes care.
select tests.zoe();
select api.raise_sos(pg_temp.alert(3));
select tests.send_due();
select tests.mum();
select is(api.acknowledge_alert(pg_temp.alert(3)) ->> 'state', 'acknowledged', 'a contact takes care of it');
select is(api.acknowledge_alert(pg_temp.alert(3)) ->> 'acknowledged_by_you', 'true', 'and says so twice');
select set_eq(
    $$select tests.deliveries(pg_temp.alert(3))$$,
    '{Mum live 1 alert acknowledged,Mum sms 1 alert acknowledged,Ben email 1 alert sent,Joe sms 1 alert sent,Mum voice 2 alert cancelled,Joe voice 2 alert cancelled}'::text[],
    'what is not due is not sent any more'
);
select is(tests.escalate(), 1, 'the others hear of it');
select is(tests.escalate(), 0, 'once');
select set_eq(
    $$select d from tests.deliveries(pg_temp.alert(3)) as d where d like '% acknowledged queued'$$,
    '{Ben email 0 acknowledged queued,Joe sms 0 acknowledged queued}'::text[], 'by the channels they were told by'
);
select is(
    tests.told('00000000-0000-4000-8000-000000000001', 2), '{raised,acknowledged}', 'and so does the walker'
);
select tests.pass('1 hour');
select tests.escalate();
select is(
    (
        select count(*) from tests.deliveries(pg_temp.alert(3)) as d
        where d ~ ' [2-9] ' and d not like '% cancelled'
    ), 0::bigint,
    'nobody is told again, however late it gets'
);
select is(
    tests.events(pg_temp.alert(3)), '{raised,queued,acknowledged,queued}', 'the ledger knows who took care'
);

-- A DBA's own steps.
set local role operator;
select throws_ok(
    $$delete from ops.escalation_steps where cause = '*'$$, '23001', null, 'a DBA cannot change it so that nobody is told'
);
select throws_ok(
    $$update ops.escalation_steps set channels = '{pigeon}' where cause = '*'$$, '23514', null, 'nor by what there is not'
);
insert into ops.escalation_steps (cause, tier, after, who, channels) values
('sos', 1, '0', 'first', '{sms}'), ('sos', 2, '10 s', 'others', '{sms,email}');
select tests.zoe();
select api.raise_sos(pg_temp.alert(4));
select set_eq(
    $$select tests.deliveries(pg_temp.alert(4))$$,
    '{Mum sms 1 alert queued,Ben email 2 alert queued,Joe sms 2 alert queued}'::text[], 'a DBA may have the first contact told first'
);
select tests.zoe();
select api.raise_drill(pg_temp.alert(5));
select is(
    (
        select count(*) from tests.deliveries(pg_temp.alert(5)) as d
        where d like '% voice %'
    ), 0::bigint, 'a rehearsal calls nobody'
);

-- A contact who withdraws while it lasts.
reset role;
delete from core.escalation_steps
where cause = 'sos';
select tests.zoe();
select api.raise_sos(pg_temp.alert(7));
select api.withdraw_contact(split_part(tests.sent('+442079460125') ->> 'link', '#', 2));
select tests.pass('61 seconds');
select tests.escalate();
select set_eq(
    $$select d from tests.deliveries(pg_temp.alert(7)) as d where d like '% voice %'$$,
    '{Mum voice 2 alert queued,Joe voice 2 alert cancelled}'::text[], 'is not called any more'
);
reset role;
insert into core.escalation_steps (cause, tier, after, who, channels) values
('sos', 1, '0', 'first', '{sms}'), ('sos', 2, '10 s', 'others', '{sms,email}');

-- A contact who joins while it lasts.
select tests.zoe();
select api.raise_sos(pg_temp.alert(6));
select api.add_contact('00000000-0000-7000-8000-000000000014', 'Amy', 'sms', '+442079460126', 'Zoë');
select set_config('tests.amy', split_part(tests.sent('+442079460126') ->> 'link', '#', 2), true);
select api.accept_contact(current_setting('tests.amy'));
select tests.pass('11 seconds');
select tests.escalate();
select ok('Amy sms 2 alert queued' in (select tests.deliveries(pg_temp.alert(6))), 'is told from then on');
select api.withdraw_contact(current_setting('tests.amy'));
reset role;
delete from core.escalation_steps
where cause = 'sos';
select tests.pass('5 minutes');
select tests.escalate();
select is(
    (
        select count(*) from tests.deliveries(pg_temp.alert(6)) as d
        where d like 'Amy % 3 %'
    ), 0::bigint,
    'who has withdrawn is not told again'
);
reset role;
select is_empty($$select * from ops.verify_alert_chain()$$, 'all chains are whole');

select * from finish();
rollback;
