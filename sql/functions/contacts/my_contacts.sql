create or replace function core.my_contacts(p_user_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(core.contact_summary(c) order by c.priority, c.added_at, c.contact_id), '[]')
from core.contacts as c
where c.user_id = p_user_id
$$;

comment on function core.my_contacts(uuid) is 'The person''s emergency contacts, whatever they have answered, in the order in which they are told.';
revoke all on function core.my_contacts(uuid) from public;
grant execute on function core.my_contacts(uuid) to saferoute_api;
