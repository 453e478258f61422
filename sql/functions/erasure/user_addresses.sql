create or replace function core.user_addresses(p_user_id uuid) returns setof text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select a.address
from core.users as u cross join lateral (values (u.phone), (u.email)) as a (address)
where u.user_id = p_user_id and a.address is not null
$$;

comment on function core.user_addresses(uuid) is
'The phone number and the e-mail address of a person''s account, as far as it has them.';
revoke all on function core.user_addresses(uuid) from public;
