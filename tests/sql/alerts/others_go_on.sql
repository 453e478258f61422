-- What has become of one contact or one alert keeps nobody else from being told.
begin;
select plan(9);
create function pg_temp.alert(n integer) returns uuid language sql as $$select ('00000000-0000-7000-8000-0000000002' || lpad(n::text, 2, '0'))::uuid$$;
create function pg_temp.erase(p_user_id uuid) returns void language plpgsql as $$
begin
    loop
        perform core.erase_user(p_user_id, 3);
        exit when not found;
    end loop;
end
$$;

select tests.name_contacts();

-- The right code right after the duress code, before anybody was told of that.
select tests.zoe();
select api.set_alert_settings(cancel_code => '1234', duress_code => '9999');
select api.raise_sos(pg_temp.alert(1));
select tests.send_due();
select tests.zoe();
select api.cancel_sos(pg_temp.alert(1), '9999');
select api.cancel_sos(pg_temp.alert(1), '1234');
select tests.escalate();
select set_eq(
    $$select d from tests.deliveries(pg_temp.alert(1)) as d where d like '%cancelled queued' or d like '%live%cancelled sent'$$,
    '{Mum live 1 cancelled sent,Mum sms 1 cancelled queued,Ben email 1 cancelled queued,Joe sms 1 cancelled queued}'::text[],
    'who was told of a call hears that it was cancelled, also where another code was given first'
);
reset role;
select is(
    (
        select count(*) from core.due_deliveries(100)
    ), 3::bigint, 'and workers send it'
);
select isnt(
    (
        select core.claim_delivery(d.delivery_id, interval '10 s') from core.alert_deliveries as d
        where d.alert_id = pg_temp.alert(1) and d.kind = 'cancelled' and d.channel = 'email'
    )::text, null, 'to whoever claims it'
);

-- The account of a contact goes while a call is open.
select tests.zoe();
select api.set_alert_settings(cancel_code => '', current_code => '1234');
select api.raise_sos(pg_temp.alert(2));
select tests.send_due();
select tests.zoe();
select api.raise_sos(pg_temp.alert(3));
reset role;
select pg_temp.erase('00000000-0000-4000-8000-000000000002');
select tests.zoe();
select is(api.cancel_sos(pg_temp.alert(2)) ->> 'state', 'cancelled', 'it can be cancelled');
select tests.pass('61 seconds');
select lives_ok($$select tests.escalate()$$, 'and whoever tells the others of that does not stumble');
select set_eq(
    $$select d from tests.deliveries(pg_temp.alert(2)) as d where d like '%cancelled queued'$$,
    '{Ben email 0 cancelled queued,Joe sms 0 cancelled queued}'::text[], 'who are told'
);
select ok(
    'Joe voice 2 alert queued' in (select tests.deliveries(pg_temp.alert(3))), 'as are those whom another call concerns'
);
select tests.zoe();
select is(api.cancel_sos(pg_temp.alert(3)) ->> 'state', 'cancelled', 'that is cancelled');
select lives_ok($$select tests.escalate()$$, 'as well');

select * from finish();
rollback;
