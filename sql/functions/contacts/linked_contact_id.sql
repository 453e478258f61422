create or replace function core.linked_contact_id() returns uuid
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select l.contact_id from core.contact_links as l where l.digest = (select core.shown_link())
$$;

comment on function core.linked_contact_id() is 'The contact to whom the link was sent that the caller shows; null without one.';
revoke all on function core.linked_contact_id() from public;
grant execute on function core.linked_contact_id() to saferoute_api;
