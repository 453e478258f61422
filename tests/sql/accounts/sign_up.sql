-- An account is made by who holds the code, and by nobody else.
begin;
select plan(40);

create function pg_temp.last_code(p_address text) returns text
language sql
as $$
select m.parameters ->> 'code' from core.outbound_messages as m
where m.address = p_address
order by m.message_id desc
limit 1
$$;
create function pg_temp.wrong_code(p_address text) returns text
language sql
as $$
select lpad(((pg_temp.last_code(p_address)::integer + 1) % 1000000)::text, 6, '0')
$$;
create function pg_temp.sign_up(p_address text, p_code text) returns text
language sql
as $$
select coalesce(s.refusal, 'made') from auth.sign_up(
    case when p_address like '+%' then 'sms' else 'email' end, p_address, p_code, '$argon2id$1', 'pt'
) as s
$$;

select matches(core.random_code(), '^[0-9]{6}$', 'a code is six digits');
select isnt(core.random_code(), core.random_code(), 'another one each time');
select is(
    core.code_digest('00000000-0000-4000-8000-000000000001', '123456'),
    sha256('00000000-0000-4000-8000-000000000001123456'), 'what is kept of it is a digest with a salt'
);
select matches(core.uuid_v7()::text, '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-', 'the server names people by UUIDv7');

select auth.request_code('sign_up', 'sms', '+351912345678', 'pt', null);
select is(
    (select array[m.template, m.language, m.channel, m.status] from core.outbound_messages as m),
    array['sign_up', 'pt', 'sms', 'queued'], 'a code goes out in the language that was asked for'
);
select ok(
    (select m.not_after between now() + interval '9 minutes' and now() + interval '11 minutes' from core.outbound_messages as m),
    'and is of no use later'
);
select is_empty(
    $$select from core.codes where position(pg_temp.last_code(address)::bytea in digest) > 0$$, 'the table of codes has no code'
);
select is(pg_temp.sign_up('+351912345678', pg_temp.wrong_code('+351912345678')), 'SR042', 'a wrong code makes nothing');
select is((select tries from core.codes), 1::smallint, 'and is counted');
select is(pg_temp.sign_up('+351912345679', pg_temp.last_code('+351912345678')), 'SR042', 'nor does a code for another address');
select is_empty($$select from core.users$$, 'nothing unproven is kept');
select is(
    auth.check_code('reset_password', '+351912345678', null, pg_temp.last_code('+351912345678')), false, 'a code serves one purpose'
);
select is(
    auth.check_code('sign_up', '+351912345678', '00000000-0000-4000-8000-000000000001', pg_temp.last_code('+351912345678')),
    false, 'and one person'
);
select is(auth.check_code('sign_up', '+351912345678', null, pg_temp.last_code('+351912345678')), true, 'who holds it may look first');
select is(pg_temp.sign_up('+351912345678', pg_temp.last_code('+351912345678')), 'made', 'the right code makes the account');
select results_eq(
    $$select phone, email, phone_verified_at is not null, email_verified_at is not null, language from core.users$$,
    $$values ('+351912345678', null::text, true, false, 'pt')$$, 'with its number proven'
);
select is(
    pg_temp.sign_up('+351912345678', pg_temp.last_code('+351912345678')), 'SR043', 'a retry hears that there is an account'
);
select is((select user_id from core.users), (select user_id from auth.find_sign_in('+351912345678')), 'it is found by its number');
select is_empty($$select * from auth.find_sign_in('+351912345679')$$, 'and by no other');

-- Somebody else types the number.
select lives_ok($$select auth.request_code('sign_up', 'sms', '+351912345678', 'en', null)$$, 'a taken number gets a code too');
select is(
    (
        select language from core.outbound_messages
        order by message_id desc limit 1
    ), 'pt', 'in the language of its owner'
);
select is(pg_temp.sign_up('+351912345678', pg_temp.wrong_code('+351912345678')), 'SR042', 'who does not get it learns nothing');
select is(pg_temp.sign_up('+351912345678', pg_temp.last_code('+351912345678')), 'SR043', 'its owner does');

