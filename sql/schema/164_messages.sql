-- Messages that go out: to phones and mailboxes of people, who may not have an account (yet).
create table if not exists core.outbound_messages (
    message_id uuid primary key,
    user_id uuid,
    channel text not null check (channel in ('sms', 'email')),
    address text not null,
    country text,
    prefix text not null,
    template text not null,
    language text not null,
    parameters jsonb not null default '{}',
    cost numeric not null,
    status text not null default 'queued' check (status in ('queued', 'claimed', 'sent', 'failed')),
    created_at timestamptz not null default clock_timestamp(),
    not_after timestamptz not null,
    sent_at timestamptz,
    attempts smallint not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    claimed_until timestamptz,
    claim_id uuid,
    provider text,
    provider_id text,
    error text
);
comment on table core.outbound_messages is 'Texts and e-mails that are to be sent, or were within 30 days: a row per message, committed with what caused it. The API can add rows and read none: they hold codes.';
comment on column core.outbound_messages.message_id is 'UUIDv7: the provider gets it as its idempotency key.';
comment on column core.outbound_messages.user_id is 'Who caused it; null where nobody was signed in.';
comment on column core.outbound_messages.channel is 'How it goes: sms or email.';
comment on column core.outbound_messages.address is 'Where it goes: a number in E.164, or an e-mail address in lower case.';
comment on column core.outbound_messages.country is 'Calling code of the number, as core.message_costs names it; null for an e-mail.';
comment on column core.outbound_messages.prefix is 'The number without its last four digits, or @ and the domain.';
comment on column core.outbound_messages.template is 'Which text it is.';
comment on column core.outbound_messages.language is 'Language of the text, BCP 47.';
comment on column core.outbound_messages.parameters is 'What the text names: the code or the link. Emptied once it is sent or given up.';
comment on column core.outbound_messages.cost is 'What it costs, estimated from core.message_costs.';
comment on column core.outbound_messages.status is 'queued; claimed by a worker; sent; failed: given up.';
comment on column core.outbound_messages.created_at is 'When it was asked for.';
comment on column core.outbound_messages.not_after is 'It is of no use later and is not sent then.';
comment on column core.outbound_messages.sent_at is 'When the provider took it; null before.';
comment on column core.outbound_messages.attempts is 'How often it was claimed.';
comment on column core.outbound_messages.next_attempt_at is 'Not before; later with each failure.';
comment on column core.outbound_messages.claimed_until is 'A worker has it until then; after it another takes it.';
comment on column core.outbound_messages.claim_id is 'The claim that may report what became of it.';
comment on column core.outbound_messages.provider is 'Who was asked to send it.';
comment on column core.outbound_messages.provider_id is 'What the provider calls it.';
comment on column core.outbound_messages.error is 'Why the last attempt failed; never an address.';
create index if not exists outbound_messages_old on core.outbound_messages (created_at);
create index if not exists outbound_messages_user on core.outbound_messages (user_id);
create index if not exists outbound_messages_address on core.outbound_messages (address);
grant insert, delete, select (message_id, created_at) on core.outbound_messages to saferoute_api, saferoute_auth;

create table if not exists core.message_costs (
    channel text not null check (channel in ('sms', 'email')),
    country text not null check (country ~ '^(\*|[1-9][0-9]*)$'),
    cost numeric not null check (cost >= 0),
    primary key (channel, country)
);
comment on table core.message_costs is 'What a message costs, in the currency of the spend limits. Change the rows to what your provider charges.';
comment on column core.message_costs.channel is 'sms or email.';
comment on column core.message_costs.country is 'A calling code without +, or more digits where part of it costs more (1876); the longest that fits counts. * is every other.';
comment on column core.message_costs.cost is 'Of one message.';

create table if not exists core.message_limits (
    channel text not null check (channel in ('sms', 'email')),
    scope text not null check (scope in ('number', 'prefix', 'country', 'spend')),
    subject text not null default '*',
    period interval not null check (period between '1 minute' and '30 days'),
    amount numeric not null check (amount >= 0),
    primary key (channel, scope, subject, period),
    check (subject = '*' or scope in ('prefix', 'country'))
);
comment on table core.message_limits is 'How many messages may go out, and what they may cost. All limits that fit hold; rows of a subject of its own stand in for those of *.';
comment on column core.message_limits.channel is 'sms or email.';
comment on column core.message_limits.scope is 'number: one phone or mailbox; prefix: all numbers that differ in the last four digits, or one e-mail domain; country: one calling code; spend: all that the channel costs.';
comment on column core.message_limits.subject is 'Which prefix (+4420794600, @example.com) or country (44); * is every one without rows of its own.';
comment on column core.message_limits.period is 'The limit holds in every period of this length, wherever it begins.';
comment on column core.message_limits.amount is 'Messages, or for spend their cost. 0 closes it: nothing is sent there.';

create table if not exists core.message_counts (
    channel text not null,
    scope text not null,
    subject text not null,
    period interval not null,
    bucket timestamptz not null,
    amount numeric not null,
    expires_at timestamptz not null,
    primary key (channel, scope, subject, period, bucket)
);
comment on table core.message_counts is 'What the limits have counted, in twelfths of their period. Numbers and mailboxes stand here as digests, for as long as they count.';
comment on column core.message_counts.channel is 'As in core.message_limits.';
comment on column core.message_counts.scope is 'As in core.message_limits.';
comment on column core.message_counts.subject is 'The prefix or country; of a number or mailbox its SHA-256; * for spend.';
comment on column core.message_counts.period is 'As in core.message_limits.';
comment on column core.message_counts.bucket is 'When this twelfth began.';
comment on column core.message_counts.amount is 'Messages, or their cost.';
comment on column core.message_counts.expires_at is 'When it no longer counts; the row goes soon after.';
create index if not exists message_counts_expired on core.message_counts (expires_at);

grant select on core.message_costs, core.message_limits to saferoute_api, saferoute_auth;
grant select, insert, update, delete on core.message_counts to saferoute_api, saferoute_auth;

-- A DBA changes these; installing again leaves what is there.
insert into core.message_costs (channel, country, cost) values
('sms', '*', 0.10),
('sms', '1', 0.01),
('sms', '33', 0.07),
('sms', '34', 0.06),
('sms', '351', 0.05),
('sms', '44', 0.05),
('email', '*', 0.001)
on conflict do nothing;

insert into core.message_limits (channel, scope, subject, period, amount) values
('sms', 'number', '*', '1 hour', 5),
('sms', 'number', '*', '1 day', 10),
('sms', 'prefix', '*', '1 hour', 30),
('sms', 'country', '*', '1 hour', 500),
('sms', 'spend', '*', '1 day', 100),
('email', 'number', '*', '1 hour', 5),
('email', 'number', '*', '1 day', 10),
('email', 'prefix', '*', '1 hour', 1000),
('email', 'spend', '*', '1 day', 10)
on conflict do nothing;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
(
    'core.outbound_messages', 'user_id', 30, 'erase_messages',
    'Texts and e-mails that were sent for you in the last 30 days, or wait to be sent.', '{parameters}'
)
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;
