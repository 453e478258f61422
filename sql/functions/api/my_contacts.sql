create or replace function api.my_contacts() returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_contacts(core.require_user())
$$;

comment on function api.my_contacts() is
'The caller''s emergency contacts in the order in which they are told, each with its state: invited, accepted, declined, withdrawn. Only those who have accepted are alerted.';
alter function api.my_contacts() owner to saferoute_api;
revoke all on function api.my_contacts() from public;
grant execute on function api.my_contacts() to authenticated;