-- Guessing.
select auth.request_code('sign_up', 'email', 'a@b.example', 'en', null);
select is(
    (select string_agg(pg_temp.sign_up('a@b.example', pg_temp.wrong_code('a@b.example')), ' ') from generate_series(1, 6)),
    'SR042 SR042 SR042 SR042 SR042 SR042', 'after five wrong codes'
);
select is(pg_temp.sign_up('a@b.example', pg_temp.last_code('a@b.example')), 'SR042', 'the right one comes too late');
select auth.request_code('sign_up', 'email', 'a@b.example', 'en', null);
update core.codes set expires_at = now() - interval '1 second'
where address = 'a@b.example';
select is(pg_temp.sign_up('a@b.example', pg_temp.last_code('a@b.example')), 'SR042', 'or after ten minutes');
update core.message_limits set amount = 2
where (channel, scope) = ('email', 'number');
select throws_ok(
    $$select auth.request_code('sign_up', 'email', 'a@b.example', 'en', null)$$, 'SR046', null, 'codes are limited as messages are'
);

-- A new password.
select auth.request_code('reset_password', 'email', 'nobody@c.example', 'en', null);
select is(
    (
        select array[m.template, m.parameters ->> 'code'] from core.outbound_messages as m
        where m.address = 'nobody@c.example'
    ),
    array['no_account', null], 'a mailbox without an account is told so, and gets no code'
);
select auth.request_code('reset_password', 'sms', '+351912345678', 'en', null);
select is(
    (select array[refusal, user_id::text] from auth.reset_password('+351912345678', pg_temp.wrong_code('+351912345678'), '$argon2id$2')),
    array['SR042', null], 'a wrong code sets no password'
);
select is(
    (
        select (refusal is null) and user_id = (select u.user_id from core.users as u)
        from auth.reset_password('+351912345678', pg_temp.last_code('+351912345678'), '$argon2id$2')
    ), true, 'the right one does'
);
select is(
    (select refusal from auth.reset_password('+351912345678', pg_temp.last_code('+351912345678'), '$argon2id$3')),
    'SR042', 'once'
);
select is((select password_hash from core.users), '$argon2id$2', 'so it stays');
select lives_ok(
    $$select auth.replace_password_hash(user_id, '$argon2id$1', '$argon2id$4') from core.users$$, 'newer parameters'
);
select is((select password_hash from core.users), '$argon2id$2', 'do not bring an old password back');

-- Another address.
select auth.request_code('verify', 'email', 'a@d.example', 'en', user_id) from core.users;
select is(auth.verify_address(user_id, 'email', 'a@d.example', pg_temp.wrong_code('a@d.example')), 'SR042', 'a wrong code adds none')
from core.users;
select is(auth.verify_address(user_id, 'email', 'a@d.example', pg_temp.last_code('a@d.example')), null, 'the right one does')
from core.users;
select results_eq(
    $$select email, email_verified_at is not null from core.users$$, $$values ('a@d.example', true)$$, 'as proven'
);
select auth.request_code('verify', 'email', 'a@e.example', 'en', user_id) from core.users;
select auth.verify_address(user_id, 'email', 'a@e.example', pg_temp.last_code('a@e.example')) from core.users;
select is(
    (
        select template from core.outbound_messages
        where address = 'a@d.example'
        order by message_id desc limit 1
    ),
    'address_changed', 'the address before is told'
);
insert into core.users (user_id, email, email_verified_at, password_hash, language)
values ('00000000-0000-4000-8000-000000000009', 'taken@f.example', now(), '$argon2id$1', 'en');
select auth.request_code('verify', 'email', 'taken@f.example', 'en', user_id) from core.users
where phone is not null;
select is(auth.verify_address(user_id, 'email', 'taken@f.example', pg_temp.last_code('taken@f.example')), 'SR043', 'one account has an address')
from core.users
where phone is not null;
select auth.request_code('verify', 'email', 'a@g.example', 'en', '00000000-0000-4000-8000-00000000000a');
select is(
    auth.verify_address('00000000-0000-4000-8000-00000000000a', 'email', 'a@g.example', pg_temp.last_code('a@g.example')),
    'SR048', 'who comes from another issuer has no account to add it to'
);

select * from finish();
rollback;
