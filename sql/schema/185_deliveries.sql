-- How often and how fast messages are tried again: one row per channel, for deliveries of alerts and for other messages.
create table if not exists core.delivery_policies (
    channel text primary key check (channel in ('sms', 'voice', 'email', 'web_push', 'webhook')),
    attempts smallint not null check (attempts between 1 and 100),
    first_wait interval not null check (first_wait > '0'),
    longest_wait interval not null,
    longest_retry_after interval not null,
    check (longest_wait >= first_wait)
);
comment on table core.delivery_policies is 'How often a message is tried and how long is waited in between. Change the rows as your providers ask; they hold from the next failure on.';
comment on column core.delivery_policies.channel is 'sms, voice, email, web_push or webhook.';
comment on column core.delivery_policies.attempts is 'After so many that failed it is given up: a dead letter.';
comment on column core.delivery_policies.first_wait is 'After the first failure any time up to this is waited (full jitter), then up to twice as long, and so on.';
comment on column core.delivery_policies.longest_wait is 'And at most up to this.';
comment on column core.delivery_policies.longest_retry_after is 'A provider that asks for a longer pause is tried again after this one.';
insert into core.delivery_policies (channel, attempts, first_wait, longest_wait, longest_retry_after) values
('sms', 8, '2 s', '2 min', '5 min'),
('voice', 5, '5 s', '2 min', '5 min'),
('email', 8, '5 s', '10 min', '30 min'),
('web_push', 6, '2 s', '2 min', '5 min'),
('webhook', 8, '2 s', '10 min', '30 min')
on conflict do nothing;
grant select on core.delivery_policies to saferoute_tasks;

-- A claim reports by its own number.
create index if not exists alert_deliveries_claim on core.alert_deliveries (claim_id) where claim_id is not null;
create index if not exists outbound_messages_claim on core.outbound_messages (claim_id) where claim_id is not null;
create index if not exists outbound_messages_due on core.outbound_messages (next_attempt_at)
where status in ('queued', 'claimed');

grant select, update on core.outbound_messages to saferoute_tasks;
grant select on core.cities to saferoute_tasks;
