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
    tier smallint not null default 0,
    next_tier_at timestamptz,
    follow_up text check (follow_up in ('acknowledged', 'resolved', 'cancelled')),
    acknowledged_by uuid,
    shown_state text check (shown_state in ('resolved', 'cancelled')),
    shown_ended_at timestamptz,
    wrong_codes smallint not null default 0,
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
comment on column core.alerts.raised_at is 'When the server heard of it.';
comment on column core.alerts.due_at is 'When the first are told: raised_at and the countdown.';
comment on column core.alerts.acknowledged_at is 'When somebody first said that they take care of it.';
comment on column core.alerts.ended_at is 'When it was resolved or cancelled.';
comment on column core.alerts.tier is 'The last tier that was told; 0 before the first.';
comment on column core.alerts.next_tier_at is 'When the next tier is told; null where there is none, or none is wanted any more.';
comment on column core.alerts.follow_up is 'What those who were told still have to hear; null once they have.';
comment on column core.alerts.acknowledged_by is 'The contact who did so last.';
comment on column core.alerts.shown_state is 'What the walker is shown as its end, whether or not it has ended; null before.';
comment on column core.alerts.shown_ended_at is 'When they were told so; null before.';
comment on column core.alerts.wrong_codes is 'Wrong codes to cancel it; after five no code is right.';
create index if not exists alerts_user on core.alerts (user_id, raised_at desc);
create index if not exists alerts_journey on core.alerts (journey_id);
create index if not exists alerts_next on core.alerts (next_tier_at) where next_tier_at is not null;
create index if not exists alerts_follow_up on core.alerts (raised_at) where follow_up is not null;

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
    tier smallint not null check (tier >= 0),
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
    endpoint_id uuid,
    from_name text,
    unique (alert_id, kind, tier, contact_id, channel, address_digest)
);
comment on table core.alert_deliveries is 'The queue of record: one row per alert, recipient and channel, and one more where a later tier or a later message tells them again. A task of the broker is only a nudge; what is due and unclaimed here is sent whatever has become of the task.';
comment on column core.alert_deliveries.delivery_id is 'UUIDv7; the idempotency key that providers get.';
comment on column core.alert_deliveries.alert_id is 'What it tells of.';
comment on column core.alert_deliveries.user_id is 'The walker; null once they are erased.';
comment on column core.alert_deliveries.contact_id is 'The emergency contact; no foreign key: the ledger outlives it. Null where the walker themself is told.';
comment on column core.alert_deliveries.recipient_id is 'The account of the contact, where they have one: whose live inbox, browsers and webhooks are told.';
comment on column core.alert_deliveries.kind is 'What is told: alert, or a later message about it (cancelled, resolved, acknowledged, duress).';
comment on column core.alert_deliveries.channel is 'live: an entry of the inbox, told by the live gateway; sms, voice, email; web_push: a browser; webhook: an address of the contact''s.';
comment on column core.alert_deliveries.address is 'Number, mailbox or URL as it was when the alert was raised; null for live, and once the walker or the contact is erased.';
comment on column core.alert_deliveries.address_digest is 'SHA-256 of alert, channel and address: one address is told once.';
comment on column core.alert_deliveries.language is 'Of the texts.';
comment on column core.alert_deliveries.tier is 'Which step of core.escalation_steps: 1 is told first. Of a later message 0, and 1 once the walker was made to cancel.';
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
comment on column core.alert_deliveries.queued_at is 'When it was written.';
comment on column core.alert_deliveries.sent_at is 'When the provider took it; of live, when it came into the inbox.';
comment on column core.alert_deliveries.delivered_at is 'When it reached the phone or mailbox, as the provider says.';
comment on column core.alert_deliveries.read_at is 'When it was opened, as the provider says.';
comment on column core.alert_deliveries.acknowledged_at is 'When its recipient said that they take care.';
comment on column core.alert_deliveries.endpoint_id is 'The browser or webhook of core.notification_endpoints; null for other channels.';
comment on column core.alert_deliveries.from_name is 'By which name the contact knows the walker; null once the walker is erased.';
create index if not exists alert_deliveries_due on core.alert_deliveries (next_attempt_at) where state = 'queued';
create index if not exists alert_deliveries_user on core.alert_deliveries (user_id);
create index if not exists alert_deliveries_recipient on core.alert_deliveries (recipient_id);
create index if not exists alert_deliveries_address on core.alert_deliveries (address) where address is not null;
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
comment on column core.alert_events.alert_id is 'The alert.';
comment on column core.alert_events.number is '1, 2, ... within the alert.';
comment on column core.alert_events.event is 'raised, queued, sent, delivered, read, failed, acknowledged, cancelled, duress, resolved, ...; docs/reference/alerts.md tells all.';
comment on column core.alert_events.at is 'When it happened.';
comment on column core.alert_events.delivery_id is 'The delivery it is about; null where it is about the alert.';
comment on column core.alert_events.user_id is 'The walker; null once they are erased.';
comment on column core.alert_events.salt is '16 random bytes, so that nobody can guess the content from its digest; null once the walker is erased.';
comment on column core.alert_events.content is 'What happened; null once the walker is erased.';
comment on column core.alert_events.content_digest is 'SHA-256 of salt and content.';
comment on column core.alert_events.previous_digest is 'Digest of the event before; of the first one, SHA-256 of the alert''s id.';
comment on column core.alert_events.digest is 'SHA-256 of the event before, number, event, time, delivery and content_digest.';
create index if not exists alert_events_user on core.alert_events (user_id);

