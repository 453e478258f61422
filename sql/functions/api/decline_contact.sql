create or replace function api.decline_contact(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.answer_by_link(token, false)
$$;

comment on function api.decline_contact(text) is
'A contact does not want to be one. Who had agreed withdraws with it.';
alter function api.decline_contact(text) owner to saferoute_api;
revoke all on function api.decline_contact(text) from public;
grant execute on function api.decline_contact(text) to web_anon, authenticated;
