-- The second wall around contacts: a walker has their own, and who shows a link has the contact it was sent to.
alter table core.contacts enable row level security;
drop policy if exists own_rows on core.contacts;
create policy own_rows on core.contacts to saferoute_api
using (user_id = (select core.current_user_id()));
drop policy if exists by_link on core.contacts;
create policy by_link on core.contacts to saferoute_api
using (contact_id = (select core.linked_contact_id()));

alter table core.contact_links enable row level security;
drop policy if exists own_rows on core.contact_links;
create policy own_rows on core.contact_links to saferoute_api
using (user_id = (select core.current_user_id()));
drop policy if exists by_link on core.contact_links;
create policy by_link on core.contact_links for select to saferoute_api
using (digest = (select core.shown_link()));

alter table core.contact_consents enable row level security;
drop policy if exists own_rows on core.contact_consents;
create policy own_rows on core.contact_consents to saferoute_api
using (user_id = (select core.current_user_id()));
drop policy if exists by_link on core.contact_consents;
create policy by_link on core.contact_consents for insert to saferoute_api
with check (contact_id = (select core.linked_contact_id()));

-- Who answers STOP to a text is nobody's contact any more.
drop policy if exists by_reply on core.contacts;
create policy by_reply on core.contacts for update to saferoute_tasks
using (channel = 'sms');
drop policy if exists by_reply on core.contact_consents;
create policy by_reply on core.contact_consents for insert to saferoute_tasks
with check (means = 'reply');