create table if not exists core.alert_chains (
    alert_id uuid primary key,
    number integer not null,
    digest bytea not null
);
comment on table core.alert_chains is 'Where the chain of each alert ends: events that were taken off its end are missed too. Its row is locked while an event is added, after all else the transaction locks.';
comment on column core.alert_chains.number is 'Of the newest event; 0 before the first.';
comment on column core.alert_chains.digest is 'Of the newest event.';

-- The sequence of a recipient is taken under the lock of this row, so that the order of commits is the order of sequences:
-- with one identity column, a poller that asks for what is later than it has seen missed 3 to 618 of 40,000 rows.
create table if not exists core.inboxes (
    user_id uuid primary key,
    last_sequence bigint not null default 0
);
comment on table core.inboxes is 'Whoever is told of alerts in the app: one row per account.';
comment on column core.inboxes.user_id is 'The account.';
comment on column core.inboxes.last_sequence is 'Sequence of the newest entry. The row is locked while one is added; several are locked in order of their ids.';

create table if not exists core.inbox_entries (
    user_id uuid not null,
    sequence bigint not null,
    alert_id uuid,
    walker_id uuid,
    event text not null,
    message jsonb not null,
    told_at timestamptz not null default clock_timestamp(),
    primary key (user_id, sequence)
);
comment on table core.inbox_entries is 'What an account was told of alerts, without gaps in sequence; kept 30 days. The live gateway sends them, and alerts_since reads them.';
comment on column core.inbox_entries.user_id is 'Who is told: the account of a contact, or the walker.';
comment on column core.inbox_entries.sequence is '1, 2, ... within the inbox.';
comment on column core.inbox_entries.alert_id is 'What it is about; null where the watch of a walk tells its walker something.';
comment on column core.inbox_entries.walker_id is 'Whose alert it is: the entry goes when they are erased.';
comment on column core.inbox_entries.event is 'What has happened to the alert.';
comment on column core.inbox_entries.message is 'What the app is sent, as documented in docs/reference/live.md.';
comment on column core.inbox_entries.told_at is 'When it was written.';
create index if not exists inbox_entries_walker on core.inbox_entries (walker_id);
create index if not exists inbox_entries_alert on core.inbox_entries (alert_id);
create index if not exists inbox_entries_old on core.inbox_entries (told_at);

