-- A person who was named as an emergency contact. They have no account, only the link they were sent.
begin;
select plan(34);

create function pg_temp.walker() returns void language sql as $$
select tests.authenticate_as('00000000-0000-4000-8000-000000000001')
$$;
create function pg_temp.token(p_address text) returns text language sql as $$
select split_part(tests.sent(p_address) ->> 'link', '#', 2)
$$;
create function pg_temp.state() returns text language sql as $$
select c ->> 'state' from json_array_elements(api.my_contacts()) as c where c ->> 'name' = 'Mum'
$$;
create function pg_temp.ledger() returns json language sql security definer set search_path = core, public as $$
select json_agg(concat_ws(' ', c.event, c.means, c.language) order by c.consent_id)
from core.contact_consents as c where c.contact_id = '00000000-0000-7000-8000-000000000001'
$$;
select pg_temp.walker();
select api.add_contact('00000000-0000-7000-8000-000000000001', 'Mum', 'sms', '+442079460123', 'Zoë', language => 'fr');
select api.add_contact('00000000-0000-7000-8000-000000000002', 'Ben', 'email', 'ben@mail.example', 'Zoë');
select set_config('tests.token', pg_temp.token('+442079460123'), true);
select set_config('tests.code', tests.sent('+442079460123') ->> 'code', true);

select tests.call_anonymously();
select is(
    api.contact_invitation(current_setting('tests.token')) ->> 'state', 'invited', 'the link tells what is asked'
);
select is(
    (select array_agg(k order by k) from json_object_keys(api.contact_invitation(current_setting('tests.token'))) as k),
    '{from_name,language,state,statement,wording_version}', 'but not the address and not what the walker calls them'
);
select matches(
    api.contact_invitation(current_setting('tests.token')) ->> 'statement', '^Zoë souhaite vous ajouter.*Zoë appelle à l’aide',
    'in their language, with the name of the walker'
);
select is(api.accept_contact(current_setting('tests.token')) ->> 'state', 'accepted', 'they accept');
select is(api.accept_contact(current_setting('tests.token')) ->> 'state', 'accepted', 'once more changes nothing');
select is(pg_temp.ledger()::jsonb, '["invited fr", "given link fr"]', 'their consent is recorded once');
select pg_temp.walker();
select is(pg_temp.state(), 'accepted', 'the walker sees it');

select tests.call_anonymously();
select is(
    api.withdraw_contact(current_setting('tests.token')) ->> 'state', 'withdrawn',
    'the same link withdraws, also after acceptance'
);
select is(api.decline_contact(current_setting('tests.token')) ->> 'state', 'withdrawn', 'no stays no');
select pg_temp.walker();
select is(pg_temp.state(), 'withdrawn', 'the walker goes on seeing them, as withdrawn');
select is(
    api.verify_contact('00000000-0000-7000-8000-000000000001', current_setting('tests.code')) ->> 'code', 'SR042',
    'a code they had read out before does not outweigh a no'
);
select throws_ok(
    $$select api.resend_contact_invitation('00000000-0000-7000-8000-000000000001')$$, 'SR046', null, 'they are left in peace'
);
select lives_ok($$select api.remove_contact('00000000-0000-7000-8000-000000000001')$$, 'the walker removes them');
select throws_ok(
    $$select api.add_contact('00000000-0000-7000-8000-000000000003', 'Mum', 'sms', '+442079460123', 'Zoë')$$,
    'SR046', null, 'to add them anew does not get around it'
);
select tests.call_anonymously();
select throws_ok(
    $$select api.withdraw_contact(current_setting('tests.token'))$$, 'SR054', null, 'a removed contact has nothing to withdraw'
);
select is(
    pg_temp.ledger()::jsonb, '["invited fr", "given link fr", "withdrawn link fr", "removed fr"]',
    'what they were asked and answered stays recorded'
);

-- A month later.
reset role;
update core.contact_consents set recorded_at = recorded_at - interval '31 days';
select pg_temp.walker();
select is(
    api.add_contact('00000000-0000-7000-8000-000000000003', 'Mum', 'sms', '+442079460123', 'Zoë') ->> 'state', 'invited',
    'they can be asked once more a month later'
);
select set_config('tests.token', pg_temp.token('+442079460123'), true);
select tests.call_anonymously();
select is(api.withdraw_contact(current_setting('tests.token')) ->> 'state', 'declined', 'and say no again');
reset role;
update core.contact_consents set recorded_at = recorded_at - interval '100 days';
select pg_temp.walker();
select throws_ok(
    $$select api.resend_contact_invitation('00000000-0000-7000-8000-000000000003')$$, 'SR046', null, 'then never again'
);
select tests.call_anonymously();
select is(api.accept_contact(current_setting('tests.token')) ->> 'state', 'accepted', 'but may themselves change their mind');

select is(api.withdraw_contact(current_setting('tests.token')) ->> 'state', 'withdrawn', 'twice, even');
reset role;
update core.contact_consents set recorded_at = recorded_at - interval '31 days';
select pg_temp.walker();
select is(
    api.resend_contact_invitation('00000000-0000-7000-8000-000000000003') ->> 'state', 'invited',
    'who had agreed in between can be asked once more'
);

-- Without an answer: Ben was asked once above.
reset role;
update core.contact_consents set recorded_at = now();
select pg_temp.walker();
select lives_ok(
    $$select api.resend_contact_invitation('00000000-0000-7000-8000-000000000002') from generate_series(1, 2)$$,
    'who has not answered can be asked three times'
);
select throws_ok(
    $$select api.resend_contact_invitation('00000000-0000-7000-8000-000000000002')$$, 'SR046', null, 'in a month'
);
select is((tests.count_sent()), 6::bigint, 'what is refused sends nothing');

-- Another address is another mailbox, and maybe another person.
select set_config('tests.token', pg_temp.token('ben@mail.example'), true);
select api.update_contact('00000000-0000-7000-8000-000000000002', address => 'new@mail.example');
select tests.call_anonymously();
select throws_ok(
    $$select api.accept_contact(current_setting('tests.token'))$$, 'SR054', null, 'who had the old one cannot accept for the new'
);
select is(
    api.accept_contact(pg_temp.token('new@mail.example')) ->> 'state', 'accepted', 'who has the new one can'
);

select throws_ok(format('select api.contact_invitation(%L)', t), 'SR054', null, format('%L opens nothing', left(t, 20)))
from unnest(array['', 'x', null, repeat('x', 100000)]) as t;
select
    throws_ok(
        format('select api.%s(''%s'')', f, repeat('A', 43)), 'SR054', null, f || ' needs a link that was sent'
    )
from unnest('{accept_contact,decline_contact,withdraw_contact}'::text[]) as f;

select * from finish();
rollback;
