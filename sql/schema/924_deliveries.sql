-- Workers send the messages of everybody.
drop policy if exists every_row on core.outbound_messages;
create policy every_row on core.outbound_messages to saferoute_tasks using (true);
