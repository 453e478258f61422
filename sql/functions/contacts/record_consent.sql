create or replace function core.record_consent(p_contact core.contacts, p_event text, p_means text) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
insert into core.contact_consents (
    consent_id, user_id, contact_id, event, means, wording_version, language, address_digest
)
select
    core.uuid_v7(), p_contact.user_id, p_contact.contact_id, p_event, p_means, w.version, p_contact.language,
    core.address_digest(p_contact.user_id, p_contact.channel, p_contact.address)
from core.consent_wordings as w
where w.language = p_contact.language
order by w.version desc
limit 1
$$;

comment on function core.record_consent(core.contacts, text, text) is
'Add what happened to the ledger, with the wording that is shown now: p_event and p_means as core.contact_consents has them.';
revoke all on function core.record_consent(core.contacts, text, text) from public;
grant execute on function core.record_consent(core.contacts, text, text) to saferoute_api, saferoute_tasks;
