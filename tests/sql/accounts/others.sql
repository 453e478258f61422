-- Accounts and codes are out of reach of everybody but the functions that sign people in.
begin;
select plan(37);

insert into core.users (user_id, phone, phone_verified_at, password_hash, language) values
('00000000-0000-4000-8000-000000000001', '+351912345678', now(), '$argon2id$1', 'en');
select auth.request_code('reset_password', 'sms', '+351912345678', 'en', null);

create function pg_temp.refused(p_role text, p_what text) returns text
language plpgsql
as $$
begin
    perform set_config('role', p_role, true);
    execute p_what;
    return 'allowed';
exception
    when insufficient_privilege then
        return 'refused';
end
$$;
select
    is(
        pg_temp.refused(r.role, w.what), 'refused', format('%s cannot: %s', r.role, left(w.what, 40))
    )
from (values ('web_anon'), ('authenticated'), ('integrator'), ('saferoute_api'), ('saferoute_ingest'), ('analyst'), ('operator'), ('worker'), ('authenticator')) as r (role)
cross join (
    values
    ('select * from core.users'),
    ('select * from core.codes'),
    ('select parameters from core.outbound_messages'),
    ($q$update core.users set password_hash = '$argon2id$2'$q$)
) as w (what);

-- The second wall: what saferoute_api is granted by mistake it still does not see.
grant select on core.users to saferoute_api;
set local role saferoute_api;
select set_config('request.jwt.claims', '{"sub":"00000000-0000-4000-8000-000000000001"}', true);
select is_empty($$select * from core.users$$, 'no account exists for functions of apps');

select * from finish();
rollback;
