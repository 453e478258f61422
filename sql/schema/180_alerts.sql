-- Alerts: the ledger of calls for help, who is to be told of each, and what became of every message.
create table if not exists core.alerts (
    alert_id uuid primary key,
    user_id uuid,
    journey_id uuid,
    cause text not null check (cause in ('sos', 'overdue', 'check_in', 'silence', 'deviation', 'geofence')),
    state text not null default 'active'
    check (state in ('countdown', 'active', 'acknowledged', 'resolved', 'cancelled')),
    is_silent boolean not null default false,
    is_drill boolean not null default false,
    is_duress boolean not null default false,
    geom geometry (point, 4326),
    message text check (length(message) <= 1000),
    raised_at timestamptz not null default clock_timestamp(),
    due_at timestamptz not null default clock_timestamp(),
    acknowledged_at timestamptz,
    ended_at timestamptz,
    check ((ended_at is not null) = (state in ('resolved', 'cancelled')))
);
comment on table core.alerts is 'Every alert there has been. An erasure takes the person out of it and leaves the row, so that the chain of its events stays whole.';
comment on column core.alerts.alert_id is 'Made by the app (UUIDv7), or by the sweep that raised it.';
comment on column core.alerts.user_id is 'The walker; null once they are erased.';
comment on column core.alerts.journey_id is 'The walk it is about; null where there is none.';
comment on column core.alerts.cause is 'sos: the walker called; the others were found by the watch of the walk.';
comment on column core.alerts.state is 'countdown: nobody has been told yet and it can still be taken back; active: contacts are told, tier by tier; acknowledged: somebody takes care of it, no further tier is told; resolved or cancelled: it has ended.';
comment on column core.alerts.is_silent is 'The app of the walker shows and sounds nothing: whoever stands beside them must not see it.';
comment on column core.alerts.is_drill is 'A rehearsal, marked as such wherever it is shown.';
comment on column core.alerts.is_duress is 'The walker was made to cancel it: to them it looks cancelled, to their contacts it is more urgent than before.';
comment on column core.alerts.geom is 'Where the walker was, WGS 84; null where that is not known.';
comment on column core.alerts.message is 'What the walker wrote.';
comment on column core.alerts.due_at is 'When the first are told: raised_at and the countdown.';
comment on column core.alerts.acknowledged_at is 'When somebody first said that they take care of it.';
comment on column core.alerts.ended_at is 'When it was resolved or cancelled.';
create index if not exists alerts_user on core.alerts (user_id, raised_at desc);
create index if not exists alerts_journey on core.alerts (journey_id);
create index if not exists alerts_open on core.alerts (due_at) where ended_at is null;

create table if not exists core.alert_deliveries (
    delivery_id uuid primary key,
    alert_id uuid not null references core.alerts on delete cascade,
    user_id uuid,
    contact_id uuid,
    recipient_id uuid,
    kind text not null default 'alert',
    channel text not null check (channel in ('live', 'sms', 'voice', 'email', 'web_push', 'webhook')),
    address text,
    address_digest bytea not null,
    language text not null,
    tier smallint not null check (tier >= 1),
    due_at timestamptz not null,
    state text not null default 'queued'
    check (state in ('queued', 'sent', 'delivered', 'read', 'acknowledged', 'failed', 'cancelled')),
    attempts smallint not null default 0,
    next_attempt_at timestamptz not null,
    claimed_until timestamptz,
    claim_id uuid,
    provider text,
    provider_id text,
    error text,
    is_dead boolean not null default false,
    queued_at timestamptz not null default clock_timestamp(),
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    acknowledged_at timestamptz,
    unique (alert_id, kind, contact_id, channel, address_digest)
);
comment on table core.alert_deliveries is 'The queue of record: one row per alert, recipient and channel. A task of the broker is only a nudge; what is due and unclaimed here is sent whatever has become of the task.';
comment on column core.alert_deliveries.delivery_id is 'UUIDv7; the idempotency key that providers get.';
comment on column core.alert_deliveries.user_id is 'The walker; null once they are erased.';
comment on column core.alert_deliveries.contact_id is 'The emergency contact; no foreign key: the ledger outlives it. Null where the walker themself is told.';
comment on column core.alert_deliveries.recipient_id is 'The account of the contact, where they have one: whose live inbox, browsers and webhooks are told.';
comment on column core.alert_deliveries.kind is 'What is told: alert, or a later message about it (cancelled, resolved, acknowledged, duress).';
comment on column core.alert_deliveries.channel is 'live: an entry of the inbox, told by the live gateway; sms, voice, email; web_push: a browser; webhook: an address of the contact''s.';
comment on column core.alert_deliveries.address is 'Number, mailbox or URL as it was when the alert was raised; null for live, and once the walker or the contact is erased.';
comment on column core.alert_deliveries.address_digest is 'SHA-256 of channel and address: one address is told once.';
comment on column core.alert_deliveries.language is 'Of the texts.';
comment on column core.alert_deliveries.tier is 'Who is told first: 1.';
comment on column core.alert_deliveries.due_at is 'When this tier is told, unless somebody has acknowledged before.';
comment on column core.alert_deliveries.state is 'queued: is to be sent; sent: the provider has it; delivered, read: as the provider says; acknowledged: the recipient has said that they take care; failed: will not be tried again by itself; cancelled: the alert ended or was acknowledged before it was due.';
comment on column core.alert_deliveries.attempts is 'How often it was claimed.';
comment on column core.alert_deliveries.next_attempt_at is 'Not before: due_at, later with each failure.';
comment on column core.alert_deliveries.claimed_until is 'A worker has it until then. After it another asks the provider whether it has the message, and sends it if not.';
comment on column core.alert_deliveries.claim_id is 'The claim that may report what became of it.';
comment on column core.alert_deliveries.provider is 'Who was asked to send it.';
comment on column core.alert_deliveries.provider_id is 'What the provider calls it.';
comment on column core.alert_deliveries.error is 'Why the last attempt failed; never an address.';
comment on column core.alert_deliveries.is_dead is 'It was given up: an operator can have it sent again.';
create index if not exists alert_deliveries_due on core.alert_deliveries (next_attempt_at) where state = 'queued';
create index if not exists alert_deliveries_user on core.alert_deliveries (user_id);
create index if not exists alert_deliveries_provider on core.alert_deliveries (provider, provider_id);
create index if not exists alert_deliveries_dead on core.alert_deliveries (queued_at) where is_dead;

