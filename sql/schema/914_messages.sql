-- The second wall around messages: nobody writes in another name, and of the rows only old ones can be found, to remove them.
alter table core.outbound_messages enable row level security;
drop policy if exists own_rows on core.outbound_messages;
create policy own_rows on core.outbound_messages for insert to saferoute_api
with check (user_id is null or user_id = (select core.current_user_id()));
drop policy if exists new_rows on core.outbound_messages;
create policy new_rows on core.outbound_messages for insert to saferoute_auth with check (true);
drop policy if exists old_rows_are_found on core.outbound_messages;
create policy old_rows_are_found on core.outbound_messages for select to saferoute_api, saferoute_auth
using (created_at < now() - interval '30 days');
drop policy if exists old_rows_are_removed on core.outbound_messages;
create policy old_rows_are_removed on core.outbound_messages for delete to saferoute_api, saferoute_auth
using (created_at < now() - interval '30 days');
