create or replace function core.contact_invitation(p_token text) returns json
language sql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select core.invitation_summary(core.contact_of_link(p_token))
$$;

comment on function core.contact_invitation(text) is 'The invitation that a link opens; SR054 where there is none.';
revoke all on function core.contact_invitation(text) from public;
grant execute on function core.contact_invitation(text) to saferoute_api;