create table if not exists core.alert_events (
    alert_id uuid not null references core.alerts on delete cascade,
    number integer not null check (number >= 1),
    event text not null,
    at timestamptz not null default clock_timestamp(),
    delivery_id uuid,
    user_id uuid,
    salt bytea,
    content jsonb,
    content_digest bytea not null,
    previous_digest bytea not null,
    digest bytea not null,
    primary key (alert_id, number)
);
comment on table core.alert_events is 'What has happened to each alert, in order; only added to. The events of an alert are a hash chain: core.verify_alert_chain finds a row that was changed, added or taken out.';
comment on column core.alert_events.number is '1, 2, ... within the alert.';
comment on column core.alert_events.event is 'raised, told, queued, sent, delivered, read, failed, acknowledged, escalated, cancelled, duress, resolved, ...';
comment on column core.alert_events.delivery_id is 'The delivery it is about; null where it is about the alert.';
comment on column core.alert_events.user_id is 'The walker; null once they are erased.';
comment on column core.alert_events.salt is '16 random bytes, so that nobody can guess the content from its digest; null once the walker is erased.';
comment on column core.alert_events.content is 'What happened; null once the walker is erased.';
comment on column core.alert_events.content_digest is 'SHA-256 of salt and content.';
comment on column core.alert_events.previous_digest is 'Digest of the event before; of the first one, SHA-256 of the alert''s id.';
comment on column core.alert_events.digest is 'SHA-256 of the event before, number, event, time, delivery and content_digest.';
create index if not exists alert_events_user on core.alert_events (user_id);

-- The sequence of a recipient is taken under the lock of this row, so that the order of commits is the order of sequences:
-- with one identity column, a poller that asks for what is later than it has seen missed 3 to 618 of 40,000 rows.
create table if not exists core.inboxes (
    user_id uuid primary key,
    last_sequence bigint not null default 0
);
comment on table core.inboxes is 'Whoever is told of alerts in the app: one row per account.';
comment on column core.inboxes.last_sequence is 'Sequence of the newest entry. The row is locked while one is added; several are locked in order of their ids.';

create table if not exists core.inbox_entries (
    user_id uuid not null,
    sequence bigint not null,
    alert_id uuid not null,
    walker_id uuid,
    event text not null,
    message jsonb not null,
    told_at timestamptz not null default clock_timestamp(),
    primary key (user_id, sequence)
);
comment on table core.inbox_entries is 'What an account was told of alerts, without gaps in sequence; kept 30 days. The live gateway sends them, and alerts_since reads them.';
comment on column core.inbox_entries.user_id is 'Who is told: the account of a contact, or the walker.';
comment on column core.inbox_entries.sequence is '1, 2, ... within the inbox.';
comment on column core.inbox_entries.alert_id is 'What it is about.';
comment on column core.inbox_entries.walker_id is 'Whose alert it is: the entry goes when they are erased.';
comment on column core.inbox_entries.event is 'What has happened to the alert.';
comment on column core.inbox_entries.message is 'What the app is sent, as documented in docs/reference/live.md.';
create index if not exists inbox_entries_walker on core.inbox_entries (walker_id);
create index if not exists inbox_entries_alert on core.inbox_entries (alert_id);
create index if not exists inbox_entries_old on core.inbox_entries (told_at);

grant select, insert, update on core.alerts, core.alert_deliveries, core.inboxes to saferoute_api, saferoute_tasks;
grant select, insert on core.alert_events to saferoute_api, saferoute_tasks;
grant select, insert, delete on core.inbox_entries to saferoute_api, saferoute_tasks;
grant select on core.inboxes, core.inbox_entries to saferoute_live;

insert into core.endpoints (endpoint, class) values
('raise_sos', 'sos'),
('cancel_sos', 'sos'),
('acknowledge_alert', 'sos'),
('resolve_alert', 'sos'),
('alerts_since', 'sos'),
('alert_status', 'sos')
on conflict (endpoint) do update set class = excluded.class;
