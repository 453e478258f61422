-- Accounts are looked up before anybody is signed in, so their policies cannot name a person: the wall is that only
-- saferoute_auth, whose functions no app can call, has any rights here. saferoute_api has no policy and no grant.
alter table core.users enable row level security;
drop policy if exists signing_in on core.users;
create policy signing_in on core.users to saferoute_auth using (true) with check (true);

alter table core.codes enable row level security;
drop policy if exists signing_in on core.codes;
create policy signing_in on core.codes to saferoute_auth using (true) with check (true);
