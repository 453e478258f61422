-- What went to the addresses of an account goes with it, also what was sent before there was one.
begin;
select plan(2);

insert into core.users (user_id, phone, phone_verified_at, email, email_verified_at, password_hash, language)
values ('00000000-0000-4000-8000-000000000001', '+37799000001', now(), 'zoe@mail.example', now(), '$argon2id$', 'en');
create temporary table sent as
select core.enqueue_message(null, channel, address, 'sign_up', 'en', '{}') as result
from (
    values ('sms', '+37799000001'), ('email', 'zoe@mail.example'), ('sms', '+37799000002')
) as s (channel, address);
insert into core.codes (purpose, address, code_id, channel, digest, expires_at)
select
    'sign_up',
    m.address,
    m.message_id,
    m.channel,
    '\x00',
    now() + interval '10 minutes'
from core.outbound_messages as m;

create temporary table erased as
select
    leaf,
    removed
from core.erase_messages('00000000-0000-4000-8000-000000000001', 1000)
union all
select
    leaf,
    removed
from core.erase_codes('00000000-0000-4000-8000-000000000001', 1000);

select results_eq(
    'select address from core.outbound_messages', array['+37799000002'], 'the messages to another number stay'
);
select results_eq('select address from core.codes', array['+37799000002'], 'and so do the codes');

select * from finish();
rollback;
