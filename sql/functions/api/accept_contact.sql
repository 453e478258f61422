create or replace function api.accept_contact(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.answer_by_link(token, true)
$$;

comment on function api.accept_contact(text) is
'A contact agrees to be alerted, without an account. Also changes an earlier no.';
alter function api.accept_contact(text) owner to saferoute_api;
revoke all on function api.accept_contact(text) from public;
grant execute on function api.accept_contact(text) to web_anon, authenticated;
