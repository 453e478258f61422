create or replace function api.withdraw_contact(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.answer_by_link(token, false)
$$;

comment on function api.withdraw_contact(text) is
'A contact withdraws their consent, at any time, without an account. Who had not agreed declines with it.';
alter function api.withdraw_contact(text) owner to saferoute_api;
revoke all on function api.withdraw_contact(text) from public;
grant execute on function api.withdraw_contact(text) to web_anon, authenticated;
