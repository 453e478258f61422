create or replace function api.resend_contact_invitation(contact_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.resend_contact_invitation(core.require_user(), contact_id)
$$;

comment on function api.resend_contact_invitation(uuid) is
'Ask a contact again who has not accepted: three times in 30 days at most, and after a no once more, 30 days later.';
alter function api.resend_contact_invitation(uuid) owner to saferoute_api;
revoke all on function api.resend_contact_invitation(uuid) from public;
grant execute on function api.resend_contact_invitation(uuid) to authenticated;