create table if not exists core.alert_links (
    digest bytea primary key check (length(digest) = 32),
    alert_id uuid not null,
    contact_id uuid not null,
    user_id uuid,
    delivery_id uuid not null references core.alert_deliveries on delete cascade,
    made_at timestamptz not null default clock_timestamp()
);
comment on table core.alert_links is 'Links in messages about alerts: who has one sees the alert and can acknowledge it, without an account. One per attempt to send, since the token itself is kept nowhere.';
comment on column core.alert_links.digest is 'SHA-256 of the token in the link: 256 random bits.';
comment on column core.alert_links.alert_id is 'What it shows.';
comment on column core.alert_links.contact_id is 'Whom it was sent to.';
comment on column core.alert_links.user_id is 'The walker.';
comment on column core.alert_links.delivery_id is 'The message it stands in.';
comment on column core.alert_links.made_at is 'When it was made. It opens for 30 days.';
create index if not exists alert_links_user on core.alert_links (user_id);
create index if not exists alert_links_delivery on core.alert_links (delivery_id);
create index if not exists alert_links_old on core.alert_links (made_at);

create table if not exists core.alert_settings (
    user_id uuid primary key,
    countdown_s smallint not null default 0 check (countdown_s between 0 and 60),
    code_salt bytea,
    cancel_code_digest bytea,
    duress_code_digest bytea,
    changed_at timestamptz not null default now(),
    check ((code_salt is null) = (cancel_code_digest is null)),
    check (cancel_code_digest is not null or duress_code_digest is null)
);
comment on table core.alert_settings is 'How a person wants their calls for help handled; without a row they are told at once and cancelled without a code.';
comment on column core.alert_settings.user_id is 'The walker.';
comment on column core.alert_settings.countdown_s is 'Seconds in which a call can be taken back before anybody is told.';
comment on column core.alert_settings.code_salt is 'Random; of both codes.';
comment on column core.alert_settings.cancel_code_digest is 'core.alert_code_digest of the code that cancels; null where none is asked for.';
comment on column core.alert_settings.duress_code_digest is 'The same of the code that only looks as if it cancelled.';
comment on column core.alert_settings.changed_at is 'When they were last set.';

create table if not exists core.escalation_steps (
    cause text not null check (
        cause in ('*', 'drill', 'duress', 'sos', 'overdue', 'check_in', 'silence', 'deviation', 'geofence')
    ),
    tier smallint not null check (tier >= 1),
    after interval not null check (after >= '0'),
    who text not null default 'everyone' check (who in ('everyone', 'first', 'others')),
    channels text[] not null check (
        channels <@ '{live,sms,voice,email,web_push,webhook}'::text[] and cardinality(channels) > 0
    ),
    primary key (cause, tier)
);
comment on table core.escalation_steps is 'Who is told of an alert, when and how, until somebody acknowledges it. A channel in a later tier again is a repetition; after the last tier nothing is sent. Change the rows as you need: alerts raised from then on follow them, and those that are open for tiers that are still to come.';
comment on column core.escalation_steps.cause is 'Of the alert; drill: every rehearsal; duress: once the walker was made to cancel. * are all without rows of their own.';
comment on column core.escalation_steps.tier is '1 is told first.';
comment on column core.escalation_steps.after is 'How long after the first could be told; rising with tier.';
comment on column core.escalation_steps.who is 'everyone; first: the contacts of the best priority; others: all but those.';
comment on column core.escalation_steps.channels is 'How, as far as a contact has it: live, sms, voice, email, web_push, webhook.';
grant select on core.escalation_steps to saferoute_api, saferoute_tasks;

-- A DBA changes these; a cause that has rows keeps them when this is installed again.
insert into core.escalation_steps (cause, tier, after, channels)
select
    s.cause,
    s.tier,
    s.after,
    s.channels
