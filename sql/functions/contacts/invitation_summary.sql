create or replace function core.invitation_summary(p_contact core.contacts) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'from_name', p_contact.from_name,
    'state', p_contact.state,
    'language', p_contact.language,
    'statement', replace(w.statement, '{from_name}', p_contact.from_name),
    'wording_version', w.version
)
from core.consent_wordings as w
where w.language = p_contact.language
order by w.version desc
limit 1
$$;

comment on function core.invitation_summary(core.contacts) is
'An invitation as the contact sees it: who asks, for what, and what was answered. No address and not the name the walker gave them: a link may be passed on.';
revoke all on function core.invitation_summary(core.contacts) from public;
grant execute on function core.invitation_summary(core.contacts) to saferoute_api;
