-- Emergency contacts as the walker who names them sees them.
begin;
select plan(46);

create function pg_temp.id(p_number integer) returns uuid language sql as $$
select ('00000000-0000-7000-8000-' || lpad(p_number::text, 12, '0'))::uuid
$$;
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');

select is(api.my_contacts()::jsonb, '[]', 'at first there are none');
select is(
    api.add_contact(pg_temp.id(1), ' Mum ', 'sms', '0044 20-7946 0123', 'Zoë', language => 'es')::jsonb,
    jsonb_build_object(
        'contact_id', pg_temp.id(1), 'name', 'Mum', 'from_name', 'Zoë', 'channel', 'sms', 'address', '+442079460123',
        'language', 'es', 'priority', 1, 'state', 'invited', 'invited_at', now(), 'answered_at', null
    ),
    'a contact is named; the number is stored as E.164'
);
select is(
    tests.sent('+442079460123') - 'link' - 'code',
    '{"template": "contact_invitation", "language": "es", "from_name": "Zoë"}', 'and is asked in their language'
);
select matches(
    tests.sent('+442079460123') ->> 'link', '^http://127\.0\.0\.1:18000/contact#[A-Za-z0-9_-]{43}$',
    'with a link whose token no server is sent'
);
select matches(tests.sent('+442079460123') ->> 'code', '^[0-9]{6}$', 'and a code');
select is(
    api.add_contact(pg_temp.id(1), 'Mum', 'sms', '+442079460123', 'Zoë', language => 'es') ->> 'state', 'invited',
    'the same call again has the same answer'
);
select is(tests.count_sent(), 1::bigint, 'and sends nothing');
select throws_ok(
    $$select api.add_contact(pg_temp.id(1), 'Mum', 'sms', '+442079460124', 'Zoë', language => 'es')$$,
    'SR051', null, 'another contact under the same id is refused'
);
select throws_ok(
    $$select api.add_contact(pg_temp.id(2), 'Mother', 'sms', '+44 2079 460123', 'Zoë')$$,
    'SR052', null, 'the same address under another id is refused'
);

select is(
    api.add_contact(pg_temp.id(2), 'Ben', 'email', ' Ben.Smith+walks@Mail.Example.com', 'Zoë') ->> 'address',
    'ben.smith+walks@mail.example.com', 'an e-mail address is stored in lower case'
);
select
    throws_ok(
        format('select api.add_contact(pg_temp.id(9), ''X'', %L, %L, ''Zoë'')', a.channel, a.address), a.code, null,
        format('%L is no address of %s', translate(a.address, E'\n', ' '), a.channel)
    )
from (
    values
    ('sms', '020 7946 0123', 'SR045'), ('sms', '+0123456789', 'SR045'), ('sms', '+44207946012345678', 'SR045'),
    ('sms', '+44207946012x', 'SR045'), ('email', 'nobody', 'SR045'), ('email', 'a@b', 'SR045'),
    ('email', E'a@b.example\nBcc: c@d.example', 'SR045'), ('sms', null, 'SR045'), ('post', 'High Street 1', 'SR018')
) as a (channel, address, code);
select
    throws_ok(
        format('select api.add_contact(pg_temp.id(9), %L, ''sms'', ''+442079460129'', %L, %s, %L)', a.name, a.from_name, a.priority, a.language),
        'SR018', null, format('%s is refused', translate(a::text, E'\n', ' '))
    )
from (
    values
    ('', 'Zoë', '1', 'en'), ('X', E'Zoë\nCall 999', '1', 'en'), ('X', 'your bank evil.example', '1', 'en'),
    ('X', 'Zoë', '0', 'en'), ('X', 'Zoë', '1', 'tlh')
) as a (name, from_name, priority, language);

select is(
    (select json_agg(c ->> 'name') from json_array_elements(api.reorder_contacts(array[pg_temp.id(2), pg_temp.id(1)])) as c)::jsonb,
    '["Ben", "Mum"]', 'contacts are told in the order the walker sets'
);
select throws_ok(
    $$select api.reorder_contacts(array[pg_temp.id(1)])$$, 'SR018', null, 'an order names all'
);
select throws_ok(
    $$select api.reorder_contacts(array[pg_temp.id(1), pg_temp.id(1)])$$, 'SR018', null, 'and none twice'
);
select throws_ok(
    $$select api.reorder_contacts(array[pg_temp.id(1), pg_temp.id(2), pg_temp.id(3)])$$, 'SR050', null, 'and nobody else'
);

-- Wrong codes are refused as an answer, so that they stay counted.
create function pg_temp.wrong_code() returns text language sql as $$
select lpad((((tests.sent('+442079460123') ->> 'code')::integer + 1) % 1000000)::text, 6, '0')
$$;
select is(api.verify_contact(pg_temp.id(1), pg_temp.wrong_code()) ->> 'code', 'SR042', 'a wrong code is refused');
select is(current_setting('response.status'), '400', 'with its status');
select is(
    (
        select count(*) from generate_series(1, 4)
        where api.verify_contact(pg_temp.id(1), '') ->> 'code' = 'SR042'
    ), 4::bigint,
    'and so are more'
);
select is(
    api.verify_contact(pg_temp.id(1), tests.sent('+442079460123') ->> 'code') ->> 'code', 'SR042',
    'after five not even the right one counts'
);
select is(api.resend_contact_invitation(pg_temp.id(1)) ->> 'state', 'invited', 'another code is sent');
select is(
    api.verify_contact(pg_temp.id(1), tests.sent('+442079460123') ->> 'code') ->> 'state', 'accepted',
    'the contact read it to the walker, and with that agrees'
);
select is(api.resend_contact_invitation(pg_temp.id(1)) ->> 'state', 'accepted', 'who has agreed');
select is(tests.count_sent(), 3::bigint, 'is not asked again');

select is(
    (select format('%s %s', c ->> 'name', c ->> 'state') from api.update_contact(pg_temp.id(1), name => 'Mama', language => 'de') as c),
    'Mama accepted', 'another name or language leaves consent as it is'
);
select is(
    (select format('%s %s', c ->> 'address', c ->> 'state') from api.update_contact(pg_temp.id(1), address => '+442079460125') as c),
    '+442079460125 invited', 'another address is asked anew'
);
select throws_ok(
    $$select api.update_contact(pg_temp.id(2), 'Ben', 'sms', '+442079460125')$$, 'SR052', null,
    'no address stands for two contacts'
);

select lives_ok($$select api.remove_contact(pg_temp.id(1))$$, 'a contact is removed');
select throws_ok($$select api.remove_contact(pg_temp.id(1))$$, 'SR050', null, 'once');

reset role;
insert into core.message_limits (channel, scope, subject, period, amount) values ('sms', 'country', '351', '1 hour', 0);
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select throws_ok(
    $$select api.add_contact(pg_temp.id(1), 'Rui', 'sms', '+351912345678', 'Zoë')$$, 'SR046', null,
    'where no message can be sent'
);
select is(json_array_length(api.my_contacts()), 1, 'nothing is written');
select lives_ok(
    $$select api.add_contact(pg_temp.id(20 + n), 'X', 'email', n || '@mail.example', 'Zoë') from generate_series(1, 9) as n$$,
    'there can be ten contacts'
);
select throws_ok(
    $$select api.add_contact(pg_temp.id(20), 'X', 'email', '10@mail.example', 'Zoë')$$, 'SR053', null, 'and no eleventh'
);
select is(
    (select json_agg(c -> 'priority') from json_array_elements(api.my_contacts()) as c)::jsonb, '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]',
    'each is told after those before it'
);

select * from finish();
rollback;