from (
    values
    ('*', 1, interval '0', '{live,web_push,webhook,sms,email}'::text[]),
    ('*', 2, interval '60 s', '{voice}'),
    ('*', 3, interval '3 min', '{sms,web_push,voice}'),
    ('*', 4, interval '10 min', '{sms,web_push,voice}'),
    ('duress', 1, interval '0', '{live,web_push,webhook,sms,email,voice}'),
    ('duress', 2, interval '2 min', '{sms,web_push,voice}'),
    ('duress', 3, interval '5 min', '{sms,web_push,voice}'),
    ('duress', 4, interval '15 min', '{sms,web_push,voice}'),
    ('drill', 1, interval '0', '{live,web_push,webhook,sms,email}')
) as s (cause, tier, after, channels)
where not exists (
    select from core.escalation_steps as e
    where e.cause = s.cause
);

grant select, insert, update on core.alerts, core.alert_deliveries, core.alert_chains, core.inboxes
to saferoute_api, saferoute_tasks;
grant select, insert on core.alert_events to saferoute_api, saferoute_tasks;
grant select, insert on core.inbox_entries to saferoute_api;
grant select, insert, delete on core.inbox_entries to saferoute_tasks;
grant select on core.inboxes, core.inbox_entries to saferoute_live;
grant select on core.alert_links to saferoute_api;
grant select, insert, delete on core.alert_links to saferoute_tasks;
grant select, insert, update on core.alert_settings to saferoute_api;
grant select on core.alert_settings to saferoute_tasks;
-- What raising an alert reads, also when a sweep raises it.
grant select on core.contacts, core.journeys, core.journey_points to saferoute_tasks;
grant select on core.error_codes, core.site to saferoute_tasks;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
('core.alert_links', 'user_id', 60, null, 'Links in messages that your contacts were sent about your alerts.', '{digest}'),
(
    'core.inbox_entries', 'user_id', 61, 'erase_inbox_entries',
    'What you were told in the app of alerts, yours and those of people who named you as a contact.', '{}'
),
('core.inboxes', 'user_id', 62, null, 'How many such messages there were.', '{}'),
(
    'core.alert_events', 'user_id', 63, 'erase_alert_events', 'What happened to your alerts, in order.',
    '{salt,content_digest,previous_digest,digest}'
),
(
    'core.alert_deliveries', 'user_id', 64, 'erase_alert_deliveries', 'Who was to be told of your alerts, and how.',
    '{recipient_id,address_digest,next_attempt_at,claimed_until,claim_id,is_dead,endpoint_id}'
),
(
    'core.alerts', 'user_id', 65, 'erase_alerts', 'Your calls for help, and the alerts that were raised for you.',
    '{is_duress,due_at,tier,next_tier_at,follow_up,acknowledged_by,wrong_codes}'
),
(
    'core.alert_settings', 'user_id', 66, null, 'How you want your calls for help handled.',
    '{code_salt,cancel_code_digest,duress_code_digest}'
)
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

update core.user_data as d set shown_as = v.shown_as
from (
    values
    ('core.alerts'::regclass, 'shown_alerts'),
    ('core.alert_deliveries', 'shown_alert_deliveries'),
    ('core.alert_events', 'shown_alert_events')
) as v (relation, shown_as)
where d.relation = v.relation;

-- The gateway sends all of class sos again that it got no answer to: what writes of it is repeatable.
insert into core.endpoints (endpoint, class, is_repeatable) values
('raise_sos', 'sos', true),
('cancel_sos', 'sos', true),
('acknowledge_alert', 'sos', true),
('acknowledge_by_link', 'sos', true),
('alert_by_link', 'sos', false),
('resolve_alert', 'sos', true),
('alerts_since', 'sos', false),
('alert_status', 'sos', false),
('raise_drill', 'codes', true),
('set_alert_settings', 'sign_in', false)
on conflict (endpoint) do update set class = excluded.class, is_repeatable = excluded.is_repeatable;
