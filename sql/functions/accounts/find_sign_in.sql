create or replace function core.find_sign_in(p_address text) returns table (user_id uuid, password_hash text)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select u.user_id, u.password_hash
from core.users as u
where u.phone = p_address or u.email = p_address
$$;

comment on function core.find_sign_in(text) is
'The account of a phone number (E.164) or an e-mail address (lower case), with what its password is checked against; no row where there is none.';
revoke all on function core.find_sign_in(text) from public;
grant execute on function core.find_sign_in(text) to saferoute_auth;
