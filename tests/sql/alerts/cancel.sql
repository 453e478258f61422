-- Taking a call for help back: the countdown, the code, and the code that only looks like it.
begin;
select plan(44);
create function pg_temp.alert(n integer) returns uuid language sql as $$select ('00000000-0000-7000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid$$;
-- An answer without what differs from call to call.
create function pg_temp.bare(p_answer json) returns jsonb language sql as $$
select p_answer::jsonb - '{alert_id,raised_at,told_from,ended_at,seq,at}'::text[]
$$;
-- All that the walker can ask about an alert, without ids and times.
create function pg_temp.seen(p_alert_id uuid) returns text language sql as $$
select regexp_replace(concat(
    api.alert_status(p_alert_id),
    (select string_agg((m::jsonb - 'seq')::text, ' ' order by (m ->> 'seq')::bigint)
    from json_array_elements(api.alerts_since(0) -> 'alerts') as m where m ->> 'alert_id' = p_alert_id::text)
), '"\d{4}-\d\d-\d\dT[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}', '?', 'g')
$$;

select tests.name_contacts();
select tests.zoe();
select is(api.my_alert_settings()::jsonb, '{"countdown_s": 0, "has_code": false}', 'at first everybody is told at once');
select throws_ok($$select api.set_alert_settings(countdown_s => 61)$$, 'SR018', null, 'a countdown is a minute at most');
select throws_ok($$select api.set_alert_settings(cancel_code => '12a4')$$, 'SR018', null, 'a code has digits');
select throws_ok($$select api.set_alert_settings(duress_code => '1234')$$, 'SR018', null, 'a duress code needs another');
select throws_ok(
    $$select api.set_alert_settings(cancel_code => '1234', duress_code => '1234')$$, 'SR018', null, 'that is not the same'
);

-- Without a code.
select api.raise_sos(pg_temp.alert(1));
select tests.send_due();
select is(api.cancel_sos(pg_temp.alert(1)) ->> 'state', 'cancelled', 'a call can be cancelled');
select is(api.cancel_sos(pg_temp.alert(1)) ->> 'state', 'cancelled', 'twice as well');
select throws_ok(format('select api.resolve_alert(%L)', pg_temp.alert(1)), 'SR092', null, 'and not be resolved afterwards');
select tests.escalate();
select set_eq(
    $$select d from tests.deliveries(pg_temp.alert(1)) as d where d not like '%sent'$$,
    '{Mum voice 2 alert cancelled,Joe voice 2 alert cancelled,Mum sms 0 cancelled queued,Ben email 0 cancelled queued,Joe sms 0 cancelled queued}'::text[],
    'who was told hears of it, nobody is told any more'
);
select is(
    tests.told('00000000-0000-4000-8000-000000000002'), '{raised,cancelled}', 'the app of the contact too'
);
select is(tests.told('00000000-0000-4000-8000-000000000001'), '{raised,cancelled}', 'and the walker''s other phone');
select tests.mum();
select throws_ok(
    format('select api.acknowledge_alert(%L)', pg_temp.alert(1)), 'SR092', null, 'it cannot be acknowledged any more'
);
select throws_ok(format('select api.cancel_sos(%L)', pg_temp.alert(1)), 'SR090', null, 'a contact cancels nothing');
select tests.authenticate_as('00000000-0000-4000-8000-000000000003');
select throws_ok(format('select api.cancel_sos(%L)', pg_temp.alert(1)), 'SR090', null, 'nor does a stranger');
select throws_ok(format('select api.resolve_alert(%L)', pg_temp.alert(1)), 'SR090', null, 'who resolves nothing');
select throws_ok(format('select api.acknowledge_alert(%L)', pg_temp.alert(1)), 'SR090', null, 'or acknowledges');

-- Safe.
select tests.zoe();
select api.raise_sos(pg_temp.alert(2));
select tests.send_due();
select is(api.resolve_alert(pg_temp.alert(2)) ->> 'state', 'resolved', 'whoever is safe resolves it');
select tests.escalate();
select is(tests.told('00000000-0000-4000-8000-000000000002', 2), '{raised,resolved}', 'the contacts hear of it');

-- The countdown.
select api.set_alert_settings(countdown_s => 10);
select tests.zoe();
select is(api.raise_sos(pg_temp.alert(3)) ->> 'state', 'countdown', 'with a countdown nobody is told yet');
select is(tests.told('00000000-0000-4000-8000-000000000002', 4), null, 'not in the app');
select tests.escalate();
select is(tests.told('00000000-0000-4000-8000-000000000002', 4), null, 'however often it is swept');
select tests.zoe();
select is(api.cancel_sos(pg_temp.alert(3)) ->> 'state', 'cancelled', 'it can be taken back');
select tests.pass('1 hour');
select tests.escalate();
select is(
    (
        select count(*) from tests.deliveries(pg_temp.alert(3)) as d
        where d not like '% cancelled'
    ), 0::bigint,
    'and nobody ever hears of it'
);
select is(tests.events(pg_temp.alert(3)), '{raised,cancelled}', 'but the ledger');
select tests.zoe();
select api.raise_sos(pg_temp.alert(4));
select tests.pass('11 seconds');
select tests.escalate();
select is(
    tests.told('00000000-0000-4000-8000-000000000002', 4), '{raised}', 'if the phone dies in the countdown they are told all the same'
);
select tests.zoe();
select is(api.alert_status(pg_temp.alert(4)) ->> 'state', 'active', 'and it is no countdown any more');

-- The code.
select api.set_alert_settings(countdown_s => 0, cancel_code => '2580', duress_code => '1470');
select is(api.my_alert_settings()::jsonb, '{"countdown_s": 0, "has_code": true}', 'nobody can ask whether there is a duress code');
select throws_ok(
    $$select api.set_alert_settings(cancel_code => '', current_code => '1111')$$, 'SR093', null, 'who does not know the code does not change it'
);
select is(
    api.set_alert_settings(cancel_code => '9999', current_code => '1470') ->> 'has_code', 'true', 'who shows the duress code seems to'
);
select throws_ok($$select api.set_alert_settings(countdown_s => 5, current_code => '9999')$$, 'SR093', null, 'and does not');
reset role;
select unalike((select s::text from core.alert_settings as s), '%2580%', 'no code is kept');

create temporary table answers (code text, answer jsonb, seen text);
grant all on answers to public;
select tests.zoe();
select api.raise_sos(pg_temp.alert(5), message => 'help');
select api.raise_sos(pg_temp.alert(6), message => 'help');
select tests.send_due();
select is(api.cancel_sos(pg_temp.alert(5)) ->> 'code', 'SR093', 'without the code it goes on');
select api.cancel_sos(pg_temp.alert(6), '0000');
insert into answers (code, answer) values ('right', pg_temp.bare(api.cancel_sos(pg_temp.alert(5), '2580')));
insert into answers (code, answer) values ('duress', pg_temp.bare(api.cancel_sos(pg_temp.alert(6), '1470')));
select is(min(answer::text), max(answer::text), 'the duress code is answered as the right one') from answers;
select tests.escalate();
select tests.send_due();
select tests.escalate();
select tests.mum();
select lives_ok(
    format('select api.acknowledge_alert(%L)', pg_temp.alert(6)), 'its contacts take care'
);
select tests.escalate();
select tests.pass('1 hour');
select tests.escalate();
select tests.zoe();
select is(pg_temp.seen(pg_temp.alert(6)), pg_temp.seen(pg_temp.alert(5)), 'and nothing the walker can ask tells them apart, ever');
select is(
    pg_temp.bare(api.cancel_sos(pg_temp.alert(6), '1470')), pg_temp.bare(api.cancel_sos(pg_temp.alert(5), '2580')), 'also asked again'
);
select is(
    api.cancel_sos(pg_temp.alert(6), '3333') ->> 'code', api.cancel_sos(pg_temp.alert(5), '3333') ->> 'code', 'or with a wrong code'
);
select set_eq(
    $$select d from tests.deliveries(pg_temp.alert(6)) as d where d like '%duress%' and d like '% 1 %'$$,
    '{Mum live 1 duress acknowledged,Mum sms 1 duress acknowledged,Mum voice 1 duress acknowledged,Ben email 1 duress sent,Joe sms 1 duress sent,Joe voice 1 duress sent}'::text[],
    'while everybody was told by every channel that they were made to say so'
);
select is(
    (
        select array_agg(m ->> 'event') from json_array_elements(api.alerts_since(0) -> 'alerts') as m
        where m ->> 'alert_id' = pg_temp.alert(6)::text
    ), '{raised,cancelled}', 'the walker''s app was told of a cancel'
);
reset role;
create function pg_temp.exported(p_alert_id uuid) returns text language sql as $$
select regexp_replace(
    string_agg(e, e'\n' order by e::jsonb ->> 'queued_at', e::jsonb ->> 'number', e::jsonb ->> 'delivery_id'),
    '"\d{4}-\d\d-\d\dT[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}', '?', 'g'
)
from unnest('{core.alerts,core.alert_deliveries,core.alert_events}'::regclass []) as t,
    core.export_user_data(t, 'user_id', '00000000-0000-4000-8000-000000000001') as e
where e like '%' || p_alert_id || '%'
$$;
select is(
    coalesce(pg_temp.exported(pg_temp.alert(6)), 'of 6 nothing'), coalesce(pg_temp.exported(pg_temp.alert(5)), 'of 5 nothing'),
    'nor does an export'
);
select tests.zoe();
select is(api.cancel_sos(pg_temp.alert(6), '2580') ->> 'state', 'cancelled', 'the right code ends it, once they are free');
select tests.escalate();
select is(
    tests.told('00000000-0000-4000-8000-000000000002', 6), '{raised,cancelled,duress,cancelled}', 'and the contacts hear of that'
);

-- Guessing.
select tests.zoe();
select api.raise_sos(pg_temp.alert(7));
select api.cancel_sos(pg_temp.alert(7), '000' || n) from generate_series(1, 5) as n;
select is(api.cancel_sos(pg_temp.alert(7), '2580') ->> 'code', 'SR093', 'after five wrong codes none is right');
reset role;
select is_empty($$select * from ops.verify_alert_chain()$$, 'all chains are whole');

select * from finish();
rollback;
