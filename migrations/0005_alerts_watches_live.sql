-- migration: pre superuser
-- Alerts, watched walks, the live gateway, workers.
-- Messages and contacts are thousands of rows at most: their indexes are built within the transaction.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion

-- source: sql/schema/000_roles.sql sha256:baad096c40104f1af2d4408c104c43f8f05b2d9b4b1e62c29012e9ffb3881ce1
-- Roles of the cluster. Least privilege: an app role reaches tables only through api.* functions.
do $$
declare
    v_role record;
begin
    for v_role in
        select *
        from (values
            ('saferoute_owner', 'login', 'owns tables and internal functions; imports and upkeep'),
            ('saferoute_api', 'nologin', 'owns the api.* functions: not a table owner, no BYPASSRLS'),
            ('saferoute_auth', 'nologin', 'owns the auth.* functions: accounts and codes, nothing else of people'),
            ('saferoute_ingest', 'nologin', 'owns core.record_points_together, which stores the points of many callers at once'),
            ('saferoute_live', 'nologin', 'owns the live.* functions: what the live gateway reads for many watchers at once'),
            ('saferoute_tasks', 'nologin', 'owns the tasks.* functions: deliveries, sweeps and messages of everyone'),
            ('authenticator', 'login noinherit', 'login of the API; becomes the role of the token'),
            ('web_anon', 'nologin', 'a caller without a token'),
            ('authenticated', 'nologin', 'a signed-in person'),
            ('integrator', 'nologin', 'a program with an API key'),
            ('worker', 'login', 'background tasks'),
            ('replicator', 'login replication', 'streams to the standbys; reads no table'),
            ('analyst', 'login', 'k-anonymous views on a standby'),
            ('operator', 'login', 'views and procedures of schema ops')
        ) as roles (name, attributes, meaning)
    loop
        if not exists (select from pg_catalog.pg_roles where rolname = v_role.name) then
            execute format('create role %I %s', v_role.name, v_role.attributes);
        end if;
        execute format('comment on role %I is %L', v_role.name, v_role.meaning);
    end loop;
end
$$;

grant web_anon to authenticator;
grant authenticated to authenticator;
grant integrator to authenticator;
-- The owner replaces api.* and auth.* functions; their owners gain nothing from it.
grant saferoute_api to saferoute_owner;
grant saferoute_auth to saferoute_owner;
grant saferoute_ingest to saferoute_owner;
grant saferoute_live to saferoute_owner;
grant saferoute_tasks to saferoute_owner;
-- Queues belong to those who work them off.
grant worker to saferoute_owner;

-- Replay lag and sizes, for upkeep and for those who watch it.
grant pg_read_all_stats to saferoute_owner, operator;

-- How long a call may take, unless a DBA has set it. PostgreSQL applies a role's setting at login only: the one of
-- authenticator is the ceiling, the API reads the others and keeps them itself. An analyst may set another one for a
-- session: what ends every query is max_standby_streaming_delay of the analysts' standby.
do $$
declare
    v_role record;
begin
    for v_role in
        select *
        from (values
            ('web_anon', '5s'), ('authenticated', '10s'), ('integrator', '10s'), ('authenticator', '15s'),
            ('analyst', '1h')
        ) as t (name, timeout)
    loop
        if not exists (
            select from pg_catalog.pg_roles as r, unnest(r.rolconfig) as c (setting)
            where r.rolname = v_role.name and c.setting like 'statement_timeout=%'
        ) then
            execute format('alter role %I set statement_timeout = %L', v_role.name, v_role.timeout);
        end if;
    end loop;
end
$$;
-- The detail of an error may hold a position, which no log may keep.
alter role authenticator set log_error_verbosity = 'terse';
-- And so may the parameters of a slow statement, or name a person.
alter role authenticator set log_parameter_max_length = 0;
-- So does the message of an error that quotes what cannot be read ("invalid input syntax for type ..."). The API logs the
-- failures that are the server's.
alter role authenticator set log_min_messages = 'log';
alter role saferoute_owner set log_parameter_max_length = 0;
-- Views over the catalogue: compiling them took 8 s, running them 0.4 s.
alter role operator set jit = off;

-- A standby writes nothing anyway; this says so before a query is planned, and wherever else the role might come to be.
alter role analyst set default_transaction_read_only = 'on';
-- A session forgotten in a transaction would hold the replay of its standby back for hours.
alter role analyst set idle_in_transaction_session_timeout = '10min';
alter role analyst set search_path = 'analytics', 'public';

-- Only signed-in roles of this product connect.
do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format(
        'grant connect on database %I to authenticator, worker, analyst, operator', current_database()
    );
    execute format('grant connect, create, temporary on database %I to saferoute_owner', current_database());
end
$$;

-- Days and months are UTC's. pg_partman names and bounds what it makes by the clock of the session, so that in New York
-- it makes a Sunday of Monday and lets months begin on the 31st; this is what a session has that asks for nothing else.
do $$
begin
    if not exists (
        select from pg_catalog.pg_db_role_setting as s, unnest(s.setconfig) as c (setting)
        where s.setrole = 0 and c.setting ilike 'timezone=%'
            and s.setdatabase = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
    ) then
        execute format('alter database %I set timezone = ''UTC''', current_database());
    end if;
end
$$;

-- role: saferoute_owner
set local role saferoute_owner;

-- by hand: first

-- changed: sql/schema/020_schemas.sql sha256:9677197687c57223b7c03d0f3bb06eb5b4d4c7b804018ddcc9098aa970f7396f
--| - grant usage on schema core to saferoute_api, saferoute_auth, authenticator, operator;
-- The grant below says it anew.

-- rest: sql/schema/020_schemas.sql
create schema if not exists live;
create schema if not exists tasks;
comment on schema live is 'What the live gateway calls itself, for many watchers at once: no app role can. They touch no table themselves.';
comment on schema tasks is 'What workers call, and the API for outside services that call back: no app role can. They touch no table themselves.';
grant usage on schema live to authenticator;
grant usage, create on schema live to saferoute_live;
grant usage on schema tasks to worker, authenticator;
grant usage, create on schema tasks to saferoute_tasks;
grant usage on schema core to saferoute_api, saferoute_auth, saferoute_live, saferoute_tasks, authenticator, operator;
alter default privileges for role saferoute_live revoke execute on functions from public;
alter default privileges for role saferoute_tasks revoke execute on functions from public;

-- changed: sql/schema/030_errors.sql sha256:81492c2bea4e35d10db7930824dc1b7d969e3768a4687da58c5fcff2a165bea8
--| - grant select on core.error_codes to saferoute_api, saferoute_auth, authenticator;
-- So does this one.

-- rest: sql/schema/030_errors.sql
grant select on core.error_codes to saferoute_api, saferoute_auth, saferoute_live, saferoute_tasks, authenticator;
insert into core.error_codes (code, http_status, message, hint) values
('SR001', 401, 'This call needs a signed-in person.', 'Send a token with a `sub` claim that is a UUID.'),
('SR002', 404, 'There is no such journey of yours.', null),
('SR003', 409, 'This journey id belongs to another journey.', 'Make a new UUID for each journey.'),
('SR010', 400, 'A position is not on Earth.', 'Longitude is -180 to 180, latitude -90 to 90, both finite degrees.'),
('SR011', 422, 'No walkable way within 300 m of the position.', 'Are longitude and latitude swapped?'),
('SR012', 422, 'No walk leads from one position to the other.', null),
('SR013', 422, 'The walk is too far: more than 30 km in a straight line.', 'Are longitude and latitude swapped?'),
('SR014', 422, 'The position is in no city that has been imported.', 'Are longitude and latitude swapped?'),
('SR015', 422, 'The time is too far from what the data covers.', 'Send a time between the years 2000 and 2100.'),
('SR016', 400, 'The route is not a line that can be read.', 'Send a GeoJSON LineString or an encoded polyline.'),
('SR017', 413, 'Too many points in one call.', 'Send at most 5,000 points in a call.'),
('SR018', 400, 'An argument is outside its range.', null),
('SR019', 400, 'The points cannot be read.', 'Send a JSON array of objects with recorded_at, lon and lat.'),
('SR020', 400, 'There are no points in the call.', 'Send at least one point.'),
('SR021', 409, 'This journey has no points.', 'Send some with record_points; they are kept for 30 days.'),
('SR030', 413, 'The request body is too large.', 'Send at most 2 MiB.'),
('SR031', 400, 'The compressed body cannot be read.', 'Send one gzip stream, complete.'),
('SR032', 415, 'The body is encoded in a way that is not understood.', 'Send it plain or with Content-Encoding: gzip.'),
('SR033', 400, 'The JSON is nested too deep.', 'Nest at most 64 levels.'),
('SR034', 431, 'The headers of the request are too large.', 'Send at most 16 KiB in at most 64 headers.'),
('SR035', 408, 'The request took too long to arrive.', null),
('SR036', 400, 'This is not a valid HTTP request.', null),
('SR037', 414, 'The address of the request is too long.', 'Send the arguments in the body of a POST.'),
('SR040', 401, 'Signing in failed.', 'Check the address and the password.'),
('SR041', 401, 'The session has ended.', 'Sign in again.'),
('SR042', 400, 'The code is wrong or no longer valid.', 'Ask for a new code; after five wrong tries it is void.'),
('SR043', 409, 'This address already has an account.', 'Sign in instead.'),
('SR044', 400, 'The password cannot be used.', 'Take 10 to 256 characters, none of the most common passwords.'),
('SR045', 400, 'This is not an address that messages can be sent to.', 'Write a phone number as +4420..., or an e-mail address.'),
('SR046', 429, 'Too many messages have been asked for.', 'Wait before you ask again.'),
('SR047', 503, 'Signing in and sending codes are not possible at the moment.', 'Try again in a few seconds.'),
('SR048', 404, 'You have no account here.', 'Who signed you in keeps your addresses: change them there.'),
('SR049', 404, 'There is no such session of yours.', null),
('SR050', 404, 'There is no such contact of yours.', null),
('SR051', 409, 'This contact id belongs to another contact.', 'Make a new UUID for each contact.'),
('SR052', 409, 'You already have a contact with this address.', null),
('SR053', 422, 'You have as many contacts as there can be.', 'Remove one first; there can be 10.'),
('SR054', 404, 'This link is no longer valid.', null),
('SR060', 401, 'The API key is not valid.', 'It may have been revoked; ask the operator for another.'),
('SR061', 403, 'The API key is not for this endpoint.', 'Ask the operator for the scope it needs.'),
('SR062', 400, 'A request has either a token or an API key.', 'Leave out Authorization or X-API-Key.'),
('SR070', 429, 'Too many requests.', 'Wait as many seconds as Retry-After says.'),
('SR080', 409, 'This Idempotency-Key was used for another request.', 'Make a new key for each request.'),
('SR081', 400, 'The Idempotency-Key cannot be used.', 'Sign in, and send 1 to 200 printable characters.'),
('SR082', 400, 'The X-Consistency-Token cannot be read.', 'Send what a write has answered with, unchanged, or nothing.'),
('SR090', 404, 'There is no such alert of yours.', null),
('SR091', 409, 'This alert id belongs to another alert.', 'Make a new UUID for each alert.'),
('SR092', 409, 'The alert has ended.', null),
('SR093', 403, 'The code to cancel the alert is wrong.', 'Send the code you chose, or resolve the alert once you are safe.'),
('SR094', 404, 'There is no such walk that is watched.', 'Start to watch it with watch_journey.'),
('SR095', 409, 'The walk has ended.', null),
('SR096', 404, 'This link shows nothing any more.', 'Ask the walker for another.'),
('SR097', 422, 'There are as many of these as there can be.', 'Remove one first.'),
('SR098', 400, 'This address cannot be called.', 'Send an https address on the public internet.'),
('SR099', 403, 'The signature of the call is wrong.', null),
('SR100', 404, 'There is no such report.', null)
on conflict (code) do update set
    http_status = excluded.http_status, message = excluded.message, hint = excluded.hint;

-- changed: sql/schema/160_erasure.sql sha256:da3a5b0a2416ed6b50129edc66ac78391356fec071c2e0d92643b464bef03127
--|   create table if not exists core.user_data (
--| -     secrets text[] not null default '{}'
--| +     secrets text[] not null default '{}',
--| +     shown_as text
alter table core.user_data add column if not exists shown_as text;

-- rest: sql/schema/160_erasure.sql
comment on column core.user_data.shown_as is 'The view of schema core, with the same columns, that an export reads instead; null: the table. Whoever makes a person export may not learn all.';

-- changed: sql/schema/164_messages.sql sha256:261fd883d1bf7d3a4c10a4e7603a593e0e8185ad504e1eafb9a61d03f128f7ed
--|   create table if not exists core.outbound_messages (
--| -     sent_at timestamptz
--| +     sent_at timestamptz,
--| +     attempts smallint not null default 0,
--| +     next_attempt_at timestamptz not null default clock_timestamp(),
--| +     claimed_until timestamptz,
--| +     claim_id uuid,
--| +     provider text,
--| +     provider_id text,
--| +     error text
--| - create index if not exists outbound_messages_queued on core.outbound_messages (created_at) where status = 'queued';
alter table core.outbound_messages
add column if not exists attempts smallint not null default 0,
add column if not exists next_attempt_at timestamptz not null default now(),
add column if not exists claimed_until timestamptz,
add column if not exists claim_id uuid,
add column if not exists provider text,
add column if not exists provider_id text,
add column if not exists error text;
alter table core.outbound_messages alter column next_attempt_at set default clock_timestamp(); -- apart: no rewrite
drop index if exists core.outbound_messages_queued;

-- rest: sql/schema/164_messages.sql
comment on column core.outbound_messages.parameters is 'What the text names: the code or the link. Emptied once it is sent or given up.';
comment on column core.outbound_messages.attempts is 'How often it was claimed.';
comment on column core.outbound_messages.next_attempt_at is 'Not before; later with each failure.';
comment on column core.outbound_messages.claimed_until is 'A worker has it until then; after it another takes it.';
comment on column core.outbound_messages.claim_id is 'The claim that may report what became of it.';
comment on column core.outbound_messages.provider is 'Who was asked to send it.';
comment on column core.outbound_messages.provider_id is 'What the provider calls it.';
comment on column core.outbound_messages.error is 'Why the last attempt failed; never an address.';

-- changed: sql/schema/168_contacts.sql sha256:67fe5039a14a450cffd2b3e8bb9e93a3f70cc6c306307dbf1bc0fe086ec5ad99
--|   create table if not exists core.site (
--| -     public_url text not null check (public_url ~ '^https?://[^/?#\s]+(/[^?#\s]*[^/?#\s])?$')
--| +     public_url text not null check (public_url ~ '^https?://[^/?#\s]+(/[^?#\s]*[^/?#\s])?$'),
--| +     allows_local_webhooks boolean not null default false
--|   create table if not exists core.contacts (
--| +     contact_user_id uuid,
--|   create table if not exists core.contact_consents (
--| -     means text check (means in ('link', 'code')),
--| +     means text check (means in ('link', 'code', 'reply')),
--| - grant select on core.consent_wordings to saferoute_api;
alter table core.site add column if not exists allows_local_webhooks boolean not null default false;
alter table core.contacts add column if not exists contact_user_id uuid;
-- squawk-ignore ban-drop-constraint
alter table core.contact_consents drop constraint if exists contact_consents_means_check;
alter table core.contact_consents
add constraint contact_consents_means_check check (means in ('link', 'code', 'reply')) not valid;
-- squawk-ignore constraint-missing-not-valid
alter table core.contact_consents validate constraint contact_consents_means_check;

-- rest: sql/schema/168_contacts.sql
comment on column core.site.allows_local_webhooks is 'Whether webhooks may lead to http and to this machine: for trying things out, never where strangers sign up.';
grant select on core.consent_wordings to saferoute_api, saferoute_tasks;
comment on column core.contacts.contact_user_id is 'The account of the contact, once they have opened a link of theirs while signed in; null before.';
create index if not exists contacts_reached on core.contacts (address);
create index if not exists contacts_account on core.contacts (contact_user_id);
comment on column core.contact_consents.means is 'How the contact answered: link, code that they read to the walker, or reply to a text.';
grant update (state, answered_at, code_digest, code_expires_at, code_tries) on core.contacts to saferoute_tasks;
grant insert on core.contact_consents to saferoute_tasks;
insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
('core.contact_links', 'user_id', 40, null, 'Links that your emergency contacts were sent.', '{digest}'),
('core.contacts', 'user_id', 41, 'erase_contacts', 'Your emergency contacts.', '{code_digest}'),
('core.contact_consents', 'user_id', 42, null, 'When your emergency contacts were asked, and what they answered.', '{}')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

-- source: sql/schema/180_alerts.sql sha256:118f3d2dbf2474ba55c6130b0c79861a29c2b8c4def5a1fc8f960cafdada0966
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

insert into core.endpoints (endpoint, class) values
('raise_sos', 'sos'),
('cancel_sos', 'sos'),
('acknowledge_alert', 'sos'),
('acknowledge_by_link', 'sos'),
('alert_by_link', 'sos'),
('resolve_alert', 'sos'),
('alerts_since', 'sos'),
('alert_status', 'sos'),
('raise_drill', 'codes'),
('set_alert_settings', 'sign_in')
on conflict (endpoint) do update set class = excluded.class;

-- source: sql/schema/182_notification_endpoints.sql sha256:ce7f7df5987384e9c0d3af005ca0a1f40444a64ca7caa5bbaa795d0f2a8525b8
-- Where an account wants to be told besides its inbox: browsers and addresses of programs.
create table if not exists core.notification_endpoints (
    endpoint_id uuid primary key,
    user_id uuid not null,
    channel text not null check (channel in ('web_push', 'webhook')),
    url text not null check (length(url) <= 2000),
    p256dh text,
    auth text,
    secret text,
    added_at timestamptz not null default now(),
    constraint notification_endpoints_url unique (user_id, url),
    check ((channel = 'web_push') = (p256dh is not null and auth is not null)),
    check ((channel = 'webhook') = (secret is not null))
);
comment on table core.notification_endpoints is 'Browsers and webhooks that are told of alerts: of the people who named this account''s owner as a contact.';
comment on column core.notification_endpoints.endpoint_id is 'Made by the app.';
comment on column core.notification_endpoints.user_id is 'Who is told.';
comment on column core.notification_endpoints.channel is 'web_push: a browser; webhook: an address that a program listens at.';
comment on column core.notification_endpoints.url is 'Where to send it.';
comment on column core.notification_endpoints.p256dh is 'Public key of the browser, base64url; null for a webhook.';
comment on column core.notification_endpoints.auth is 'Secret of the browser for its messages, base64url; null for a webhook.';
comment on column core.notification_endpoints.secret is 'Key of the signatures under what is sent to a webhook; shown once. It signs, so it cannot be kept as a digest; only workers read it.';
comment on column core.notification_endpoints.added_at is 'When it was added.';
grant insert, delete, select (endpoint_id, user_id, channel, url, p256dh, auth, added_at)
on core.notification_endpoints to saferoute_api;
grant select, delete on core.notification_endpoints to saferoute_tasks;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
(
    'core.notification_endpoints', 'user_id', 67, null,
    'Browsers and webhooks where you are told of alerts.', '{auth,secret}'
)
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

-- source: sql/schema/184_message_templates.sql sha256:f7f58dae8bee78461a342335783cd8c6cdfeedb6c47f4d5925b21687c0a2789e
-- What messages say: whole texts, one for each template, channel and language.
create table if not exists core.message_templates (
    template text not null check (template ~ '^[a-z_]+$'),
    channel text not null check (channel in ('sms', 'voice', 'email', 'web_push')),
    language text not null check (language ~ '^[a-z]{2,3}$'),
    subject text,
    body text not null,
    primary key (template, channel, language),
    check ((subject is not null) = (channel in ('email', 'web_push')))
);
comment on table core.message_templates is 'Texts of messages. {names} in braces stand for what the message gives; docs/reference/messages.md says which there are. Change a row to say it in your own words; installing again leaves what is there.';
comment on column core.message_templates.template is 'Which text it is: alert_ and its cause, or what has happened since, with drill_ before it for a rehearsal; or what else is sent (core.enqueue_message).';
comment on column core.message_templates.channel is 'sms, voice (what is said), email, or web_push, whose words webhooks get too.';
comment on column core.message_templates.language is 'One of core.consent_wordings.';
comment on column core.message_templates.subject is 'Of the e-mail, or title of the notification.';
comment on column core.message_templates.body is 'The text; plain.';
grant select on core.message_templates to saferoute_tasks;

-- What is not about an alert. An SMS says what its e-mail says.
with texts (template, language, subject, body) as (
    values
    ('sign_up', 'en', 'Your Safe Route code', '{code} is your Safe Route code for a new account. Tell it to nobody. If you did not ask for it, do nothing.'),
    ('sign_up', 'es', 'Tu clave de Safe Route', '{code} es tu clave de Safe Route para una cuenta nueva. No la digas a nadie. Si no la has pedido, no hagas nada.'),
    ('sign_up', 'fr', 'Votre code Safe Route', '{code} est votre code Safe Route pour un nouveau compte. Ne le donnez à personne. Sans demande de votre part, ne faites rien.'),
    ('sign_up', 'de', 'Ihr Safe-Route-Code', '{code} ist Ihr Safe-Route-Code für ein neues Konto. Sagen Sie ihn niemandem. Wenn Sie ihn nicht angefordert haben, tun Sie nichts.'),
    ('sign_up', 'pt', 'Seu código do Safe Route', '{code} é seu código do Safe Route para uma nova conta. Não o diga a ninguém. Se você não pediu, não faça nada.'),
    ('sign_up', 'hi', 'आपका Safe Route कोड', '{code} नए खाते के लिए आपका Safe Route कोड है। इसे किसी को न बताएँ। यदि आपने नहीं माँगा, तो कुछ न करें।'),
    ('reset_password', 'en', 'Your Safe Route code', '{code} is your Safe Route code for a new password. Tell it to nobody. If you did not ask for it, do nothing.'),
    ('reset_password', 'es', 'Tu clave de Safe Route', '{code} es tu clave de Safe Route para una contraseña nueva. No la digas a nadie. Si no la has pedido, no hagas nada.'),
    ('reset_password', 'fr', 'Votre code Safe Route', '{code} est votre code Safe Route pour un nouveau mot de passe. Ne le donnez à personne. Sans demande de votre part, ne faites rien.'),
    ('reset_password', 'de', 'Ihr Safe-Route-Code', '{code} ist Ihr Safe-Route-Code für ein neues Passwort. Sagen Sie ihn niemandem. Wenn Sie ihn nicht angefordert haben, tun Sie nichts.'),
    ('reset_password', 'pt', 'Seu código do Safe Route', '{code} é seu código do Safe Route para uma nova senha. Não o diga a ninguém. Se você não pediu, não faça nada.'),
    ('reset_password', 'hi', 'आपका Safe Route कोड', '{code} नए पासवर्ड के लिए आपका Safe Route कोड है। इसे किसी को न बताएँ। यदि आपने नहीं माँगा, तो कुछ न करें।'),
    ('verify', 'en', 'Your Safe Route code', '{code} is your Safe Route code to confirm this address. Tell it to nobody. If you did not ask for it, do nothing.'),
    ('verify', 'es', 'Tu clave de Safe Route', '{code} es tu clave de Safe Route para confirmar estos datos. No la digas a nadie. Si no la has pedido, no hagas nada.'),
    ('verify', 'fr', 'Votre code Safe Route', '{code} est votre code Safe Route pour confirmer ces coordonnées. Ne le donnez à personne. Sans demande de votre part, ne faites rien.'),
    ('verify', 'de', 'Ihr Safe-Route-Code', '{code} ist Ihr Safe-Route-Code, mit dem Sie diese Adresse bestätigen. Sagen Sie ihn niemandem. Wenn Sie ihn nicht angefordert haben, tun Sie nichts.'),
    ('verify', 'pt', 'Seu código do Safe Route', '{code} é seu código do Safe Route para confirmar este endereço. Não o diga a ninguém. Se você não pediu, não faça nada.'),
    ('verify', 'hi', 'आपका Safe Route कोड', '{code} इस पते की पुष्टि के लिए आपका Safe Route कोड है। इसे किसी को न बताएँ। यदि आपने नहीं माँगा, तो कुछ न करें।'),
    ('no_account', 'en', 'Your Safe Route password', 'Somebody asked Safe Route for a new password. This address has no account with us. If it was not you, do nothing.'),
    ('no_account', 'es', 'Tu contraseña de Safe Route', 'Han pedido a Safe Route una contraseña nueva. No hay ninguna cuenta con estos datos. Si no has sido tú, no hagas nada.'),
    ('no_account', 'fr', 'Votre mot de passe Safe Route', 'On a demandé à Safe Route un nouveau mot de passe. Aucun compte n''existe avec ces coordonnées. Sans demande de votre part, ne faites rien.'),
    ('no_account', 'de', 'Ihr Safe-Route-Passwort', 'Bei Safe Route wurde ein neues Passwort angefordert. Diese Adresse hat bei uns kein Konto. Wenn Sie es nicht waren, tun Sie nichts.'),
    ('no_account', 'pt', 'Sua senha do Safe Route', 'Alguém pediu ao Safe Route uma nova senha. Este endereço não tem conta conosco. Se não foi você, não faça nada.'),
    ('no_account', 'hi', 'आपका Safe Route पासवर्ड', 'किसी ने Safe Route से नया पासवर्ड माँगा है। इस पते का हमारे यहाँ कोई खाता नहीं है। यदि आपने नहीं माँगा, तो कुछ न करें।'),
    ('address_changed', 'en', 'Your Safe Route account has a new address', 'Your Safe Route account has a new address in place of this one. If it was not you, reset your password now.'),
    ('address_changed', 'es', 'Tu cuenta de Safe Route tiene nuevos datos', 'Tu cuenta de Safe Route tiene nuevos datos de contacto en lugar de estos. Si no has sido tú, cambia ya tu contraseña.'),
    ('address_changed', 'fr', 'Votre compte Safe Route a de nouvelles coordonnées', 'Votre compte Safe Route a de nouvelles coordonnées à la place de celles-ci. Si ce n''est pas vous, changez votre mot de passe maintenant.'),
    ('address_changed', 'de', 'Ihr Safe-Route-Konto hat eine neue Adresse', 'Ihr Safe-Route-Konto hat eine neue Adresse anstelle dieser. Wenn Sie es nicht waren, setzen Sie sofort Ihr Passwort zurück.'),
    ('address_changed', 'pt', 'Sua conta do Safe Route tem um novo endereço', 'Sua conta do Safe Route tem um novo endereço no lugar deste. Se não foi você, redefina sua senha agora.'),
    ('address_changed', 'hi', 'आपके Safe Route खाते का नया पता', 'आपके Safe Route खाते में इस पते की जगह नया पता है। यदि यह आपने नहीं किया, तो अभी अपना पासवर्ड बदलें।'),
    ('contact_invitation', 'en', '{from_name} asks you to be an emergency contact', '{from_name} asks to name you as an emergency contact on Safe Route. Your answer: {link} Or tell {from_name} the code {code}. If you do nothing, you get no messages.'),
    ('contact_invitation', 'es', '{from_name} quiere que seas su contacto de emergencia', '{from_name} quiere que seas su contacto de emergencia en Safe Route. Tu respuesta: {link} O dile a {from_name} la clave {code}. Si no haces nada, no te escribiremos.'),
    ('contact_invitation', 'fr', '{from_name} souhaite vous nommer contact d''urgence', '{from_name} souhaite vous nommer comme contact d''urgence sur Safe Route. Votre réponse : {link} Ou donnez à {from_name} le code {code}. Sans réponse, aucun message ne vous sera envoyé.'),
    ('contact_invitation', 'de', '{from_name} möchte Sie als Notfallkontakt angeben', '{from_name} möchte Sie bei Safe Route als Notfallkontakt angeben. Ihre Antwort: {link} Oder sagen Sie {from_name} den Code {code}. Wenn Sie nichts tun, erhalten Sie keine Nachrichten.'),
    ('contact_invitation', 'pt', '{from_name} quer indicar você como contato de emergência', '{from_name} quer indicar você como contato de emergência no Safe Route. Sua resposta: {link} Ou diga a {from_name} o código {code}. Se não fizer nada, não receberá mensagens.'),
    ('contact_invitation', 'hi', '{from_name} आपको आपातकालीन संपर्क बनाना चाहते हैं', '{from_name} आपको Safe Route पर अपना आपातकालीन संपर्क बनाना चाहते हैं। आपका जवाब: {link} या {from_name} को कोड {code} बताएँ। कुछ न करने पर आपको कोई संदेश नहीं मिलेगा।')
)

insert into core.message_templates (template, channel, language, subject, body)
select
    t.template,
    c.channel,
    t.language,
    case c.channel when 'email' then t.subject end,
    t.body
from texts as t
cross join (values ('sms'), ('email')) as c (channel)
on conflict do nothing;

-- What is about an alert: a sentence for each thing that can happen, set into the frame of its channel. A test counts the
-- characters of each SMS: in English, Spanish, French and German it keeps to the GSM alphabet (no á, ç, ê, í, ó or ú), which
-- takes 153 characters in a part, where others take 67.
with sentences (template, frame, language, sentence) as (
    values
    ('alert_sos', 'alarm', 'en', '{from_name} calls for help.'),
    ('alert_sos', 'alarm', 'es', '{from_name} pide ayuda.'),
    ('alert_sos', 'alarm', 'fr', '{from_name} appelle à l''aide.'),
    ('alert_sos', 'alarm', 'de', '{from_name} ruft um Hilfe.'),
    ('alert_sos', 'alarm', 'pt', '{from_name} pede ajuda.'),
    ('alert_sos', 'alarm', 'hi', '{from_name} ने मदद माँगी है।'),
    ('alert_overdue', 'alarm', 'en', '{from_name} has not arrived in time.'),
    ('alert_overdue', 'alarm', 'es', '{from_name} no ha llegado a tiempo.'),
    ('alert_overdue', 'alarm', 'fr', 'L''arrivée de {from_name} n''a pas eu lieu à l''heure prévue.'),
    ('alert_overdue', 'alarm', 'de', '{from_name} ist nicht rechtzeitig angekommen.'),
    ('alert_overdue', 'alarm', 'pt', '{from_name} não chegou a tempo.'),
    ('alert_overdue', 'alarm', 'hi', '{from_name} समय पर नहीं पहुँचे।'),
    ('alert_check_in', 'alarm', 'en', '{from_name} has not checked in as agreed.'),
    ('alert_check_in', 'alarm', 'es', '{from_name} no ha confirmado que va bien.'),
    ('alert_check_in', 'alarm', 'fr', '{from_name} n''a pas confirmé que tout va bien.'),
    ('alert_check_in', 'alarm', 'de', '{from_name} hat sich nicht wie vereinbart gemeldet.'),
    ('alert_check_in', 'alarm', 'pt', '{from_name} não confirmou que está bem.'),
    ('alert_check_in', 'alarm', 'hi', '{from_name} ने तय समय पर ख़बर नहीं दी।'),
    ('alert_silence', 'alarm', 'en', 'The phone of {from_name} has gone silent during a walk.'),
    ('alert_silence', 'alarm', 'es', 'El dispositivo de {from_name} ha dejado de responder durante un paseo.'),
    ('alert_silence', 'alarm', 'fr', 'Le téléphone de {from_name} ne répond plus pendant un trajet.'),
    ('alert_silence', 'alarm', 'de', 'Das Telefon von {from_name} meldet sich unterwegs nicht mehr.'),
    ('alert_silence', 'alarm', 'pt', 'O telefone de {from_name} deixou de responder durante uma caminhada.'),
    ('alert_silence', 'alarm', 'hi', '{from_name} का फ़ोन रास्ते में जवाब नहीं दे रहा।'),
    ('alert_deviation', 'alarm', 'en', '{from_name} has left the planned route.'),
    ('alert_deviation', 'alarm', 'es', '{from_name} se ha desviado de la ruta prevista.'),
    ('alert_deviation', 'alarm', 'fr', '{from_name} a quitté l''itinéraire prévu.'),
    ('alert_deviation', 'alarm', 'de', '{from_name} hat den geplanten Weg verlassen.'),
    ('alert_deviation', 'alarm', 'pt', '{from_name} saiu do caminho previsto.'),
    ('alert_deviation', 'alarm', 'hi', '{from_name} तय रास्ते से हट गए हैं।'),
    ('alert_geofence', 'alarm', 'en', '{from_name} has entered or left a marked area.'),
    ('alert_geofence', 'alarm', 'es', '{from_name} ha entrado en una zona marcada o ha salido de ella.'),
    ('alert_geofence', 'alarm', 'fr', '{from_name} a franchi la limite d''une zone signalée.'),
    ('alert_geofence', 'alarm', 'de', '{from_name} hat eine markierte Zone betreten oder verlassen.'),
    ('alert_geofence', 'alarm', 'pt', '{from_name} entrou em uma área marcada ou saiu dela.'),
    ('alert_geofence', 'alarm', 'hi', '{from_name} किसी चिह्नित इलाके में आए या वहाँ से निकले हैं।'),
    ('escalated', 'alarm', 'en', 'Nobody has answered yet: {from_name} still needs help.'),
    ('escalated', 'alarm', 'es', 'Nadie ha respondido: {from_name} sigue necesitando ayuda.'),
    ('escalated', 'alarm', 'fr', 'Personne n''a répondu : {from_name} a toujours besoin d''aide.'),
    ('escalated', 'alarm', 'de', 'Noch hat niemand geantwortet: {from_name} braucht weiter Hilfe.'),
    ('escalated', 'alarm', 'pt', 'Ninguém respondeu: {from_name} ainda precisa de ajuda.'),
    ('escalated', 'alarm', 'hi', 'अब तक किसी ने जवाब नहीं दिया: {from_name} को मदद चाहिए।'),
    ('duress', 'alarm', 'en', 'URGENT: {from_name} may have been forced to call the alarm off. Treat it as real.'),
    ('duress', 'alarm', 'es', 'URGENTE: pueden haber obligado a {from_name} a anular la alarma. Es real.'),
    ('duress', 'alarm', 'fr', 'URGENT : quelqu''un a pu forcer {from_name} à annuler l''alerte. Elle est réelle.'),
    ('duress', 'alarm', 'de', 'DRINGEND: {from_name} wurde vielleicht gezwungen, den Alarm abzusagen. Er ist echt.'),
    ('duress', 'alarm', 'pt', 'URGENTE: alguém pode ter obrigado {from_name} a cancelar o alarme. Ele é real.'),
    ('duress', 'alarm', 'hi', 'अत्यावश्यक: शायद {from_name} से ज़बरदस्ती अलार्म रद्द कराया गया। इसे सच मानें।'),
    ('cancelled', 'news', 'en', '{from_name} has cancelled the alarm.'),
    ('cancelled', 'news', 'es', '{from_name} ha anulado la alarma.'),
    ('cancelled', 'news', 'fr', '{from_name} a annulé l''alerte.'),
    ('cancelled', 'news', 'de', '{from_name} hat den Alarm abgesagt.'),
    ('cancelled', 'news', 'pt', '{from_name} cancelou o alarme.'),
    ('cancelled', 'news', 'hi', '{from_name} ने अलार्म रद्द कर दिया है।'),
    ('resolved', 'news', 'en', 'The alarm of {from_name} is over.'),
    ('resolved', 'news', 'es', 'La alarma de {from_name} ha terminado.'),
    ('resolved', 'news', 'fr', 'L''alerte de {from_name} est terminée.'),
    ('resolved', 'news', 'de', 'Der Alarm von {from_name} ist beendet.'),
    ('resolved', 'news', 'pt', 'O alarme de {from_name} terminou.'),
    ('resolved', 'news', 'hi', '{from_name} का अलार्म समाप्त हो गया है।'),
    ('acknowledged', 'news', 'en', 'Somebody takes care of the alarm of {from_name}.'),
    ('acknowledged', 'news', 'es', 'Alguien se ocupa de la alarma de {from_name}.'),
    ('acknowledged', 'news', 'fr', 'Quelqu''un s''occupe de l''alerte de {from_name}.'),
    ('acknowledged', 'news', 'de', 'Jemand kümmert sich um den Alarm von {from_name}.'),
    ('acknowledged', 'news', 'pt', 'Alguém está cuidando do alarme de {from_name}.'),
    ('acknowledged', 'news', 'hi', '{from_name} के अलार्म को कोई सँभाल रहा है।'),
    ('pre_warning', 'self', 'en', 'Are you all right? If you do not check in, your contacts are told at {time}.'),
    ('pre_warning', 'self', 'es', '¿Todo bien? Si no lo confirmas, avisaremos a tus contactos a las {time}.'),
    ('pre_warning', 'self', 'fr', 'Tout va bien ? Sans nouvelles de vous, vos contacts seront prévenus à {time}.'),
    ('pre_warning', 'self', 'de', 'Ist alles in Ordnung? Ohne Rückmeldung werden Ihre Kontakte um {time} benachrichtigt.'),
    ('pre_warning', 'self', 'pt', 'Está tudo bem? Se você não confirmar, seus contatos serão avisados às {time}.'),
    ('pre_warning', 'self', 'hi', 'क्या आप ठीक हैं? आपने ख़बर नहीं दी तो {time} पर आपके संपर्कों को बताया जाएगा।'),
    ('reply_acknowledged', 'reply', 'en', 'Thank you: you take care of {from_name}, and the others know it.'),
    ('reply_acknowledged', 'reply', 'es', 'Gracias: te ocupas de {from_name} y los otros lo saben.'),
    ('reply_acknowledged', 'reply', 'fr', 'Merci : vous vous occupez de {from_name}, et les autres le savent.'),
    ('reply_acknowledged', 'reply', 'de', 'Danke: Sie kümmern sich um {from_name}, und die anderen wissen es.'),
    ('reply_acknowledged', 'reply', 'pt', 'Obrigado: você cuida de {from_name}, e os outros já sabem.'),
    ('reply_acknowledged', 'reply', 'hi', 'धन्यवाद: आप {from_name} को सँभाल रहे हैं, और बाक़ी लोग यह जानते हैं।'),
    ('reply_ended', 'reply', 'en', 'The alarm of {from_name} is already over.'),
    ('reply_ended', 'reply', 'es', 'La alarma de {from_name} ya ha terminado.'),
    ('reply_ended', 'reply', 'fr', 'L''alerte de {from_name} est déjà terminée.'),
    ('reply_ended', 'reply', 'de', 'Der Alarm von {from_name} ist schon beendet.'),
    ('reply_ended', 'reply', 'pt', 'O alarme de {from_name} já terminou.'),
    ('reply_ended', 'reply', 'hi', '{from_name} का अलार्म पहले ही समाप्त हो चुका है।'),
    ('reply_not_understood', 'question', 'en', 'We did not understand your answer.'),
    ('reply_not_understood', 'question', 'es', 'No hemos entendido tu respuesta.'),
    ('reply_not_understood', 'question', 'fr', 'Nous n''avons pas compris votre réponse.'),
    ('reply_not_understood', 'question', 'de', 'Wir haben Ihre Antwort nicht verstanden.'),
    ('reply_not_understood', 'question', 'pt', 'Não entendemos sua resposta.'),
    ('reply_not_understood', 'question', 'hi', 'हम आपका जवाब नहीं समझे।'),
    ('reply_unknown', 'reply', 'en', 'There is no alarm that you were told of.'),
    ('reply_unknown', 'reply', 'es', 'No hay ninguna alarma de la que te hayamos avisado.'),
    ('reply_unknown', 'reply', 'fr', 'Il n''y a aucune alerte en cours pour vous.'),
    ('reply_unknown', 'reply', 'de', 'Es gibt keinen Alarm, von dem Sie benachrichtigt wurden.'),
    ('reply_unknown', 'reply', 'pt', 'Não há nenhum alarme sobre o qual você foi avisado.'),
    ('reply_unknown', 'reply', 'hi', 'ऐसा कोई अलार्म नहीं है जिसकी आपको सूचना दी गई हो।')
),

frames (frame, channel, language, subject, body) as (
    values
    ('alarm', 'sms', 'en', null, 'Safe Route: {what} {time}, {position}. Look: {link} Reply OK if you take care of it. Not an emergency service: in danger, call the local emergency number.'),
    ('alarm', 'sms', 'es', null, 'Safe Route: {what} {time}, {position}. Mira: {link} Responde OK si te ocupas. No es un servicio de emergencias: en peligro, llama al teléfono local de emergencias.'),
    ('alarm', 'sms', 'fr', null, 'Safe Route : {what} {time}, {position}. Voir : {link} Répondez OK si vous vous en occupez. Ceci n''est pas un service d''urgence : en danger, appelez le numéro d''urgence local.'),
    ('alarm', 'sms', 'de', null, 'Safe Route: {what} {time}, {position}. Ansehen: {link} Antworten Sie OK, wenn Sie sich kümmern. Kein Notdienst: Bei Gefahr die örtliche Notrufnummer anrufen.'),
    ('alarm', 'sms', 'pt', null, 'Safe Route: {what} {time}, {position}. Veja: {link} Responda OK se for cuidar disso. Não é um serviço de emergência: em perigo, ligue para o número local de emergência.'),
    ('alarm', 'sms', 'hi', null, 'Safe Route: {what} {time}, {position}. देखें: {link} सँभाल रहे हों तो OK लिखें। यह आपातकालीन सेवा नहीं है: ख़तरे में स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('news', 'sms', 'en', null, 'Safe Route: {what} {link} Not an emergency service: in danger, call the local emergency number.'),
    ('news', 'sms', 'es', null, 'Safe Route: {what} {link} No es un servicio de emergencias: en peligro, llama al teléfono local de emergencias.'),
    ('news', 'sms', 'fr', null, 'Safe Route : {what} {link} Ceci n''est pas un service d''urgence : en danger, appelez le numéro d''urgence local.'),
    ('news', 'sms', 'de', null, 'Safe Route: {what} {link} Kein Notdienst: Bei Gefahr die örtliche Notrufnummer anrufen.'),
    ('news', 'sms', 'pt', null, 'Safe Route: {what} {link} Não é um serviço de emergência: em perigo, ligue para o número local de emergência.'),
    ('news', 'sms', 'hi', null, 'Safe Route: {what} {link} यह आपातकालीन सेवा नहीं है: ख़तरे में स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('self', 'sms', 'en', null, 'Safe Route: {what} Not an emergency service: in danger, call the local emergency number.'),
    ('self', 'sms', 'es', null, 'Safe Route: {what} No es un servicio de emergencias: en peligro, llama al teléfono local de emergencias.'),
    ('self', 'sms', 'fr', null, 'Safe Route : {what} Ceci n''est pas un service d''urgence : en danger, appelez le numéro d''urgence local.'),
    ('self', 'sms', 'de', null, 'Safe Route: {what} Kein Notdienst: Bei Gefahr die örtliche Notrufnummer anrufen.'),
    ('self', 'sms', 'pt', null, 'Safe Route: {what} Não é um serviço de emergência: em perigo, ligue para o número local de emergência.'),
    ('self', 'sms', 'hi', null, 'Safe Route: {what} यह आपातकालीन सेवा नहीं है: ख़तरे में स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('alarm', 'voice', 'en', null, 'This is an automatic call from Safe Route. {what} Your text message says where. Press 1 to say that you take care of it. Safe Route is not an emergency service. In danger, call the local emergency number.'),
    ('alarm', 'voice', 'es', null, 'Esta es una llamada automática de Safe Route. {what} El mensaje de texto dice dónde. Pulsa 1 para decir que te ocupas. Safe Route no es un servicio de emergencias. Si hay peligro, llama al teléfono local de emergencias.'),
    ('alarm', 'voice', 'fr', null, 'Ceci est un appel automatique de Safe Route. {what} Le message texte indique le lieu. Appuyez sur 1 pour dire que vous vous en occupez. Safe Route n''est pas un service d''urgence. En cas de danger, appelez le numéro d''urgence local.'),
    ('alarm', 'voice', 'de', null, 'Dies ist ein automatischer Anruf von Safe Route. {what} Wo, steht in Ihrer Textnachricht. Drücken Sie die 1, wenn Sie sich darum kümmern. Safe Route ist kein Notdienst. Bei Gefahr rufen Sie die örtliche Notrufnummer an.'),
    ('alarm', 'voice', 'pt', null, 'Esta é uma chamada automática do Safe Route. {what} A mensagem de texto diz onde. Pressione 1 para dizer que vai cuidar disso. Safe Route não é um serviço de emergência. Em caso de perigo, ligue para o número local de emergência.'),
    ('alarm', 'voice', 'hi', null, 'यह Safe Route की स्वचालित कॉल है। {what} जगह आपके संदेश में लिखी है। यदि आप सँभाल रहे हैं, तो 1 दबाएँ। Safe Route आपातकालीन सेवा नहीं है। ख़तरा हो तो स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('news', 'voice', 'en', null, 'This is an automatic call from Safe Route. {what} Safe Route is not an emergency service. In danger, call the local emergency number.'),
    ('news', 'voice', 'es', null, 'Esta es una llamada automática de Safe Route. {what} Safe Route no es un servicio de emergencias. Si hay peligro, llama al teléfono local de emergencias.'),
    ('news', 'voice', 'fr', null, 'Ceci est un appel automatique de Safe Route. {what} Safe Route n''est pas un service d''urgence. En cas de danger, appelez le numéro d''urgence local.'),
    ('news', 'voice', 'de', null, 'Dies ist ein automatischer Anruf von Safe Route. {what} Safe Route ist kein Notdienst. Bei Gefahr rufen Sie die örtliche Notrufnummer an.'),
    ('news', 'voice', 'pt', null, 'Esta é uma chamada automática do Safe Route. {what} Safe Route não é um serviço de emergência. Em caso de perigo, ligue para o número local de emergência.'),
    ('news', 'voice', 'hi', null, 'यह Safe Route की स्वचालित कॉल है। {what} Safe Route आपातकालीन सेवा नहीं है। ख़तरा हो तो स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('self', 'voice', 'en', null, 'This is an automatic call from Safe Route. {what} Safe Route is not an emergency service. In danger, call the local emergency number.'),
    ('self', 'voice', 'es', null, 'Esta es una llamada automática de Safe Route. {what} Safe Route no es un servicio de emergencias. Si hay peligro, llama al teléfono local de emergencias.'),
    ('self', 'voice', 'fr', null, 'Ceci est un appel automatique de Safe Route. {what} Safe Route n''est pas un service d''urgence. En cas de danger, appelez le numéro d''urgence local.'),
    ('self', 'voice', 'de', null, 'Dies ist ein automatischer Anruf von Safe Route. {what} Safe Route ist kein Notdienst. Bei Gefahr rufen Sie die örtliche Notrufnummer an.'),
    ('self', 'voice', 'pt', null, 'Esta é uma chamada automática do Safe Route. {what} Safe Route não é um serviço de emergência. Em caso de perigo, ligue para o número local de emergência.'),
    ('self', 'voice', 'hi', null, 'यह Safe Route की स्वचालित कॉल है। {what} Safe Route आपातकालीन सेवा नहीं है। ख़तरा हो तो स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('alarm', 'email', 'en', 'Safe Route: {what}', E'{what}\n\nTime: {time}\nPosition: {position}\nMessage: {note}\n\nSee where, and say that you take care of it:\n{link}\n\nSafe Route is not an emergency service. In danger, call the local emergency number.\n'),
    ('alarm', 'email', 'es', 'Safe Route: {what}', E'{what}\n\nHora: {time}\nPosición: {position}\nMensaje: {note}\n\nMira dónde está y di que te ocupas:\n{link}\n\nSafe Route no es un servicio de emergencias. Si hay peligro, llama al teléfono local de emergencias.\n'),
    ('alarm', 'email', 'fr', 'Safe Route: {what}', E'{what}\n\nHeure: {time}\nPosition: {position}\nMessage: {note}\n\nVoyez où, et dites que vous vous en occupez :\n{link}\n\nSafe Route n''est pas un service d''urgence. En cas de danger, appelez le numéro d''urgence local.\n'),
    ('alarm', 'email', 'de', 'Safe Route: {what}', E'{what}\n\nZeit: {time}\nPosition: {position}\nNachricht: {note}\n\nSehen Sie nach, wo, und sagen Sie, dass Sie sich kümmern:\n{link}\n\nSafe Route ist kein Notdienst. Bei Gefahr rufen Sie die örtliche Notrufnummer an.\n'),
    ('alarm', 'email', 'pt', 'Safe Route: {what}', E'{what}\n\nHora: {time}\nPosição: {position}\nMensagem: {note}\n\nVeja onde está e diga que vai cuidar disso:\n{link}\n\nSafe Route não é um serviço de emergência. Em caso de perigo, ligue para o número local de emergência.\n'),
    ('alarm', 'email', 'hi', 'Safe Route: {what}', E'{what}\n\nसमय: {time}\nस्थान: {position}\nसंदेश: {note}\n\nदेखें कहाँ हैं, और बताएँ कि आप सँभाल रहे हैं:\n{link}\n\nSafe Route आपातकालीन सेवा नहीं है। ख़तरा हो तो स्थानीय आपातकालीन नंबर पर कॉल करें।\n'),
    ('news', 'email', 'en', 'Safe Route: {what}', E'{what}\n\nSee more:\n{link}\n\nSafe Route is not an emergency service. In danger, call the local emergency number.\n'),
    ('news', 'email', 'es', 'Safe Route: {what}', E'{what}\n\nVer más:\n{link}\n\nSafe Route no es un servicio de emergencias. Si hay peligro, llama al teléfono local de emergencias.\n'),
    ('news', 'email', 'fr', 'Safe Route: {what}', E'{what}\n\nEn savoir plus :\n{link}\n\nSafe Route n''est pas un service d''urgence. En cas de danger, appelez le numéro d''urgence local.\n'),
    ('news', 'email', 'de', 'Safe Route: {what}', E'{what}\n\nMehr dazu:\n{link}\n\nSafe Route ist kein Notdienst. Bei Gefahr rufen Sie die örtliche Notrufnummer an.\n'),
    ('news', 'email', 'pt', 'Safe Route: {what}', E'{what}\n\nVer mais:\n{link}\n\nSafe Route não é um serviço de emergência. Em caso de perigo, ligue para o número local de emergência.\n'),
    ('news', 'email', 'hi', 'Safe Route: {what}', E'{what}\n\nऔर देखें:\n{link}\n\nSafe Route आपातकालीन सेवा नहीं है। ख़तरा हो तो स्थानीय आपातकालीन नंबर पर कॉल करें।\n'),
    ('self', 'email', 'en', 'Safe Route: {what}', E'{what}\n\nSafe Route is not an emergency service. In danger, call the local emergency number.\n'),
    ('self', 'email', 'es', 'Safe Route: {what}', E'{what}\n\nSafe Route no es un servicio de emergencias. Si hay peligro, llama al teléfono local de emergencias.\n'),
    ('self', 'email', 'fr', 'Safe Route: {what}', E'{what}\n\nSafe Route n''est pas un service d''urgence. En cas de danger, appelez le numéro d''urgence local.\n'),
    ('self', 'email', 'de', 'Safe Route: {what}', E'{what}\n\nSafe Route ist kein Notdienst. Bei Gefahr rufen Sie die örtliche Notrufnummer an.\n'),
    ('self', 'email', 'pt', 'Safe Route: {what}', E'{what}\n\nSafe Route não é um serviço de emergência. Em caso de perigo, ligue para o número local de emergência.\n'),
    ('self', 'email', 'hi', 'Safe Route: {what}', E'{what}\n\nSafe Route आपातकालीन सेवा नहीं है। ख़तरा हो तो स्थानीय आपातकालीन नंबर पर कॉल करें।\n'),
    ('alarm', 'web_push', 'en', '{what}', '{time}, {position}. Not an emergency service: in danger, call the local emergency number.'),
    ('alarm', 'web_push', 'es', '{what}', '{time}, {position}. No es un servicio de emergencias: en peligro, llama al teléfono local de emergencias.'),
    ('alarm', 'web_push', 'fr', '{what}', '{time}, {position}. Ceci n''est pas un service d''urgence : en danger, appelez le numéro d''urgence local.'),
    ('alarm', 'web_push', 'de', '{what}', '{time}, {position}. Kein Notdienst: Bei Gefahr die örtliche Notrufnummer anrufen.'),
    ('alarm', 'web_push', 'pt', '{what}', '{time}, {position}. Não é um serviço de emergência: em perigo, ligue para o número local de emergência.'),
    ('alarm', 'web_push', 'hi', '{what}', '{time}, {position}. यह आपातकालीन सेवा नहीं है: ख़तरे में स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('news', 'web_push', 'en', '{what}', 'Not an emergency service: in danger, call the local emergency number.'),
    ('news', 'web_push', 'es', '{what}', 'No es un servicio de emergencias: en peligro, llama al teléfono local de emergencias.'),
    ('news', 'web_push', 'fr', '{what}', 'Ceci n''est pas un service d''urgence : en danger, appelez le numéro d''urgence local.'),
    ('news', 'web_push', 'de', '{what}', 'Kein Notdienst: Bei Gefahr die örtliche Notrufnummer anrufen.'),
    ('news', 'web_push', 'pt', '{what}', 'Não é um serviço de emergência: em perigo, ligue para o número local de emergência.'),
    ('news', 'web_push', 'hi', '{what}', 'यह आपातकालीन सेवा नहीं है: ख़तरे में स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('self', 'web_push', 'en', 'Safe Route', '{what} Not an emergency service: in danger, call the local emergency number.'),
    ('self', 'web_push', 'es', 'Safe Route', '{what} No es un servicio de emergencias: en peligro, llama al teléfono local de emergencias.'),
    ('self', 'web_push', 'fr', 'Safe Route', '{what} Ceci n''est pas un service d''urgence : en danger, appelez le numéro d''urgence local.'),
    ('self', 'web_push', 'de', 'Safe Route', '{what} Kein Notdienst: Bei Gefahr die örtliche Notrufnummer anrufen.'),
    ('self', 'web_push', 'pt', 'Safe Route', '{what} Não é um serviço de emergência: em perigo, ligue para o número local de emergência.'),
    ('self', 'web_push', 'hi', 'Safe Route', '{what} यह आपातकालीन सेवा नहीं है: ख़तरे में स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('reply', 'sms', 'en', null, '{what} Not an emergency service: in danger, call the local emergency number.'),
    ('reply', 'sms', 'es', null, '{what} No es un servicio de emergencias: en peligro, llama al teléfono local de emergencias.'),
    ('reply', 'sms', 'fr', null, '{what} Ceci n''est pas un service d''urgence : en danger, appelez le numéro d''urgence local.'),
    ('reply', 'sms', 'de', null, '{what} Kein Notdienst: Bei Gefahr die örtliche Notrufnummer anrufen.'),
    ('reply', 'sms', 'pt', null, '{what} Não é um serviço de emergência: em perigo, ligue para o número local de emergência.'),
    ('reply', 'sms', 'hi', null, '{what} यह आपातकालीन सेवा नहीं है: ख़तरे में स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('reply', 'voice', 'en', null, '{what} Safe Route is not an emergency service. In danger, call the local emergency number.'),
    ('reply', 'voice', 'es', null, '{what} Safe Route no es un servicio de emergencias. Si hay peligro, llama al teléfono local de emergencias.'),
    ('reply', 'voice', 'fr', null, '{what} Safe Route n''est pas un service d''urgence. En cas de danger, appelez le numéro d''urgence local.'),
    ('reply', 'voice', 'de', null, '{what} Safe Route ist kein Notdienst. Bei Gefahr rufen Sie die örtliche Notrufnummer an.'),
    ('reply', 'voice', 'pt', null, '{what} Safe Route não é um serviço de emergência. Em caso de perigo, ligue para o número local de emergência.'),
    ('reply', 'voice', 'hi', null, '{what} Safe Route आपातकालीन सेवा नहीं है। ख़तरा हो तो स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('question', 'sms', 'en', null, '{what} Reply OK if you take care of {from_name}. Not an emergency service: in danger, call the local emergency number.'),
    ('question', 'sms', 'es', null, '{what} Responde OK si te ocupas de {from_name}. No es un servicio de emergencias: en peligro, llama al teléfono local de emergencias.'),
    ('question', 'sms', 'fr', null, '{what} Répondez OK si vous vous occupez de {from_name}. Ceci n''est pas un service d''urgence : en danger, appelez le numéro d''urgence local.'),
    ('question', 'sms', 'de', null, '{what} Antworten Sie OK, wenn Sie sich um {from_name} kümmern. Kein Notdienst: Bei Gefahr die örtliche Notrufnummer anrufen.'),
    ('question', 'sms', 'pt', null, '{what} Responda OK se for cuidar de {from_name}. Não é um serviço de emergência: em perigo, ligue para o número local de emergência.'),
    ('question', 'sms', 'hi', null, '{what} यदि आप {from_name} को सँभाल रहे हैं, तो OK लिखें। यह आपातकालीन सेवा नहीं है: ख़तरे में स्थानीय आपातकालीन नंबर पर कॉल करें।'),
    ('question', 'voice', 'en', null, '{what} Press 1 if you take care of {from_name}. Safe Route is not an emergency service. In danger, call the local emergency number.'),
    ('question', 'voice', 'es', null, '{what} Pulsa 1 si te ocupas de {from_name}. Safe Route no es un servicio de emergencias. Si hay peligro, llama al teléfono local de emergencias.'),
    ('question', 'voice', 'fr', null, '{what} Appuyez sur 1 si vous vous occupez de {from_name}. Safe Route n''est pas un service d''urgence. En cas de danger, appelez le numéro d''urgence local.'),
    ('question', 'voice', 'de', null, '{what} Drücken Sie die 1, wenn Sie sich um {from_name} kümmern. Safe Route ist kein Notdienst. Bei Gefahr rufen Sie die örtliche Notrufnummer an.'),
    ('question', 'voice', 'pt', null, '{what} Pressione 1 se for cuidar de {from_name}. Safe Route não é um serviço de emergência. Em caso de perigo, ligue para o número local de emergência.'),
    ('question', 'voice', 'hi', null, '{what} यदि आप {from_name} को सँभाल रहे हैं, तो 1 दबाएँ। Safe Route आपातकालीन सेवा नहीं है। ख़तरा हो तो स्थानीय आपातकालीन नंबर पर कॉल करें।')
),

-- A rehearsal begins with saying so, wherever it is read or heard.
drills (prefix, language, subject, body) as (
    values
    ('', 'en', '', ''),
    ('', 'es', '', ''),
    ('', 'fr', '', ''),
    ('', 'de', '', ''),
    ('', 'pt', '', ''),
    ('', 'hi', '', ''),
    ('drill_', 'en', 'DRILL: ', 'DRILL, not real. '),
    ('drill_', 'es', 'SIMULACRO: ', 'SIMULACRO, no es real. '),
    ('drill_', 'fr', 'EXERCICE : ', 'EXERCICE, pas réel. '),
    ('drill_', 'de', 'ÜBUNG: ', 'ÜBUNG, kein Ernstfall. '),
    ('drill_', 'pt', 'SIMULADO: ', 'SIMULADO, não é real. '),
    ('drill_', 'hi', 'अभ्यास: ', 'अभ्यास, असली नहीं। ')
)

insert into core.message_templates (template, channel, language, subject, body)
select
    d.prefix || s.template,
    f.channel,
    s.language,
    d.subject || replace(f.subject, '{what}', s.sentence),
    d.body || replace(f.body, '{what}', s.sentence)
from sentences as s
join frames as f on s.frame = f.frame and s.language = f.language
join drills as d on s.language = d.language
on conflict do nothing;

-- source: sql/schema/185_deliveries.sql sha256:789a423deed89904ee85d2f681e4206d436dd9e94828ca3f2c3a39e084f80559
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

-- source: sql/schema/186_watches.sql sha256:68b44ad2c11c1a863a0eabbe0254df178b9005bd5f0d2e5a94383d4ae33dd19d
-- Watched walks: what is watched for, what has happened, who may look.
create table if not exists core.watches (
    journey_id uuid primary key,
    user_id uuid not null,
    state text not null check (state in ('planned', 'active', 'late', 'overdue', 'alarm', 'ended')),
    reason text,
    state_since timestamptz not null,
    starts_at timestamptz not null,
    expected_at timestamptz,
    check_in_every interval,
    silence_after interval,
    grace interval not null,
    battery_floor real,
    deviation_m real,
    route geometry (linestring, 4326),
    route_m geometry,
    destination_m geometry,
    checked_in_at timestamptz,
    heard_at timestamptz,
    last_position geometry (point, 4326),
    pace_mps real,
    eta timestamptz,
    told_eta timestamptz,
    arriving_since timestamptz,
    off_route_since timestamptz,
    off_route_points integer not null default 0,
    strayed_at timestamptz,
    is_straying_known boolean not null default false,
    crossed_at timestamptz,
    battery_pct real,
    is_battery_low boolean not null default false,
    warned_for timestamptz,
    is_alarm_due boolean not null default false,
    alert_id uuid,
    last_seq bigint not null default 0,
    next_look_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    check ((ended_at is not null) = (state = 'ended')),
    check ((next_look_at is null) = (state = 'ended')),
    check (state = 'overdue' or not is_alarm_due)
)
-- A look writes the row, and the route is not part of what it reads or writes.
with (fillfactor = 70, toast_tuple_target = 128);
comment on table core.watches is 'The watch of a walk: one row per watched journey. Only core.move_watch changes its state.';
comment on column core.watches.journey_id is 'The walk.';
comment on column core.watches.user_id is 'The walker.';
comment on column core.watches.state is 'planned: has not begun; active: all is well; late: something is not as planned and the walker was told; overdue: they have not reacted; alarm: an alert was raised; ended.';
comment on column core.watches.reason is 'Why it is in this state: the cause (overdue, check_in, silence, deviation, geofence) or what ended the concern or the watch.';
comment on column core.watches.state_since is 'When it came into this state. The next step is never sooner than grace after it.';
comment on column core.watches.starts_at is 'When the watch begins.';
comment on column core.watches.expected_at is 'When the walker means to have arrived; null where nobody waits for that.';
comment on column core.watches.check_in_every is 'How often the walker says that all is well; null: not at all.';
comment on column core.watches.silence_after is 'Without a position for so long, something may be wrong; null: never.';
comment on column core.watches.grace is 'How long the walker has to react, from late to overdue and from there to the alarm.';
comment on column core.watches.battery_floor is 'Below this charge (per cent) the battery is low; null: it is not watched.';
comment on column core.watches.deviation_m is 'Metres from the route that are still on it; null without a route.';
comment on column core.watches.route is 'The planned way, WGS 84.';
comment on column core.watches.route_m is 'The same in metres, in the UTM zone of its beginning.';
comment on column core.watches.destination_m is 'Where the walk leads to, in metres of the same zone; null where nobody said.';
comment on column core.watches.checked_in_at is 'When the walker last said that all is well.';
comment on column core.watches.heard_at is 'When the newest position that was looked at was recorded. Positions recorded before it are not looked at later.';
comment on column core.watches.last_position is 'That position, WGS 84.';
comment on column core.watches.pace_mps is 'How fast the walker gets on, smoothed over some two minutes, metres per second; null before it is known.';
comment on column core.watches.eta is 'When the walker will arrive, as estimated from there.';
comment on column core.watches.told_eta is 'The arrival that watchers were last told.';
comment on column core.watches.arriving_since is 'Since when every position was at the destination.';
comment on column core.watches.off_route_since is 'Since when every position was off the route.';
comment on column core.watches.off_route_points is 'How many these are.';
comment on column core.watches.strayed_at is 'When it was sure that the walker had left the route; null where they have not, or have said that all is well.';
comment on column core.watches.is_straying_known is 'The walker has said that all is well although they are off the route: it counts again once they have been back.';
comment on column core.watches.crossed_at is 'The oldest crossed_at of its areas.';
comment on column core.watches.battery_pct is 'Charge of the phone as last heard, per cent.';
comment on column core.watches.is_battery_low is 'It is below battery_floor, or has been and is not yet 5 above.';
comment on column core.watches.warned_for is 'The check-in of which the walker was reminded.';
comment on column core.watches.is_alarm_due is 'Nothing is left but to raise the alert, which tasks.sound_alarm does in a transaction of its own.';
comment on column core.watches.alert_id is 'The alert that was raised last.';
comment on column core.watches.last_seq is 'seq of the newest event.';
comment on column core.watches.next_look_at is 'When the sweep looks at it again; null once it has ended.';
comment on column core.watches.ended_at is 'When the watch ended.';
comment on column core.watches.created_at is 'When the server first heard of it.';
create index if not exists watches_due on core.watches (next_look_at) where next_look_at is not null;
create index if not exists watches_alarm_due on core.watches (state_since) where is_alarm_due;
create index if not exists watches_user on core.watches (user_id);

create table if not exists core.journey_events (
    journey_id uuid not null,
    seq bigint not null,
    user_id uuid not null,
    event text not null,
    from_state text,
    state text not null,
    reason text,
    eta timestamptz,
    content jsonb,
    at timestamptz not null,
    primary key (journey_id, seq)
);
comment on table core.journey_events is 'What has happened to each walk while it was watched or shared, in order; only added to.';
comment on column core.journey_events.journey_id is 'The walk.';
comment on column core.journey_events.seq is 'Microseconds since 1970, and always more than before within the walk: it is taken under the lock of the watch, so that commits come in its order.';
comment on column core.journey_events.user_id is 'The walker.';
comment on column core.journey_events.event is 'state: it changed; eta: the expected arrival changed; settings, check_in, check_in_due, battery_low, battery_ok, geofence: for the walker only.';
comment on column core.journey_events.from_state is 'The state before; null where it is the first one or has not changed.';
comment on column core.journey_events.state is 'The state from then on.';
comment on column core.journey_events.reason is 'Why.';
comment on column core.journey_events.eta is 'When the walker was expected or estimated to arrive.';
comment on column core.journey_events.content is 'What belongs to the event.';
comment on column core.journey_events.at is 'When it happened.';
create index if not exists journey_events_user on core.journey_events (user_id);

create table if not exists core.journey_shares (
    share_id uuid primary key,
    journey_id uuid not null,
    user_id uuid not null,
    digest bytea not null unique check (length(digest) = 32),
    precision text not null check (precision in ('exact', 'street', 'area')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);
comment on table core.journey_shares is 'Links by which others may watch a walk, without an account. The path that they show begins when they were made.';
comment on column core.journey_shares.share_id is 'UUIDv7.';
comment on column core.journey_shares.journey_id is 'The walk.';
comment on column core.journey_shares.user_id is 'The walker.';
comment on column core.journey_shares.digest is 'SHA-256 of the token in the link: 256 random bits.';
comment on column core.journey_shares.precision is 'exact: positions as recorded; street: on a grid of 100 m; area: of 1 km.';
comment on column core.journey_shares.created_at is 'When it was made.';
comment on column core.journey_shares.expires_at is 'It shows nothing from then on.';
comment on column core.journey_shares.revoked_at is 'When the walker took it back; null where they have not.';
create index if not exists journey_shares_journey on core.journey_shares (journey_id);
create index if not exists journey_shares_user on core.journey_shares (user_id);

create table if not exists core.geofences (
    journey_id uuid not null,
    geofence_id uuid not null,
    user_id uuid not null,
    kind text not null check (kind in ('arrive', 'leave', 'enter', 'risk')),
    name text check (length(name) between 1 and 60),
    area geometry (polygon, 4326),
    min_risk real check (min_risk > 0 and min_risk <= 1),
    is_inside boolean,
    crossed_at timestamptz,
    added_at timestamptz not null default now(),
    primary key (journey_id, geofence_id),
    check ((area is null) = (kind = 'risk')),
    check ((min_risk is not null) = (kind = 'risk'))
);
comment on table core.geofences is 'Areas of a watched walk: told when the walker arrives, and a concern when they leave or enter.';
comment on column core.geofences.journey_id is 'The walk.';
comment on column core.geofences.geofence_id is 'Made by the app; one of the walk.';
comment on column core.geofences.user_id is 'The walker.';
comment on column core.geofences.kind is 'arrive: told when the walker comes into the area; leave: a concern when they leave it; enter: when they come into it; risk: when they come into a street of at least min_risk at that hour.';
comment on column core.geofences.name is 'What the walker calls it.';
comment on column core.geofences.area is 'WGS 84; null for risk.';
comment on column core.geofences.min_risk is '0 to 1; only for risk.';
comment on column core.geofences.is_inside is 'Whether the last position was in it; null before the first one.';
comment on column core.geofences.crossed_at is 'Since when it is a concern: the walker has left it, or come into it, and has not said that all is well.';
comment on column core.geofences.added_at is 'When it was added.';
create index if not exists geofences_user on core.geofences (user_id);

grant select, insert, update on core.watches to saferoute_api, saferoute_tasks;
grant select, insert on core.journey_events to saferoute_api, saferoute_tasks;
grant select, insert, update on core.journey_shares to saferoute_api;
grant select, insert, update, delete on core.geofences to saferoute_api;
grant select, update on core.geofences to saferoute_tasks;
grant select on core.journeys, core.journey_points to saferoute_tasks;
grant select on core.watches, core.journey_events, core.journey_shares, core.journeys, core.journey_points to saferoute_live;
grant select (user_id, contact_user_id, state) on core.contacts to saferoute_live;
grant select (alert_id, user_id, journey_id, state) on core.alerts to saferoute_live;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
('core.watches', 'user_id', 70, null, 'What you had your walks watched for, and how that stood.', '{route_m,destination_m}'),
('core.journey_events', 'user_id', 71, null, 'What happened on your watched walks.', '{}'),
('core.journey_shares', 'user_id', 72, null, 'Links by which others could watch your walks.', '{digest}'),
('core.geofences', 'user_id', 73, null, 'Areas of your watched walks.', '{}')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

-- source: sql/schema/188_reports.sql sha256:3c7e9eb5343c38be3b313eedc0d5b9bbcd489fdbca3f2d54ecad043675520bb2
-- Reports that a worker makes: of a walk, of everything that is kept of a person, of many routes at once.
create table if not exists core.reports (
    report_id uuid primary key,
    user_id uuid not null,
    kind text not null check (kind in ('journey_report', 'gpx', 'export', 'route_safety')),
    parameters jsonb not null,
    state text not null default 'queued' check (state in ('queued', 'running', 'ready', 'failed')),
    done integer not null default 0,
    total integer not null check (total >= 1),
    error text,
    media_type text,
    content bytea,
    asked_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    expires_at timestamptz not null default clock_timestamp() + interval '7 days',
    attempts smallint not null default 0,
    claim_id uuid,
    claimed_until timestamptz,
    nudged_at timestamptz not null default clock_timestamp(),
    check ((content is not null) = (state = 'ready') and (media_type is not null) = (state = 'ready'))
);
comment on table core.reports is 'What people asked to have made, and what was made of it. The row is the queue of record: a task of the broker is only a nudge. Removed after 7 days.';
comment on column core.reports.report_id is 'Made by the app.';
comment on column core.reports.user_id is 'Who asked for it, and gets it.';
comment on column core.reports.kind is 'journey_report: an HTML page with a map; gpx: the track of a walk; export: a ZIP of everything that is kept of the person; route_safety: what api.route_safety says of many routes.';
comment on column core.reports.parameters is 'Which walk, or which routes.';
comment on column core.reports.state is 'queued; running: a worker makes it; ready; failed: it cannot be made.';
comment on column core.reports.done is 'Parts of it that are done.';
comment on column core.reports.total is 'Parts it has: routes; 1 for other kinds.';
comment on column core.reports.error is 'Why it could not be made.';
comment on column core.reports.media_type is 'Of the content.';
comment on column core.reports.content is 'The report.';
comment on column core.reports.asked_at is 'When it was asked for.';
comment on column core.reports.ended_at is 'When it was ready, or failed.';
comment on column core.reports.expires_at is 'When it is removed.';
comment on column core.reports.attempts is 'How often a worker has begun it.';
comment on column core.reports.claim_id is 'The claim that may report what became of it.';
comment on column core.reports.claimed_until is 'A worker has it until then; or, while it is queued, it is not begun before.';
comment on column core.reports.nudged_at is 'When a task was last queued for it.';
create index if not exists reports_user on core.reports (user_id, asked_at);
create index if not exists reports_open on core.reports (nudged_at) where state in ('queued', 'running');
create index if not exists reports_expired on core.reports (expires_at);
grant select, insert, delete on core.reports to saferoute_api;
grant select, update, delete on core.reports to saferoute_tasks;

-- What a report of a walk is made of.
grant select on core.cities, core.road_edges, core.road_links, core.risk_factors, core.crime_coverage to saferoute_tasks;
grant select on core.journeys, core.journey_points to saferoute_tasks;
grant select (contact_id, user_id, name) on core.contacts to saferoute_tasks;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
(
    'core.reports', 'user_id', 48, null, 'Reports that you asked for in the last 7 days.',
    '{content}' -- it is what the rest of the export says, once more
)
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

insert into core.error_codes (code, http_status, message, hint) values
('SR110', 409, 'This report id belongs to another report.', 'Make a new UUID for each report.'),
('SR111', 409, 'The report is not ready.', 'Ask report_status until it is.')
on conflict (code) do update set
    http_status = excluded.http_status, message = excluded.message, hint = excluded.hint;

insert into core.endpoint_classes (class, is_priority, description) values
('documents', false, 'Reports, exports and lists of routes that a worker makes.')
on conflict (class) do update set is_priority = excluded.is_priority, description = excluded.description;
insert into core.rate_limits (class, subject, amount, window_s, is_hard) values
('documents', 'user', 30, 3600, false),
('documents', 'ip', 120, 3600, false)
on conflict (class, subject, api_key_id) do nothing;
insert into core.endpoints (endpoint, class) values
('request_report', 'documents')
on conflict (endpoint) do update set class = excluded.class;

-- source: sql/functions/alerts/acknowledge.sql sha256:851dd0370434c226df33923ee019eab2e029825e0418065d9dd33e8bfc08da7f
create or replace function core.acknowledge(p_alert_id uuid, p_contact_id uuid, p_means text) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
begin
    perform set_config('synchronous_commit', 'on', true);
    select a.* into strict v_alert from core.alerts as a where a.alert_id = p_alert_id for update;
    if v_alert.ended_at is not null then
        return false;
    end if;
    if v_alert.state = 'acknowledged' and exists (
        select from core.alert_deliveries as d
        where d.alert_id = p_alert_id and d.contact_id = p_contact_id and d.kind = core.alert_kind(v_alert)
            and d.state = 'acknowledged'
    ) then
        return true;
    end if;
    -- Their own messages have done their work; of others' those that are due still go out.
    update core.alert_deliveries as d set
        state = case when d.attempts > 0 then 'acknowledged' else 'cancelled' end,
        sent_at = case when d.attempts > 0 then coalesce(d.sent_at, clock_timestamp()) end,
        acknowledged_at = case when d.attempts > 0 then clock_timestamp() end
    where d.alert_id = p_alert_id and d.contact_id = p_contact_id and d.kind = core.alert_kind(v_alert)
        and d.state in ('queued', 'sent', 'delivered', 'read');
    if v_alert.state <> 'acknowledged' then
        update core.alert_deliveries as d set state = 'cancelled'
        where d.alert_id = p_alert_id and d.kind = core.alert_kind(v_alert) and d.state = 'queued' and d.attempts = 0
            and d.due_at > clock_timestamp();
        update core.alerts as a set
            state = 'acknowledged',
            acknowledged_at = coalesce(a.acknowledged_at, clock_timestamp()),
            acknowledged_by = p_contact_id,
            next_tier_at = null,
            follow_up = 'acknowledged'
        where a.alert_id = p_alert_id;
    end if;
    perform core.append_alert_event(
        p_alert_id, 'acknowledged', null, jsonb_build_object('contact_id', p_contact_id, 'means', p_means)
    );
    perform core.enqueue_task('alarm', 'escalate', '[]');
    return true;
end
$$;

comment on function core.acknowledge(uuid, uuid, text) is
'A contact takes care of an alert, by p_means (app, link, sms, voice): no further tier is told, the walker and those who were told hear of it. False, and nothing is written, where the alert has ended. Whoever says so after the first is noted too; the same contact again changes nothing.';
revoke all on function core.acknowledge(uuid, uuid, text) from public;
grant execute on function core.acknowledge(uuid, uuid, text) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/acknowledge_alert.sql sha256:294ca849d7007befda639834428129f0f5329e1cd9d5a667f1a0126eca807b5a
create or replace function core.acknowledge_alert(p_user_id uuid, p_alert_id uuid) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts := core.told_alert(p_user_id, p_alert_id);
    v_contact_id uuid := core.told_contact_id(p_alert_id, p_user_id);
begin
    if v_contact_id is null then
        perform core.fail('SR090', format('alert %s', p_alert_id));
    end if;
    if not core.acknowledge(p_alert_id, v_contact_id, 'app') then
        perform core.fail('SR092');
    end if;
    select a.* into v_alert from core.alerts as a where a.alert_id = p_alert_id;
    return core.told_summary(v_alert, v_contact_id);
end
$$;

comment on function core.acknowledge_alert(uuid, uuid) is
'A contact who was told of an alert in the app takes care of it; the alert as they see it. SR090 where they were not told, also for the walker; SR092 where it has ended.';
revoke all on function core.acknowledge_alert(uuid, uuid) from public;
grant execute on function core.acknowledge_alert(uuid, uuid) to saferoute_api;

-- source: sql/functions/alerts/acknowledge_by_link.sql sha256:e113bce3b0c3688449b1156562ae4fcbf2773ed0da17e70254acad66e9d8ac60
create or replace function core.acknowledge_by_link(p_token text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_link core.alert_links := core.alert_of_link(p_token);
    v_alert core.alerts;
begin
    if not core.acknowledge(v_link.alert_id, v_link.contact_id, 'link') then
        perform core.fail('SR092');
    end if;
    select a.* into strict v_alert from core.alerts as a where a.alert_id = v_link.alert_id;
    return core.told_summary(v_alert, v_link.contact_id);
end
$$;

comment on function core.acknowledge_by_link(text) is
'The contact to whom a link was sent takes care of its alert; SR054 where the link opens nothing, SR092 where the alert has ended.';
revoke all on function core.acknowledge_by_link(text) from public;
grant execute on function core.acknowledge_by_link(text) to saferoute_api;

-- source: sql/functions/alerts/add_deliveries.sql sha256:7bb9dba13d34e4a5df4b1fdf5a48e21188fb0f568e4d9be7c916ab5eb3d9218f
create or replace function core.add_deliveries(p_alert core.alerts, p_tier smallint default null) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
-- PL/pgSQL keeps the plan: in SQL it took 4 ms of a call's 11, here 1.2.
begin
    insert into core.alert_deliveries (
        delivery_id, alert_id, user_id, contact_id, recipient_id, kind, channel, address, address_digest, language, tier,
        due_at, next_attempt_at, endpoint_id, from_name
    )
    select
        core.uuid_v7(), p_alert.alert_id, p_alert.user_id, w.contact_id, w.contact_user_id, core.alert_kind(p_alert), w.channel,
        w.address, sha256(uuid_send(p_alert.alert_id) || convert_to(concat_ws(' ', w.channel, w.address), 'UTF8')), w.language,
        w.tier, p_alert.due_at + w.after, p_alert.due_at + w.after, w.endpoint_id, w.from_name
    from (
        select distinct on (w.contact_id, w.channel, w.address) w.*, s.tier, s.after
        from core.alert_steps(p_alert) as s
        inner join core.ways_to_tell(p_alert.user_id) as w
            on w.channel = any(s.channels) and (s.who = 'everyone' or w.is_first = (s.who = 'first'))
        where p_tier is null or s.tier = p_tier
        order by w.contact_id, w.channel, w.address, s.tier
    ) as w
    order by w.tier, w.priority
    on conflict do nothing;
end
$$;

comment on function core.add_deliveries(core.alerts, smallint) is
'Write who is to be told of an alert: p_tier, or where that is null every contact and channel in the tier that names it first.';
revoke all on function core.add_deliveries(core.alerts, smallint) from public;
grant execute on function core.add_deliveries(core.alerts, smallint) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/add_inbox_entries.sql sha256:ca1f3d6dbc300202347a86af2e14b3588c2bbc3da06b34baffd5bd12d0c80ebd
create or replace function core.add_inbox_entries(p_entries core.inbox_entries[]) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_last jsonb;
    v_entries core.inbox_entries [];
begin
    if cardinality(p_entries) = 0 then
        return;
    end if;
    -- In order of their ids: whoever tells several at once waits, and never for somebody who waits for them.
    with inboxes as (
        insert into core.inboxes as i (user_id, last_sequence)
        select e.user_id, count(*)
        from unnest(p_entries) as e
        group by e.user_id
        order by e.user_id
        on conflict (user_id) do update set last_sequence = i.last_sequence + excluded.last_sequence
        returning i.user_id, i.last_sequence
    )

    select jsonb_object_agg(i.user_id, i.last_sequence) into v_last from inboxes as i;
    with numbered as (
        select
            e.*,
            (v_last ->> e.user_id::text)::bigint + 1
            - row_number() over (partition by e.user_id order by e.place desc) as seq
        from unnest(p_entries) with ordinality as e (
            user_id, sequence, alert_id, walker_id, event, message, told_at, place
        )
    )

    select array_agg(
        row(
            n.user_id, n.seq, n.alert_id, n.walker_id, n.event,
            n.message || jsonb_build_object('topic', 'user:' || n.user_id, 'seq', n.seq), n.told_at
        )::core.inbox_entries order by n.place
    ) into v_entries
    from numbered as n;
    insert into core.inbox_entries select e.* from unnest(v_entries) as e;
    perform core.publish('user:' || e.user_id, e.message::json) from unnest(v_entries) as e;
end
$$;

comment on function core.add_inbox_entries(core.inbox_entries[]) is
'Number what accounts are to be told, put it into their inboxes, and have it published. The rows of the inboxes stay locked until the transaction ends, so that nobody sees a number before all smaller ones: call it once, late.';
revoke all on function core.add_inbox_entries(core.inbox_entries[]) from public;
grant execute on function core.add_inbox_entries(core.inbox_entries[]) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/alert_by_link.sql sha256:0f383f1421ac26fb0193a254154a42c9bad4fb9da2032e5b972edfd1efb79f6a
create or replace function core.alert_by_link(p_token text) returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_link core.alert_links := core.alert_of_link(p_token);
    v_alert core.alerts;
begin
    select a.* into strict v_alert from core.alerts as a where a.alert_id = v_link.alert_id;
    return core.told_summary(v_alert, v_link.contact_id);
end
$$;

comment on function core.alert_by_link(text) is
'The alert that a link opens, as the contact sees it to whom it was sent.';
revoke all on function core.alert_by_link(text) from public;
grant execute on function core.alert_by_link(text) to saferoute_api;

-- source: sql/functions/alerts/alert_code_digest.sql sha256:d4c037b416024d24151bb8a7d70bf4c15eb0845ac895e7de8eaa46809d42f990
create or replace function core.alert_code_digest(p_salt bytea, p_code text) returns bytea
language plpgsql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
    v_digest bytea := sha256(p_salt || convert_to(coalesce(p_code, ''), 'UTF8'));
begin
    -- A code has few digits: trying each of them is to cost 10 ms.
    for n in 1..10000 loop
        v_digest := sha256(v_digest || p_salt);
    end loop;
    return v_digest;
end
$$;

comment on function core.alert_code_digest(bytea, text) is
'What is kept of a code that cancels an alert: SHA-256 of it and a salt, ten thousand times over.';
revoke all on function core.alert_code_digest(bytea, text) from public;
grant execute on function core.alert_code_digest(bytea, text) to saferoute_api;

-- source: sql/functions/alerts/alert_kind.sql sha256:13da19c72399c6662b6c3a274b52ca1c11c5be8a7b2da0a46bf55eae86cb14fe
create or replace function core.alert_kind(p_alert core.alerts) returns text
language sql immutable parallel safe security invoker
as $$
select case when p_alert.is_duress then 'duress' else 'alert' end
$$;

comment on function core.alert_kind(core.alerts) is
'What is told of an alert that is open: duress once the walker was made to cancel it. Inlined, so it has no search_path of its own.';
revoke all on function core.alert_kind(core.alerts) from public;
grant execute on function core.alert_kind(core.alerts) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/alert_of_link.sql sha256:a5151668e053804c93654c195a5b1b931a73e987370ab183d24dacf07fd7ac69
create or replace function core.alert_of_link(p_token text) returns core.alert_links
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_link core.alert_links;
begin
    -- Policies read it: whoever has no account sees the one alert that their link opens.
    perform set_config('request.alert_link', coalesce(encode(sha256(convert_to(p_token, 'UTF8')), 'hex'), ''), true);
    select l.* into v_link
    from core.alert_links as l
    where l.digest = (select core.shown_alert_link()) and l.alert_id = (select core.opened_alert_id())
        and exists (select from core.alerts as a where a.alert_id = l.alert_id and a.user_id is not null);
    if not found then
        perform core.fail('SR054');
    end if;
    return v_link;
end
$$;

comment on function core.alert_of_link(text) is
'The link to an alert with this token, also for the policies until the transaction ends; SR054 where it opens nothing: it never did, it is older than 30 days, or the walker was erased.';
revoke all on function core.alert_of_link(text) from public;
grant execute on function core.alert_of_link(text) to saferoute_api;

-- source: sql/functions/alerts/alert_problems.sql sha256:b0b080595ad6cadbad52e05e1135fcb3303909931adc4c34e811e7a34b764ce4
create or replace function core.alert_problems(
    p_alert_id uuid
) returns table (alert_id uuid, number integer, problem text)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
with events as (
    select
        e.*,
        a.user_id is null as is_erased,
        row_number() over in_order as place,
        lag(e.digest) over in_order as digest_before
    from core.alert_events as e
    inner join core.alerts as a using (alert_id)
    where p_alert_id is null or e.alert_id = p_alert_id
    window in_order as (partition by e.alert_id order by e.number)
),

ends as (
    select distinct on (e.alert_id) e.alert_id, e.number, e.digest
    from events as e
    order by e.alert_id, e.number desc
)

select e.alert_id, e.number, p.problem
from events as e
cross join lateral (values
    ('an event before it is missing', e.number <> e.place),
    (
        'it does not follow the event before it',
        e.previous_digest <> coalesce(e.digest_before, sha256(uuid_send(e.alert_id)))
    ),
    (
        'it was changed',
        e.digest <> core.event_digest(e.previous_digest, e.number, e.event, e.at, e.delivery_id, e.content_digest)
    ),
    ('its content was changed', e.content_digest <> sha256(e.salt || convert_to(e.content::text, 'UTF8'))),
    ('its content is missing', not e.is_erased and (e.salt is null or e.content is null))
) as p (problem, is_so)
where p.is_so
union all
select a.alert_id, c.number, 'events after the last one are missing'
from core.alerts as a
left join core.alert_chains as c using (alert_id)
left join ends as l using (alert_id)
where (p_alert_id is null or a.alert_id = p_alert_id) and (l.number, l.digest) is distinct from (c.number, c.digest)
order by 1, 2, 3
$$;

comment on function core.alert_problems(uuid) is
'What is wrong with the chain of an alert, or with any where p_alert_id is null: no row where all is as it was written. Content that an erasure has taken out is not missed.';
revoke all on function core.alert_problems(uuid) from public;

-- source: sql/functions/alerts/alert_status.sql sha256:15c8879004e1bcfde83cb00b0061a75c1738a9fcc90c63da4b1b6a42a869abc2
create or replace function core.alert_status(p_user_id uuid, p_alert_id uuid) returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts := core.told_alert(p_user_id, p_alert_id);
    v_until timestamptz := coalesce(v_alert.shown_ended_at, 'infinity');
begin
    if v_alert.user_id is distinct from p_user_id then
        return core.told_summary(v_alert, core.told_contact_id(p_alert_id, p_user_id));
    end if;
    return core.alert_summary(v_alert)::jsonb || jsonb_build_object('recipients', (
        select coalesce(jsonb_agg(r.recipient order by r.tier, r.contact_id), '[]')
        from (
            select
                d.contact_id,
                min(d.tier) as tier,
                jsonb_build_object(
                    'contact_id', d.contact_id,
                    'name', min(c.name),
                    'deliveries', jsonb_agg(jsonb_build_object(
                        'channel', d.channel,
                        'tier', d.tier,
                        -- As it was when the walker cancelled, or was made to: what came later would tell one from the other.
                        'state', case
                            when d.state = 'failed' then 'failed'
                            when d.sent_at is null and v_until < 'infinity' or d.sent_at >= v_until then 'cancelled'
                            when d.state = 'acknowledged' and d.acknowledged_at >= v_until then 'sent'
                            else d.state
                        end,
                        'due_at', d.due_at,
                        'attempts', d.attempts,
                        'sent_at', case when d.sent_at < v_until then d.sent_at end,
                        'delivered_at', case when d.delivered_at < v_until then d.delivered_at end,
                        'read_at', case when d.read_at < v_until then d.read_at end,
                        'acknowledged_at', case when d.acknowledged_at < v_until then d.acknowledged_at end,
                        'error', d.error
                    ) order by d.tier, d.channel, d.delivery_id)
                ) as recipient
            from core.alert_deliveries as d
            left join core.contacts as c on d.contact_id = c.contact_id
            where d.alert_id = p_alert_id and d.kind = 'alert' and d.due_at < v_until
            group by d.contact_id
        ) as r
    ));
end
$$;

comment on function core.alert_status(uuid, uuid) is
'An alert as the person may see it: the walker with every message to every contact, a contact as core.told_summary has it. SR090 where it is neithers.';
revoke all on function core.alert_status(uuid, uuid) from public;
grant execute on function core.alert_status(uuid, uuid) to saferoute_api;

-- source: sql/functions/alerts/alert_steps.sql sha256:e94325efb28f61966cbb95d4d4d4da3d181b5d7edb7c998b5a2019254d1685e7
create or replace function core.alert_steps(p_alert core.alerts) returns setof core.escalation_steps
language sql stable parallel safe security invoker
as $$
select s.*
from core.escalation_steps as s
where s.cause = (
    select e.cause
    from core.escalation_steps as e
    where e.cause in (
        '*', case when p_alert.is_drill then 'drill' when p_alert.is_duress then 'duress' else p_alert.cause end
    )
    order by e.cause = '*'
    limit 1
)
order by s.tier
$$;

comment on function core.alert_steps(core.alerts) is
'Who is told of an alert, tier by tier. Inlined, so it has no search_path of its own.';
revoke all on function core.alert_steps(core.alerts) from public;
grant execute on function core.alert_steps(core.alerts) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/alert_summary.sql sha256:3c1c7dfbc2b084551bdd7d8dc68731b7cd47feafb2084df2ef63219959fac15e
create or replace function core.alert_summary(p_alert core.alerts) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        select json_build_object(
            'alert_id', p_alert.alert_id,
            'cause', p_alert.cause,
            'journey_id', p_alert.journey_id,
            'state', coalesce(p_alert.shown_state, p_alert.state),
            'told', (e.content ->> 'contacts')::integer,
            'raised_at', p_alert.raised_at,
            'told_from', (e.content ->> 'told_from')::timestamptz,
            'acknowledged_at', case
                when p_alert.shown_ended_at is null or p_alert.acknowledged_at < p_alert.shown_ended_at
                    then p_alert.acknowledged_at
            end,
            'ended_at', coalesce(p_alert.shown_ended_at, p_alert.ended_at),
            'lon', st_x(p_alert.geom),
            'lat', st_y(p_alert.geom),
            'position_from', e.content -> 'position_from',
            'message', p_alert.message,
            'silent', p_alert.is_silent,
            'drill', p_alert.is_drill,
            'left_out', e.content -> 'left_out'
        )
        from core.alert_events as e
        where e.alert_id = p_alert.alert_id and e.number = 1
    );
end
$$;

comment on function core.alert_summary(core.alerts) is
'An alert as the walker sees it: one that they were made to cancel is cancelled. told is how many contacts it was raised for, left_out what of the call could not be used.';
revoke all on function core.alert_summary(core.alerts) from public;
grant execute on function core.alert_summary(core.alerts) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/alerts_since.sql sha256:bc9ff3137635bdf0e74f037b19f6dc87263804cfd0d06b76a4177c49e261441c
create or replace function core.alerts_since(p_user_id uuid, p_seq bigint) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'alerts', coalesce((
        select json_agg(e.message order by e.sequence)
        from (
            select n.message, n.sequence
            from core.inbox_entries as n
            where n.user_id = p_user_id and n.sequence > coalesce(p_seq, 0)
            order by n.sequence
            limit 500
        ) as e
    ), '[]'),
    'last_seq', coalesce((select i.last_sequence from core.inboxes as i where i.user_id = p_user_id), 0)
)
$$;

comment on function core.alerts_since(uuid, bigint) is
'What an account was told of alerts after p_seq, up to 500 entries, oldest first, and the number of the newest there is.';
revoke all on function core.alerts_since(uuid, bigint) from public;
grant execute on function core.alerts_since(uuid, bigint) to saferoute_api;

-- source: sql/functions/alerts/answered.sql sha256:68c42e2be8a3abd584a373b3b673288839b449dfeeb1c2c602d4b63a6719d6cf
create or replace function core.answered(p_delivery core.alert_deliveries, p_result text) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'result', p_result, 'language', p_delivery.language, 'from_name', p_delivery.from_name, 'drill', a.is_drill
)
from core.alerts as a
where a.alert_id = p_delivery.alert_id
$$;

comment on function core.answered(core.alert_deliveries, text) is
'What to say to a contact who has answered a message: acknowledged, ended or not_understood, in which language and about whom.';
revoke all on function core.answered(core.alert_deliveries, text) from public;
grant execute on function core.answered(core.alert_deliveries, text) to saferoute_tasks;

-- source: sql/functions/alerts/append_alert_event.sql sha256:35252363828b954d12b795cf749cc562ea93266cd8eecb26b868113c096e5365
create or replace function core.append_alert_event(
    p_alert_id uuid, p_event text, p_delivery_id uuid default null, p_content jsonb default '{}'
) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_user_id uuid;
    v_last core.alert_chains;
    v_at timestamptz;
    v_salt bytea := uuid_send(gen_random_uuid());
    v_content_digest bytea := sha256(v_salt || convert_to(p_content::text, 'UTF8'));
    v_digest bytea;
begin
    select a.user_id into strict v_user_id from core.alerts as a where a.alert_id = p_alert_id;
    select c.* into strict v_last from core.alert_chains as c where c.alert_id = p_alert_id for update;
    v_at := clock_timestamp();
    v_digest := core.event_digest(v_last.digest, v_last.number + 1, p_event, v_at, p_delivery_id, v_content_digest);
    update core.alert_chains as c set number = v_last.number + 1, digest = v_digest where c.alert_id = p_alert_id;
    insert into core.alert_events (
        alert_id, number, event, at, delivery_id, user_id, salt, content, content_digest, previous_digest, digest
    ) values (
        p_alert_id, v_last.number + 1, p_event, v_at, p_delivery_id, v_user_id,
        -- Of who was erased meanwhile nothing new is kept.
        case when v_user_id is not null then v_salt end, case when v_user_id is not null then p_content end,
        v_content_digest, v_last.digest, v_digest
    );
end
$$;

comment on function core.append_alert_event(uuid, text, uuid, jsonb) is
'Add to what has happened to an alert. Whoever adds to the same alert waits until this transaction ends: make it the last lock that is taken, after those of the alert, its deliveries and inboxes. p_content names contacts and deliveries by their ids, never an address or an account: it stays when a contact is erased.';
revoke all on function core.append_alert_event(uuid, text, uuid, jsonb) from public;
grant execute on function core.append_alert_event(uuid, text, uuid, jsonb) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/end_alert.sql sha256:a69bd012187dff844ba46196c84a8041eb2ce91fefa9347b3b06378affa8c854
create or replace function core.end_alert(p_user_id uuid, p_alert_id uuid, p_code text, p_state text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
    v_settings core.alert_settings;
    v_digest bytea;
    v_is_right boolean;
    v_is_duress boolean;
begin
    perform set_config('synchronous_commit', 'on', true);
    select a.* into v_alert from core.alerts as a where a.alert_id = p_alert_id and a.user_id = p_user_id for update;
    if not found then
        perform core.fail('SR090', format('alert %s', coalesce(p_alert_id::text, 'null')));
    end if;
    if v_alert.shown_state <> p_state then
        perform core.fail('SR092');
    end if;
    select s.* into v_settings from core.alert_settings as s where s.user_id = p_user_id;
    -- Right or duress: whoever looks on must see no difference, neither in the answer nor in how long it takes. So both are
    -- compared, both write alike, and what the contacts are told is left to a worker.
    v_digest := case when v_settings.code_salt is not null then core.alert_code_digest(v_settings.code_salt, p_code) end;
    v_is_right := v_settings.cancel_code_digest is null or v_digest = v_settings.cancel_code_digest;
    v_is_duress := coalesce(v_digest = v_settings.duress_code_digest, false);
    if v_alert.wrong_codes >= 5 or not (v_is_right or v_is_duress) then
        update core.alerts as a set wrong_codes = least(a.wrong_codes + 1, 5) where a.alert_id = p_alert_id;
        return core.refuse('SR093');
    end if;
    if v_alert.shown_state is not null and (v_alert.ended_at is null) = v_is_duress then
        return core.alert_summary(v_alert);
    end if;

    update core.alert_deliveries as d set state = 'cancelled'
    where d.alert_id = p_alert_id and d.state = 'queued' and (d.claimed_until is null or d.claimed_until <= clock_timestamp());
    update core.alerts as a set
        state = case when v_is_duress then 'active' else p_state end,
        ended_at = case when not v_is_duress then clock_timestamp() end,
        is_duress = v_is_duress or a.is_duress,
        shown_state = p_state,
        shown_ended_at = coalesce(a.shown_ended_at, clock_timestamp()),
        due_at = case when v_is_duress then clock_timestamp() else a.due_at end,
        next_tier_at = case when v_is_duress then clock_timestamp() end,
        -- Told before the duress code made tier 0 of it, too.
        follow_up = case
            when not v_is_duress and (a.tier > 0 or exists (
                select from core.alert_deliveries as d where d.alert_id = p_alert_id and d.attempts > 0
            )) then p_state
        end,
        tier = case when v_is_duress then 0 else a.tier end
    where a.alert_id = p_alert_id
    returning a.* into v_alert;
    if not exists (
        select from core.inbox_entries as e
        where e.alert_id = p_alert_id and e.user_id = p_user_id and e.event = p_state
    ) then
        perform core.add_inbox_entries(array[core.inbox_entry(v_alert, p_user_id, p_state, '{}')]);
    end if;
    perform core.append_alert_event(
        p_alert_id, case when v_is_duress then 'duress' else p_state end, null, jsonb_build_object('by', 'walker')
    );
    perform core.enqueue_task('alarm', 'escalate', '[]');
    return core.alert_summary(v_alert);
end
$$;

comment on function core.end_alert(uuid, uuid, text, text) is
'The walker ends an alert of theirs: p_state cancelled (nothing was wrong) or resolved (they are safe), with their code where they have one. SR093 where that is wrong, and for all codes after five wrong ones, which count although refused; SR092 where it has ended otherwise. With the duress code the answer is the same, and the contacts are told anew, by every channel, that the walker was made to say so. The same again changes nothing; the right code after the duress code ends it.';
revoke all on function core.end_alert(uuid, uuid, text, text) from public;
grant execute on function core.end_alert(uuid, uuid, text, text) to saferoute_api;

-- source: sql/functions/alerts/escalate.sql sha256:ef6375946961644ae295f1216a60c45b0f7dd2a850f2ed6f52131c9f606c9048
create or replace function core.escalate(p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
    v_entries core.inbox_entries [] := '{}';
    v_alerts integer := 0;
begin
    perform set_config('synchronous_commit', 'on', true);
    -- Each alert once, however many sweeps run: who comes second leaves it to the first.
    for v_alert in
        select a.*
        from core.alerts as a
        where a.next_tier_at <= clock_timestamp() or a.follow_up is not null
        -- Their chains stay locked until the commit: in one order, as core.note_inbox_read has it.
        order by a.alert_id
        limit p_limit
        for update skip locked
    loop
        if v_alert.follow_up is not null then
            v_entries := v_entries || core.tell_follow_up(v_alert);
        end if;
        if v_alert.next_tier_at <= clock_timestamp() then
            if v_alert.is_duress and v_alert.tier = 0 then
                perform core.add_deliveries(v_alert);
            end if;
            v_entries := v_entries || core.tell_due_tiers(v_alert);
        end if;
        v_alerts := v_alerts + 1;
    end loop;
    perform core.add_inbox_entries(v_entries);
    if v_alerts = p_limit then
        perform core.enqueue_task('alarm', 'escalate', '[]');
    end if;
    return v_alerts;
end
$$;

comment on function core.escalate(integer) is
'Have those told whose turn it is: the next tier of every alert that nobody has acknowledged, and what has become of an alert. How many alerts there were; where they are p_limit, another task looks for more. Run twice, or at the same time, it tells nobody twice.';
revoke all on function core.escalate(integer) from public;
grant execute on function core.escalate(integer) to saferoute_tasks;

-- source: sql/functions/alerts/event_digest.sql sha256:747d7dc4a010fc7eee7d5d8a257c792fd38421536220808ead68b81ae06d6cf8
create or replace function core.event_digest(
    p_previous bytea, p_number integer, p_event text, p_at timestamptz, p_delivery_id uuid, p_content_digest bytea
) returns bytea
language sql stable parallel safe security invoker
as $$
select sha256(
    p_previous || int4send(p_number) || convert_to(p_event, 'UTF8') || timestamptz_send(p_at)
    || coalesce(uuid_send(p_delivery_id), '') || p_content_digest
)
$$;

comment on function core.event_digest(bytea, integer, text, timestamptz, uuid, bytea) is
'What ties an event to all before it: SHA-256 of their digest, and of number (4 bytes), event, time (microseconds since 2000, 8 bytes), delivery (16 bytes or none) and the digest of its content. Inlined, so it has no search_path of its own.';
revoke all on function core.event_digest(bytea, integer, text, timestamptz, uuid, bytea) from public;
grant execute on function core.event_digest(bytea, integer, text, timestamptz, uuid, bytea) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/inbox_entry.sql sha256:13551380c7fceae3d94bd8518fbdb21e8859f8575f5277aff5ef452d02b05a5c
create or replace function core.inbox_entry(
    p_alert core.alerts, p_user_id uuid, p_event text, p_content jsonb
) returns core.inbox_entries
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entry core.inbox_entries;
begin
    v_entry.user_id := p_user_id;
    v_entry.alert_id := p_alert.alert_id;
    v_entry.walker_id := p_alert.user_id;
    v_entry.event := p_event;
    v_entry.told_at := clock_timestamp();
    v_entry.message := jsonb_strip_nulls(jsonb_build_object(
        'type', 'alert',
        'alert_id', p_alert.alert_id,
        'event', p_event,
        'drill', p_alert.is_drill,
        'at', v_entry.told_at,
        'cause', p_alert.cause,
        'raised_at', p_alert.raised_at,
        'lon', st_x(p_alert.geom),
        'lat', st_y(p_alert.geom),
        'message', p_alert.message
    )) || p_content;
    return v_entry;
end
$$;

comment on function core.inbox_entry(core.alerts, uuid, text, jsonb) is
'What an account is to be told of an alert, for core.add_inbox_entries to number: where and why, and what p_content adds.';
revoke all on function core.inbox_entry(core.alerts, uuid, text, jsonb) from public;
grant execute on function core.inbox_entry(core.alerts, uuid, text, jsonb) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/inboxes_since.sql sha256:96cc6139dc6a9757f8550bf8d6530ad53ea92e2927391e1a6992660b6874d82a
create or replace function core.inboxes_since(p_user_ids uuid[], p_seqs bigint[])
returns table (user_id uuid, sequence bigint, message text)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select e.user_id, e.sequence, e.message::text
from unnest(p_user_ids, p_seqs) as u (user_id, seq)
cross join lateral (
    select i.*
    from core.inbox_entries as i
    where i.user_id = u.user_id and i.sequence > u.seq
    order by i.sequence
    limit 100
) as e
$$;

comment on function core.inboxes_since(uuid[], bigint[]) is
'Of each inbox, the entries after that sequence, in order, the oldest 100 of them: messages as their accounts are sent them.';
revoke all on function core.inboxes_since(uuid[], bigint[]) from public;
grant execute on function core.inboxes_since(uuid[], bigint[]) to saferoute_live;

-- source: sql/functions/alerts/last_position.sql sha256:71557423719033ad05e32c33463a9f176d7d729490d07103b94c6aa60865af93
create or replace function core.last_position(p_user_id uuid, p_journey_id uuid) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_journey core.journeys;
begin
    select j.* into v_journey
    from core.journeys as j
    where j.user_id = p_user_id and j.erasing_since is null
        and case
            when p_journey_id is null then j.ended_at is null and j.started_at > now() - interval '1 day'
            else j.journey_id = p_journey_id
        end
    order by j.started_at desc
    limit 1;
    return (
        select p.geom
        from core.journey_points as p
        where p.journey_id = v_journey.journey_id
            and p.recorded_at >= greatest(v_journey.points_from, v_journey.points_until - interval '2 days')
            and p.recorded_at < v_journey.points_until
            and p.cell = any(v_journey.cells)
        order by p.recorded_at desc
        limit 1
    );
end
$$;

comment on function core.last_position(uuid, uuid) is
'Where a person was last on this walk, or, where p_journey_id is null, on the one they are on; null where nothing is known.';
revoke all on function core.last_position(uuid, uuid) from public;
grant execute on function core.last_position(uuid, uuid) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/my_alert_settings.sql sha256:227fee8e8101bee33a719c336bc0eba0af43ccb6a84f5ffbba8dbbd8e38a48cf
create or replace function core.my_alert_settings(p_user_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'countdown_s', coalesce(max(s.countdown_s), 0),
    'has_code', coalesce(bool_or(s.cancel_code_digest is not null), false)
)
from core.alert_settings as s
where s.user_id = p_user_id
$$;

comment on function core.my_alert_settings(uuid) is
'How a person wants their calls for help handled. Not whether there is a duress code: whoever makes them cancel may ask.';
revoke all on function core.my_alert_settings(uuid) from public;
grant execute on function core.my_alert_settings(uuid) to saferoute_api;

-- source: sql/functions/alerts/note_inbox_read.sql sha256:4a52b9ad65ef0ca0f691c5f44cc556726d3c73f13186edebf0fa7e3153b8be3f
create or replace function core.note_inbox_read(p_user_id uuid, p_sequence bigint) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery record;
    v_noted integer := 0;
begin
    for v_delivery in
        select d.delivery_id, d.alert_id
        from core.alert_deliveries as d
        where d.channel = 'live' and d.recipient_id = p_user_id and d.state in ('sent', 'delivered')
            and d.alert_id in (
                select e.alert_id
                from core.inbox_entries as e
                -- Who watches says so again and again: what is further back was read before.
                where e.user_id = p_user_id and e.sequence <= p_sequence and e.sequence > p_sequence - 100
            )
        order by d.alert_id, d.delivery_id
        for update of d
    loop
        update core.alert_deliveries as d set
            state = 'read',
            delivered_at = coalesce(d.delivered_at, clock_timestamp()),
            read_at = clock_timestamp()
        where d.delivery_id = v_delivery.delivery_id;
        perform core.append_alert_event(v_delivery.alert_id, 'read', v_delivery.delivery_id, '{"channel": "live"}');
        v_noted := v_noted + 1;
    end loop;
    return v_noted;
end
$$;

comment on function core.note_inbox_read(uuid, bigint) is
'Note that an account has seen its inbox up to that sequence: what it was told live is read. How many deliveries that are; again none.';
revoke all on function core.note_inbox_read(uuid, bigint) from public;
grant execute on function core.note_inbox_read(uuid, bigint) to saferoute_tasks;

-- source: sql/functions/alerts/note_keypress.sql sha256:dceb8f44a16fe3277ec1f4698bf46bec7deb1c1247cb8fc26819525be7a6a451
create or replace function core.note_keypress(p_delivery_id uuid, p_digits text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    select d.* into v_delivery
    from core.alert_deliveries as d
    where d.delivery_id = p_delivery_id and d.channel = 'voice';
    if not found then
        return json_build_object('result', 'unknown');
    end if;
    if p_digits is distinct from '1' then
        return core.answered(v_delivery, 'not_understood');
    end if;
    return core.answered(
        v_delivery,
        case when core.acknowledge(v_delivery.alert_id, v_delivery.contact_id, 'voice') then 'acknowledged' else 'ended' end
    );
end
$$;

comment on function core.note_keypress(uuid, text) is
'A key pressed in the call of this delivery: 1 acknowledges its alert. The result is acknowledged, ended, not_understood or unknown.';
revoke all on function core.note_keypress(uuid, text) from public;
grant execute on function core.note_keypress(uuid, text) to saferoute_tasks;

-- source: sql/functions/alerts/note_reply.sql sha256:098fe046f6255663ce298dff9206e434f54675f2b405b4be3c02c6f6519083f8
create or replace function core.note_reply(p_provider text, p_from text, p_text text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
    v_is_open boolean;
begin
    select d.* into v_delivery
    from core.alert_deliveries as d
    inner join core.alerts as a on d.alert_id = a.alert_id
    where d.address = p_from and d.channel in ('sms', 'voice') and d.kind in ('alert', 'duress') and d.attempts > 0
        and d.queued_at > now() - interval '30 days'
    -- One number may be a contact of several walkers: what is still open comes first, then what they heard of last.
    order by a.ended_at is null desc, a.state = 'acknowledged', coalesce(d.sent_at, d.queued_at) desc
    limit 1;
    if not found then
        return json_build_object('result', 'unknown');
    end if;
    if lower(btrim(p_text, E' \t\r\n.!"''')) !~ '^(1|ok|okay|o\.k|k|yes|y|si|sí|oui|ja|sim|हाँ|हां|ठीक है|ओके)$' then
        perform core.append_alert_event(v_delivery.alert_id, 'not_understood', v_delivery.delivery_id, jsonb_build_object(
            'contact_id', v_delivery.contact_id, 'provider', p_provider
        ));
        return core.answered(v_delivery, 'not_understood');
    end if;
    return core.answered(
        v_delivery,
        case when core.acknowledge(v_delivery.alert_id, v_delivery.contact_id, 'sms') then 'acknowledged' else 'ended' end
    );
end
$$;

comment on function core.note_reply(text, text, text) is
'A text that came from p_from (E.164). OK, 1 or yes in one of the languages of contacts acknowledges the alert they were told of last that is open; the result says what became of it: acknowledged, ended, not_understood, or unknown where nothing was sent to that number in 30 days. The text is not kept.';
revoke all on function core.note_reply(text, text, text) from public;
grant execute on function core.note_reply(text, text, text) to saferoute_tasks;

-- source: sql/functions/alerts/opened_alert_id.sql sha256:41d5b60823b1c831d0164f6b87364d4f56b15dec52deebf88d1068804289d0e0
create or replace function core.opened_alert_id() returns uuid
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    -- As good as always. Looking all the same was 1.7 of the 7 ms that a call for help takes: it asks four times.
    if coalesce(current_setting('request.alert_link', true), '') = ''
        and coalesce(current_setting('request.alert_id', true), '') = '' then
        return null;
    end if;
    return coalesce(
        (
            select l.alert_id from core.alert_links as l
            where l.digest = (select core.shown_alert_link()) and l.made_at > now() - interval '30 days'
        ),
        (
            select e.alert_id from core.inbox_entries as e
            where e.alert_id = nullif(current_setting('request.alert_id', true), '')::uuid
                and e.user_id = (select core.current_user_id())
            limit 1
        )
    );
end
$$;

comment on function core.opened_alert_id() is
'The alert of somebody else that the caller may see: the one whose link they show, or one that stands in their inbox, as noted by core.told_alert; null without one.';
revoke all on function core.opened_alert_id() from public;
grant execute on function core.opened_alert_id() to saferoute_api;

-- source: sql/functions/alerts/raise_alert.sql sha256:9bcd3357f5df9f4df7aae64db4d9ff9fb0b86649fb2d3b22732818d3998b8407
create or replace function core.raise_alert(
    p_alert_id uuid,
    p_user_id uuid,
    p_journey_id uuid,
    p_cause text,
    p_lon float8,
    p_lat float8,
    p_message text,
    p_is_silent boolean,
    p_is_drill boolean
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
    v_journey_id uuid;
    v_position_from text := 'app';
    v_left_out text [] := '{}';
    v_contacts bigint;
    v_entries core.inbox_entries [];
begin
    -- An alert that was answered is on a standby too. Here and not in a SET clause, which ends before the commit.
    perform set_config('synchronous_commit', 'on', true);
    -- Whatever else is wrong with a call for help, it is one: it is raised without what cannot be used.
    select j.journey_id into v_journey_id
    from core.journeys as j
    where j.journey_id = p_journey_id and j.user_id = p_user_id and j.erasing_since is null;
    if p_journey_id is not null and v_journey_id is null then
        v_left_out := array_append(v_left_out, 'journey_id');
    end if;
    v_alert.alert_id := coalesce(p_alert_id, core.uuid_v7());
    -- NaN sorts above every number, so the range test leaves it out too.
    if p_lon between -180 and 180 and p_lat between -90 and 90 then
        v_alert.geom := st_setsrid(st_makepoint(p_lon, p_lat), 4326);
    else
        if p_lon is not null or p_lat is not null then
            v_left_out := array_append(v_left_out, 'position');
        end if;
        v_alert.geom := core.last_position(p_user_id, v_journey_id);
        v_position_from := case when v_alert.geom is not null then 'journey' end;
    end if;
    if length(p_message) > 1000 then
        v_left_out := array_append(v_left_out, 'end of message');
    end if;
    v_alert.raised_at := clock_timestamp();
    v_alert.due_at := v_alert.raised_at;
    if p_cause = 'sos' then
        select v_alert.raised_at + make_interval(secs => s.countdown_s) into v_alert.due_at
        from core.alert_settings as s
        where s.user_id = p_user_id;
        v_alert.due_at := coalesce(v_alert.due_at, v_alert.raised_at);
    end if;

    insert into core.alerts as a (
        alert_id, user_id, journey_id, cause, state, is_silent, is_drill, geom, message, raised_at, due_at, next_tier_at
    ) values (
        v_alert.alert_id, p_user_id, v_journey_id, p_cause,
        case when v_alert.due_at > v_alert.raised_at then 'countdown' else 'active' end,
        coalesce(p_is_silent, false), coalesce(p_is_drill, false), v_alert.geom, nullif(btrim(left(p_message, 1000)), ''),
        v_alert.raised_at, v_alert.due_at, v_alert.due_at
    )
    on conflict do nothing
    returning a.* into v_alert;
    if not found then
        select a.* into v_alert from core.alerts as a where a.alert_id = p_alert_id and a.user_id = p_user_id;
        if not found then
            -- A row of another person does not exist here, so its id is refused in the same words.
            perform core.fail('SR091', format('alert %s', p_alert_id));
        end if;
        return core.alert_summary(v_alert);
    end if;

    perform core.add_deliveries(v_alert);
    select count(distinct d.contact_id) into v_contacts from core.alert_deliveries as d where d.alert_id = v_alert.alert_id;
    insert into core.alert_chains (alert_id, number, digest) values (v_alert.alert_id, 0, sha256(uuid_send(v_alert.alert_id)));
    perform core.append_alert_event(v_alert.alert_id, 'raised', null, jsonb_build_object(
        'cause', p_cause, 'journey_id', v_journey_id, 'lon', st_x(v_alert.geom), 'lat', st_y(v_alert.geom),
        'position_from', v_position_from, 'message', v_alert.message, 'silent', v_alert.is_silent,
        'drill', v_alert.is_drill, 'told_from', v_alert.due_at, 'contacts', v_contacts, 'left_out', v_left_out
    ));
    v_entries := array[core.inbox_entry(v_alert, p_user_id, 'raised', jsonb_build_object(
        'silent', v_alert.is_silent, 'told', v_contacts, 'told_from', v_alert.due_at
    ))];
    if v_alert.state = 'active' then
        v_entries := v_entries || core.tell_due_tiers(v_alert);
    else
        perform core.enqueue_task('alarm', 'escalate', '[]', v_alert.due_at - v_alert.raised_at);
    end if;
    perform core.add_inbox_entries(v_entries);
    return core.alert_summary(v_alert);
end
$$;

comment on function core.raise_alert(uuid, uuid, uuid, text, float8, float8, text, boolean, boolean) is
'Raise an alert for a person: the alert, a delivery per verified contact and channel, a queued task for each that is due, and what the inboxes of accounts are told, in one transaction that a standby has before it is answered. The same id again returns what it has become; SR091 where it is another persons. A journey that is not theirs, a position off the Earth and what is beyond 1,000 characters are left out and named in left_out; where the position is missing, it is the last one of the walk. Nothing limits it.';
revoke all on function core.raise_alert(uuid, uuid, uuid, text, float8, float8, text, boolean, boolean) from public;
grant execute on function core.raise_alert(uuid, uuid, uuid, text, float8, float8, text, boolean, boolean) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/raise_drill.sql sha256:fcab9df66a62edacd55dc7afc8154e5dbe4c631836e96871f9d277de0bf2aaf1
create or replace function core.raise_drill(
    p_user_id uuid, p_alert_id uuid, p_journey_id uuid, p_lon float8, p_lat float8, p_message text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_alert_id is null then
        perform core.fail('SR018', 'alert_id is null');
    end if;
    if 3 <= (
        select count(*) from core.alerts as a
        where a.user_id = p_user_id and a.is_drill and a.raised_at > now() - interval '1 day' and a.alert_id <> p_alert_id
    ) then
        perform core.fail('SR046', 'three rehearsals in a day');
    end if;
    return core.raise_alert(p_alert_id, p_user_id, p_journey_id, 'sos', p_lon, p_lat, p_message, false, true);
end
$$;

comment on function core.raise_drill(uuid, uuid, uuid, float8, float8, text) is
'core.raise_alert as a rehearsal; SR046 beyond three in a day, since its messages cost what others cost.';
revoke all on function core.raise_drill(uuid, uuid, uuid, float8, float8, text) from public;
grant execute on function core.raise_drill(uuid, uuid, uuid, float8, float8, text) to saferoute_api;

-- source: sql/functions/alerts/resolve_alert.sql sha256:dde8047648096c063909ae57fbd180d623a86d31ca224222d7d196144cacfd29
create or replace function core.resolve_alert(p_user_id uuid, p_alert_id uuid, p_code text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts := core.told_alert(p_user_id, p_alert_id);
    v_contact_id uuid := core.told_contact_id(p_alert_id, p_user_id);
begin
    if v_alert.user_id = p_user_id then
        return core.end_alert(p_user_id, p_alert_id, p_code, 'resolved');
    end if;
    perform set_config('synchronous_commit', 'on', true);
    select a.* into v_alert from core.alerts as a where a.alert_id = p_alert_id for update;
    if v_alert.ended_at is null then
        update core.alert_deliveries as d set state = 'cancelled'
        where d.alert_id = p_alert_id and d.state = 'queued'
            and (d.claimed_until is null or d.claimed_until <= clock_timestamp());
        update core.alerts as a set
            state = 'resolved',
            ended_at = clock_timestamp(),
            shown_state = coalesce(a.shown_state, 'resolved'),
            shown_ended_at = coalesce(a.shown_ended_at, clock_timestamp()),
            next_tier_at = null,
            follow_up = 'resolved'
        where a.alert_id = p_alert_id
        returning a.* into v_alert;
        perform core.append_alert_event(
            p_alert_id, 'resolved', null, jsonb_build_object('by', 'contact', 'contact_id', v_contact_id)
        );
        perform core.enqueue_task('alarm', 'escalate', '[]');
    elsif v_alert.state <> 'resolved' then
        perform core.fail('SR092');
    end if;
    return core.told_summary(v_alert, v_contact_id);
end
$$;

comment on function core.resolve_alert(uuid, uuid, text) is
'End an alert because the walker is safe: the walker as core.end_alert has it, or a contact who was told of it in the app. Whoever was told hears of it. SR090 where it is neither''s, SR092 where it was cancelled.';
revoke all on function core.resolve_alert(uuid, uuid, text) from public;
grant execute on function core.resolve_alert(uuid, uuid, text) to saferoute_api;

-- source: sql/functions/alerts/set_alert_settings.sql sha256:0857117d34974dde1edabdaaa88e8e425dec5434a696683bf944a967801fb08f
create or replace function core.set_alert_settings(
    p_user_id uuid, p_countdown_s integer, p_cancel_code text, p_duress_code text, p_current_code text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_now core.alert_settings;
    v_digest bytea;
    v_salt bytea := uuid_send(gen_random_uuid());
begin
    if p_countdown_s not between 0 and 60 then
        perform core.fail('SR018', format('countdown_s is 0 to 60, not %s', p_countdown_s));
    end if;
    if p_cancel_code !~ '^([0-9]{4,8})?$' or p_duress_code !~ '^[0-9]{4,8}$' then
        perform core.fail('SR018', 'a code is 4 to 8 digits');
    end if;
    if p_duress_code is not null and coalesce(p_cancel_code, '') in ('', p_duress_code) then
        perform core.fail('SR018', 'a duress code comes with another code that cancels');
    end if;
    perform set_config('synchronous_commit', 'on', true);
    insert into core.alert_settings (user_id) values (p_user_id) on conflict do nothing;
    select s.* into v_now from core.alert_settings as s where s.user_id = p_user_id for update;
    if v_now.cancel_code_digest is not null then
        v_digest := core.alert_code_digest(v_now.code_salt, p_current_code);
        if v_digest not in (v_now.cancel_code_digest, coalesce(v_now.duress_code_digest, v_now.cancel_code_digest)) then
            perform core.fail('SR093');
        elsif v_digest = v_now.duress_code_digest then
            -- Whoever made them say it learns nothing and changes nothing.
            return json_build_object(
                'countdown_s', coalesce(p_countdown_s, v_now.countdown_s), 'has_code', p_cancel_code is distinct from ''
            );
        end if;
    end if;
    update core.alert_settings as s set
        countdown_s = coalesce(p_countdown_s, s.countdown_s),
        code_salt = case p_cancel_code when '' then null else v_salt end,
        cancel_code_digest = case when p_cancel_code <> '' then core.alert_code_digest(v_salt, p_cancel_code) end,
        duress_code_digest = case when p_duress_code is not null then core.alert_code_digest(v_salt, p_duress_code) end
    where s.user_id = p_user_id and p_cancel_code is not null;
    update core.alert_settings as s set countdown_s = coalesce(p_countdown_s, s.countdown_s), changed_at = now()
    where s.user_id = p_user_id;
    return core.my_alert_settings(p_user_id);
end
$$;

comment on function core.set_alert_settings(uuid, integer, text, text, text) is
'Change how a person wants their calls for help handled; null leaves it as it is, p_cancel_code of no length does away with both codes. Where there is a code, p_current_code has to be it: SR093. The duress code only looks as if it were.';
revoke all on function core.set_alert_settings(uuid, integer, text, text, text) from public;
grant execute on function core.set_alert_settings(uuid, integer, text, text, text) to saferoute_api;

-- source: sql/functions/alerts/shown_alert_link.sql sha256:08e097b447e4fd30947714704cd99a881af69459b1a9d59c5563042137e4267d
create or replace function core.shown_alert_link() returns bytea
language sql stable parallel safe security invoker
as $$
select decode(nullif(current_setting('request.alert_link', true), ''), 'hex')
$$;

comment on function core.shown_alert_link() is
'Digest of the link to an alert that the caller shows, noted by core.alert_of_link; null without one. Inlined, so it has no search_path of its own.';
revoke all on function core.shown_alert_link() from public;
grant execute on function core.shown_alert_link() to saferoute_api;

-- source: sql/functions/alerts/tell_due_tiers.sql sha256:750af5947b583a5e92c8b614cdfaf869378e6ad94c1ded0c3ccd290f19cf1b77
create or replace function core.tell_due_tiers(p_alert core.alerts) returns core.inbox_entries[]
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entries core.inbox_entries [] := '{}';
    v_step core.escalation_steps;
begin
    for v_step in
        select s.* from core.alert_steps(p_alert) as s
        where s.tier > p_alert.tier and p_alert.due_at + s.after <= clock_timestamp()
        order by s.tier
    loop
        -- The first tier was written with the alert; a later one may repeat it, and new contacts are in it.
        if v_step.tier > 1 then
            -- Who has withdrawn meanwhile, or was removed, is not told.
            update core.alert_deliveries as d set state = 'cancelled'
            where d.alert_id = p_alert.alert_id and d.tier = v_step.tier and d.kind = core.alert_kind(p_alert)
                and d.state = 'queued' and d.attempts = 0 and not exists (
                    select from core.contacts as c where c.contact_id = d.contact_id and c.state = 'accepted'
                );
            perform core.add_deliveries(p_alert, v_step.tier);
        end if;
        v_entries := v_entries || core.tell_tier(p_alert, v_step.tier);
        p_alert.tier := v_step.tier;
    end loop;
    update core.alerts as a set
        tier = p_alert.tier,
        state = case when a.state = 'countdown' and p_alert.tier > 0 then 'active' else a.state end,
        next_tier_at = (
            select p_alert.due_at + min(s.after) from core.alert_steps(p_alert) as s where s.tier > p_alert.tier
        )
    where a.alert_id = p_alert.alert_id;
    return v_entries;
end
$$;

comment on function core.tell_due_tiers(core.alerts) is
'Have every tier told of an alert whose time has come. The caller holds the alerts row; the answer is for core.add_inbox_entries.';
revoke all on function core.tell_due_tiers(core.alerts) from public;
grant execute on function core.tell_due_tiers(core.alerts) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/tell_follow_up.sql sha256:f4c0e9cf12e77e288f496e744725101ab5629fef5230a00d71c1ce0204e2a3a7
create or replace function core.tell_follow_up(p_alert core.alerts) returns core.inbox_entries[]
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entries core.inbox_entries [] := '{}';
    v_told jsonb;
begin
    insert into core.alert_deliveries (
        delivery_id, alert_id, user_id, contact_id, recipient_id, kind, channel, address, address_digest, language, tier,
        due_at, next_attempt_at, endpoint_id, from_name, state, sent_at, attempts
    )
    select distinct on (d.contact_id, d.channel, d.address)
        core.uuid_v7(), p_alert.alert_id, p_alert.user_id, d.contact_id, d.recipient_id, p_alert.follow_up, d.channel,
        d.address, d.address_digest, d.language, p_alert.is_duress::integer, clock_timestamp(), clock_timestamp(),
        d.endpoint_id, d.from_name,
        case d.channel when 'live' then 'sent' else 'queued' end,
        case d.channel when 'live' then clock_timestamp() end,
        (d.channel = 'live')::integer
    from core.alert_deliveries as d
    inner join core.contacts as c on d.contact_id = c.contact_id and c.state = 'accepted'
    where d.alert_id = p_alert.alert_id and d.kind in ('alert', 'duress') and d.channel <> 'voice'
        -- Also one that a worker has in hand: it may arrive.
        and d.attempts > 0
        -- Not an account that has gone meanwhile.
        and coalesce(d.address, d.recipient_id::text) is not null
        and (p_alert.follow_up <> 'acknowledged' or d.contact_id is distinct from p_alert.acknowledged_by)
    on conflict do nothing;

    select
        jsonb_agg(jsonb_build_object('delivery_id', d.delivery_id, 'contact_id', d.contact_id, 'channel', d.channel)),
        coalesce(array_agg(
            core.inbox_entry(p_alert, d.recipient_id, d.kind, jsonb_build_object('from_name', d.from_name))
        ) filter (where d.channel = 'live'), '{}')
    into v_told, v_entries
    from core.alert_deliveries as d
    where d.alert_id = p_alert.alert_id and d.kind = p_alert.follow_up and d.tier = p_alert.is_duress::integer
        and coalesce(d.address, d.recipient_id::text) is not null;
    perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(d -> 'delivery_id'))
    from jsonb_array_elements(v_told) as d
    where d ->> 'channel' <> 'live';

    -- The walker too, unless they were told when they ended it, or must not see that it goes on.
    if p_alert.user_id is not null and not exists (
        select from core.inbox_entries as e
        where e.alert_id = p_alert.alert_id and e.user_id = p_alert.user_id
            and (e.event = p_alert.follow_up or p_alert.is_duress)
    ) then
        v_entries := v_entries || core.inbox_entry(p_alert, p_alert.user_id, p_alert.follow_up, jsonb_build_object(
            'contact_id', case p_alert.follow_up when 'acknowledged' then p_alert.acknowledged_by end
        ));
    end if;
    update core.alerts as a set follow_up = null where a.alert_id = p_alert.alert_id;
    if v_told is not null then
        perform core.append_alert_event(
            p_alert.alert_id, 'queued', null, jsonb_build_object('kind', p_alert.follow_up, 'deliveries', v_told)
        );
    end if;
    return v_entries;
end
$$;

comment on function core.tell_follow_up(core.alerts) is
'Have those who were told of an alert told what has become of it (follow_up): acknowledged, resolved or cancelled, by the same channels but the telephone. The caller holds the alert''s row; the answer is for core.add_inbox_entries.';
revoke all on function core.tell_follow_up(core.alerts) from public;
grant execute on function core.tell_follow_up(core.alerts) to saferoute_tasks;

-- source: sql/functions/alerts/tell_tier.sql sha256:812430600a694b750d4e52d379519ff543664c3937f8f60777092867d894b822
create or replace function core.tell_tier(p_alert core.alerts, p_tier smallint) returns core.inbox_entries[]
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_kind text := core.alert_kind(p_alert);
    v_entries core.inbox_entries [];
    v_deliveries jsonb;
begin
    with told as (
        update core.alert_deliveries as d set state = 'sent', sent_at = clock_timestamp(), attempts = 1
        where d.alert_id = p_alert.alert_id and d.kind = v_kind and d.tier = p_tier
            and d.channel = 'live' and d.state = 'queued' and d.recipient_id is not null
        returning d.recipient_id, d.from_name
    )

    select array_agg(
        core.inbox_entry(
            p_alert, t.recipient_id, case v_kind when 'alert' then 'raised' else v_kind end,
            jsonb_build_object('from_name', t.from_name)
        )
    ) into v_entries
    from told as t;

    select jsonb_agg(jsonb_build_object('delivery_id', d.delivery_id, 'contact_id', d.contact_id, 'channel', d.channel))
    into v_deliveries
    from core.alert_deliveries as d
    where d.alert_id = p_alert.alert_id and d.kind = v_kind and d.tier = p_tier
        and (d.state = 'queued' or d.channel = 'live');
    perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(d -> 'delivery_id'))
    from jsonb_array_elements(v_deliveries) as d
    where d ->> 'channel' <> 'live';
    if v_deliveries is not null then
        perform core.append_alert_event(
            p_alert.alert_id, 'queued', null, jsonb_build_object('kind', v_kind, 'tier', p_tier, 'deliveries', v_deliveries)
        );
    end if;
    return coalesce(v_entries, '{}');
end
$$;

comment on function core.tell_tier(core.alerts, smallint) is
'Have one tier told of an alert: a task per message, and the entries for inboxes that core.add_inbox_entries is to write.';
revoke all on function core.tell_tier(core.alerts, smallint) from public;
grant execute on function core.tell_tier(core.alerts, smallint) to saferoute_api, saferoute_tasks;

-- source: sql/functions/alerts/tg_escalation_steps__first_is_kept.sql sha256:f9cc7eb3558469f4060d8e995846186761e9acb5007bbf776690ed84675ecd53
create or replace function core.tg_escalation_steps__first_is_kept() returns trigger
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    -- The view: an operator may read it.
    if not exists (select from ops.escalation_steps as s where s.cause = '*' and s.tier = 1 and s.after = '0') then
        raise exception using
            errcode = 'restrict_violation',
            message = 'somebody has to be told of an alert at once',
            hint = 'Keep a row of cause * and tier 1 with after = 0; causes with rows of their own do not use it.';
    end if;
    return null;
end
$$;

comment on function core.tg_escalation_steps__first_is_kept() is
'Refuses a change of core.escalation_steps after which an alert could tell nobody.';
revoke all on function core.tg_escalation_steps__first_is_kept() from public;

-- source: sql/functions/alerts/told_alert.sql sha256:a544bc50b523bb71cd5ba451af49ab7855f942278893f326c1d69bf176098d5e
create or replace function core.told_alert(p_user_id uuid, p_alert_id uuid) returns core.alerts
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
begin
    -- Policies read it: of the alerts of others there is the one that the caller asks for, if they were told of it.
    perform set_config('request.alert_id', coalesce(p_alert_id::text, ''), true);
    select a.* into v_alert
    from core.alerts as a
    where a.alert_id = p_alert_id and exists (
        select from core.inbox_entries as e where e.alert_id = p_alert_id and e.user_id = p_user_id
    );
    if not found then
        perform core.fail('SR090', format('alert %s', coalesce(p_alert_id::text, 'null')));
    end if;
    return v_alert;
end
$$;

comment on function core.told_alert(uuid, uuid) is
'The alert with this id, if the person raised it or was told of it in the app, also for the policies until the transaction ends; SR090 where not, whether or not it is somebody elses.';
revoke all on function core.told_alert(uuid, uuid) from public;
grant execute on function core.told_alert(uuid, uuid) to saferoute_api;

-- source: sql/functions/alerts/told_contact_id.sql sha256:3454b241c7d8123ba85895d06b894870fcf69c39b9df452a6a8991deceb43fb7
create or replace function core.told_contact_id(p_alert_id uuid, p_user_id uuid) returns uuid
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select d.contact_id
from core.alert_deliveries as d
where d.alert_id = p_alert_id and d.recipient_id = p_user_id
order by d.queued_at
limit 1
$$;

comment on function core.told_contact_id(uuid, uuid) is
'As which contact of the walker''s an account was told of an alert; null where it was not.';
revoke all on function core.told_contact_id(uuid, uuid) from public;
grant execute on function core.told_contact_id(uuid, uuid) to saferoute_api;

-- source: sql/functions/alerts/told_summary.sql sha256:07be39952b4fddbc1cb24fe7de86a038d400fb814cab07e393de851d7853b2f9
create or replace function core.told_summary(p_alert core.alerts, p_contact_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'alert_id', p_alert.alert_id,
    'from_name', max(d.from_name),
    'language', max(d.language),
    'cause', p_alert.cause,
    'state', p_alert.state,
    'duress', p_alert.is_duress,
    'drill', p_alert.is_drill,
    'raised_at', p_alert.raised_at,
    'acknowledged_at', case when p_alert.state in ('acknowledged', 'resolved') then p_alert.acknowledged_at end,
    'acknowledged_by_you', coalesce(bool_or(d.state = 'acknowledged' and d.kind = core.alert_kind(p_alert)), false),
    'ended_at', p_alert.ended_at,
    'lon', st_x(p_alert.geom),
    'lat', st_y(p_alert.geom),
    'message', p_alert.message
)
from core.alert_deliveries as d
where d.alert_id = p_alert.alert_id and d.contact_id = p_contact_id
$$;

comment on function core.told_summary(core.alerts, uuid) is
'An alert as a contact sees it: what happened to whom and where, and whether somebody takes care of it. No address, no other contact.';
revoke all on function core.told_summary(core.alerts, uuid) from public;
grant execute on function core.told_summary(core.alerts, uuid) to saferoute_api;

-- source: sql/functions/alerts/verify_alert_chain.sql sha256:a552b12190566b73d4e8a8c10981dafb3a1948513b57eec9bd5e9ed27ded7632
create or replace function ops.verify_alert_chain(
    p_alert_id uuid default null
) returns table (alert_id uuid, number integer, problem text)
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select p.alert_id, p.number, p.problem from core.alert_problems(p_alert_id) as p
$$;

comment on function ops.verify_alert_chain(uuid) is
'Events of alerts that are not as they were written: changed, added, or taken out, of one alert or of all. No row where everything is in order. Reads every event.';
revoke all on function ops.verify_alert_chain(uuid) from public;
grant execute on function ops.verify_alert_chain(uuid) to operator;

-- source: sql/functions/alerts/ways_to_tell.sql sha256:a89865300a4cce9265e6393bace8e28f6e4ee673fd8e5b97bb5c16635a37927b
create or replace function core.ways_to_tell(
    p_user_id uuid
) returns table (
    contact_id uuid, contact_user_id uuid, from_name text, priority smallint, is_first boolean, language text,
    channel text, address text, endpoint_id uuid
)
language sql stable parallel safe security invoker
as $$
with people as (
    select c.*, rank() over (order by c.priority) = 1 as is_first
    from core.contacts as c
    where c.user_id = p_user_id and c.state = 'accepted'
)

select
    p.contact_id, p.contact_user_id, p.from_name, p.priority, p.is_first, p.language, w.channel, w.address, w.endpoint_id
from people as p
cross join lateral (
    select p.channel, p.address, null::uuid
    union all
    select 'voice', p.address, null
    where p.channel = 'sms'
    union all
    select 'live', null, null
    where p.contact_user_id is not null
    union all
    select e.channel, e.url, e.endpoint_id
    from core.notification_endpoints as e
    where e.user_id = p.contact_user_id
) as w (channel, address, endpoint_id)
$$;

comment on function core.ways_to_tell(uuid) is
'Every way in which a person''s emergency contacts can be told: those who have accepted, by each channel they have. is_first marks the contacts of the best priority. Inlined, so it has no search_path of its own.';
revoke all on function core.ways_to_tell(uuid) from public;
grant execute on function core.ways_to_tell(uuid) to saferoute_api, saferoute_tasks;

-- source: sql/functions/api/acknowledge_alert.sql sha256:d5e8505b6659b23f5bd1591f514120c84df815f151a4128a1f22e9e80711f6c5
create or replace function api.acknowledge_alert(alert_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.acknowledge_alert(core.require_user(), alert_id)
$$;

comment on function api.acknowledge_alert(uuid) is
'The caller, a contact who was told of this alert in the app, takes care of it: nobody further is called, the walker and the other contacts hear that somebody does.';
alter function api.acknowledge_alert(uuid) owner to saferoute_api;
revoke all on function api.acknowledge_alert(uuid) from public;
grant execute on function api.acknowledge_alert(uuid) to authenticated;

-- source: sql/functions/api/acknowledge_by_link.sql sha256:51f845a716f9e517c2c35196f0e1a0428083a6dc72981ba3cd2816b39709c692
create or replace function api.acknowledge_by_link(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.acknowledge_by_link(token)
$$;

comment on function api.acknowledge_by_link(text) is
'Take care of the alert that the link in a message opens, without an account: nobody further is called, the walker and the other contacts hear that somebody does.';
alter function api.acknowledge_by_link(text) owner to saferoute_api;
revoke all on function api.acknowledge_by_link(text) from public;
grant execute on function api.acknowledge_by_link(text) to web_anon, authenticated;

-- source: sql/functions/api/add_browser.sql sha256:e4c34d0324a8b2efca955dbbc62d50801429e6547df019cf9d32cda1945c3fed
create or replace function api.add_browser(endpoint_id uuid, url text, p256dh text, auth text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.add_endpoint(core.require_user(), endpoint_id, 'web_push', url, p256dh, auth)
$$;

comment on function api.add_browser(uuid, text, text, text) is
'Have alerts of the people whose contact the caller is shown by this browser: url, p256dh and auth of its PushSubscription, under an id the app makes.';
alter function api.add_browser(uuid, text, text, text) owner to saferoute_api;
revoke all on function api.add_browser(uuid, text, text, text) from public;
grant execute on function api.add_browser(uuid, text, text, text) to authenticated;

-- source: sql/functions/api/add_geofence.sql sha256:aa5ff14ce2a8b6cc7cec653bb613c5077ebc3e2c42ea8ed036e8df1bdeea7477
create or replace function api.add_geofence(
    journey_id uuid,
    geofence_id uuid,
    kind text,
    name text default null,
    area text default null,
    lon float8 default null,
    lat float8 default null,
    radius_m float8 default null,
    min_risk real default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.add_geofence(
    core.require_user(), journey_id, geofence_id, kind, name, area, lon, lat, radius_m, min_risk
)
$$;

comment on function api.add_geofence(
    uuid, uuid, text, text, text, float8, float8, float8, real
) is
'Add an area to a watched walk under an id the client makes: a GeoJSON Polygon, or a circle of radius_m around lon and lat. kind: arrive (you are told), leave or enter (a concern), or risk: any street of at least min_risk (0 to 1) at that hour. The same id again changes it.';
alter function api.add_geofence(
    uuid, uuid, text, text, text, float8, float8, float8, real
) owner to saferoute_api;
revoke all on function api.add_geofence(
    uuid, uuid, text, text, text, float8, float8, float8, real
) from public;
grant execute on function api.add_geofence(
    uuid, uuid, text, text, text, float8, float8, float8, real
) to authenticated;

-- source: sql/functions/api/add_webhook.sql sha256:81110300bf1b0dd1790fe47eca57d0e5b1be7d81c22398688de2a727b4a4b2bb
create or replace function api.add_webhook(endpoint_id uuid, url text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.add_endpoint(core.require_user(), endpoint_id, 'webhook', url, null, null)
$$;

comment on function api.add_webhook(uuid, text) is
'Have alerts of the people whose contact the caller is posted to this https address. The answer holds the secret under which each post is signed; it is shown this once.';
alter function api.add_webhook(uuid, text) owner to saferoute_api;
revoke all on function api.add_webhook(uuid, text) from public;
grant execute on function api.add_webhook(uuid, text) to authenticated;

-- source: sql/functions/api/alert_by_link.sql sha256:dd920fdd5b80d588a6332ec4d0f17cd40a3054b4a8806c65ffa5b7bfd87dc30e
create or replace function api.alert_by_link(token text) returns json
language sql stable parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.alert_by_link(token)
$$;

comment on function api.alert_by_link(text) is
'The alert that the link in a message opens: who calls for help, where, and whether somebody takes care. No account is needed.';
alter function api.alert_by_link(text) owner to saferoute_api;
revoke all on function api.alert_by_link(text) from public;
grant execute on function api.alert_by_link(text) to web_anon, authenticated;

-- source: sql/functions/api/alert_status.sql sha256:222114ae27735f9759679320aa06625981a05b86917e552efcb88386d1ac71bb
create or replace function api.alert_status(alert_id uuid) returns json
language sql stable parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.alert_status(core.require_user(), alert_id)
$$;

comment on function api.alert_status(uuid) is
'What has become of an alert. To the walker: every contact with the state of each message: queued, sent, delivered, read, acknowledged, failed or cancelled. To a contact who was told of it in the app: what they were told, and whether somebody takes care.';
alter function api.alert_status(uuid) owner to saferoute_api;
revoke all on function api.alert_status(uuid) from public;
grant execute on function api.alert_status(uuid) to authenticated;

-- source: sql/functions/api/alerts_since.sql sha256:91a4aa4d06586d004ab71c1f7c1150cd737b6bbd913e71c8d70bc814a6236d69
create or replace function api.alerts_since(seq bigint default 0) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.alerts_since(core.require_user(), seq)
$$;

comment on function api.alerts_since(bigint) is
'What the caller was told of alerts after seq, theirs and those of people whose contact they are: up to 500 messages in alerts, oldest first, each with its seq, and last_seq, the newest there is. Ask again with the last seq you got.';
alter function api.alerts_since(bigint) owner to saferoute_api;
revoke all on function api.alerts_since(bigint) from public;
grant execute on function api.alerts_since(bigint) to authenticated;

-- source: sql/functions/api/cancel_sos.sql sha256:0c9d9e992042bf47b4922122c45982804d19688baedcc44158924fdbf0d13633
create or replace function api.cancel_sos(alert_id uuid, code text default null) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.end_alert(core.require_user(), alert_id, code, 'cancelled')
$$;

comment on function api.cancel_sos(uuid, text) is
'Cancel a call for help of the caller''s: nothing was wrong. During the countdown nobody hears of it; afterwards those who were told are told so. code where the caller has set one. Cancelled again it stays as it is.';
alter function api.cancel_sos(uuid, text) owner to saferoute_api;
revoke all on function api.cancel_sos(uuid, text) from public;
grant execute on function api.cancel_sos(uuid, text) to authenticated;

-- source: sql/functions/api/check_in.sql sha256:38d4a5a8dd373b9e3eefca11af16a28127f8150633d8181e9aaad66f02c0fa84
create or replace function api.check_in(journey_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.check_in(core.require_user(), journey_id, clock_timestamp())
$$;

comment on function api.check_in(uuid) is
'Say that all is well: what there was of concern ends, and the time to the next check-in begins anew. It does not end an alarm.';
alter function api.check_in(uuid) owner to saferoute_api;
revoke all on function api.check_in(uuid) from public;
grant execute on function api.check_in(uuid) to authenticated;

-- source: sql/functions/api/connect_contact.sql sha256:f5fdbf42241439f75f9c128fc3e89992423bc98c5e58d326beb557cf1cb556c1
create or replace function api.connect_contact(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.connect_contact(core.require_user(), token)
$$;

comment on function api.connect_contact(text) is
'A contact who has an account opens the link they were sent: they are told of alerts in the app as well, and in the browsers and webhooks they have added.';
alter function api.connect_contact(text) owner to saferoute_api;
revoke all on function api.connect_contact(text) from public;
grant execute on function api.connect_contact(text) to authenticated;

-- source: sql/functions/api/extend_watch.sql sha256:975ac11559a56a57019d1a2b78065c40f6479d9f5ac81eeda6ccb87a4c44a5c6
create or replace function api.extend_watch(journey_id uuid, expected_at timestamptz) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.extend_watch(core.require_user(), journey_id, expected_at, clock_timestamp())
$$;

comment on function api.extend_watch(uuid, timestamptz) is
'Change when you mean to have arrived; null: nobody waits for that.';
alter function api.extend_watch(uuid, timestamptz) owner to saferoute_api;
revoke all on function api.extend_watch(uuid, timestamptz) from public;
grant execute on function api.extend_watch(uuid, timestamptz) to authenticated;

-- source: sql/functions/api/my_alert_settings.sql sha256:4f882a68f24d26ffce5b327262780555d08b66ea70862fc52ed4c5974c15a505
create or replace function api.my_alert_settings() returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_alert_settings(core.require_user())
$$;

comment on function api.my_alert_settings() is
'The caller''s settings for calls for help: countdown_s, the seconds in which one can be taken back before anybody is told, and has_code, whether a code is needed to cancel.';
alter function api.my_alert_settings() owner to saferoute_api;
revoke all on function api.my_alert_settings() from public;
grant execute on function api.my_alert_settings() to authenticated;

-- source: sql/functions/api/my_endpoints.sql sha256:dc0cd125ba2d7cc928e8ce802e473347acef72a44b69d838a191cc925f555e56
create or replace function api.my_endpoints() returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_endpoints(core.require_user())
$$;

comment on function api.my_endpoints() is
'The browsers and webhooks where the caller is told of alerts.';
alter function api.my_endpoints() owner to saferoute_api;
revoke all on function api.my_endpoints() from public;
grant execute on function api.my_endpoints() to authenticated;

-- source: sql/functions/api/my_reports.sql sha256:fd9d44e5a0b6f5e01beec2bb1326eabc69416a4117e0948e44856ce3b708b85d
create or replace function api.my_reports() returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_reports(core.require_user())
$$;

comment on function api.my_reports() is
'The reports the caller has asked for in the last 7 days, newest first.';
alter function api.my_reports() owner to saferoute_api;
revoke all on function api.my_reports() from public;
grant execute on function api.my_reports() to authenticated;

-- source: sql/functions/api/my_shares.sql sha256:c1b12cff36b02de498737ff53e9e6d8f7dcc737ebfbc4b897dd5a0f1b36cb26c
create or replace function api.my_shares(journey_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_shares(core.require_user(), journey_id)
$$;

comment on function api.my_shares(uuid) is
'The links to a walk, newest first: how precise, until when, and whether each still shows anything.';
alter function api.my_shares(uuid) owner to saferoute_api;
revoke all on function api.my_shares(uuid) from public;
grant execute on function api.my_shares(uuid) to authenticated;

-- source: sql/functions/api/my_watch.sql sha256:5cd5a32c2b30aa3d0814c78a0a6420cf78d33955a97a74e9b35148838430d209
create or replace function api.my_watch(journey_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_watch(core.require_user(), journey_id)
$$;

comment on function api.my_watch(uuid) is
'How the watch of a walk stands: state and reason, when the next check-in is due, areas, and what has happened.';
alter function api.my_watch(uuid) owner to saferoute_api;
revoke all on function api.my_watch(uuid) from public;
grant execute on function api.my_watch(uuid) to authenticated;

-- source: sql/functions/api/raise_drill.sql sha256:31b3b2992aca0f8dc477dfc508c4a6a470097ca9b62851a055160e78132dcee3
create or replace function api.raise_drill(
    alert_id uuid,
    journey_id uuid default null,
    lon float8 default null,
    lat float8 default null,
    message text default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.raise_drill(core.require_user(), alert_id, journey_id, lon, lat, message)
$$;

comment on function api.raise_drill(uuid, uuid, float8, float8, text) is
'Rehearse a call for help: as raise_sos, marked as a drill in every message and answer. Three in a day; SR046 beyond.';
alter function api.raise_drill(uuid, uuid, float8, float8, text) owner to saferoute_api;
revoke all on function api.raise_drill(uuid, uuid, float8, float8, text) from public;
grant execute on function api.raise_drill(uuid, uuid, float8, float8, text) to authenticated;

-- source: sql/functions/api/raise_sos.sql sha256:11afe19ab9af6936323fa45f8407e80aa32a14342492ba70b3bd0fe1d30d4852
create or replace function api.raise_sos(
    alert_id uuid,
    journey_id uuid default null,
    lon float8 default null,
    lat float8 default null,
    message text default null,
    silent boolean default false
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.raise_alert(alert_id, core.require_user(), journey_id, 'sos', lon, lat, message, silent, false)
$$;

comment on function api.raise_sos(uuid, uuid, float8, float8, text, boolean) is
'Call for help under an id the client makes (UUIDv7): every emergency contact who has accepted is told by every channel they have, at once or after the countdown of set_alert_settings. Without lon and lat it is the last position of the walk. The same call again returns what has become of it. What cannot be used is named in left_out and never stops the call; told is how many contacts are told.';
alter function api.raise_sos(uuid, uuid, float8, float8, text, boolean) owner to saferoute_api;
revoke all on function api.raise_sos(uuid, uuid, float8, float8, text, boolean) from public;
grant execute on function api.raise_sos(uuid, uuid, float8, float8, text, boolean) to authenticated;

-- source: sql/functions/api/remove_endpoint.sql sha256:095aae347d80b9d103df538d414aab0aa13334ad8e6c949a86530a4bca573b63
create or replace function api.remove_endpoint(endpoint_id uuid) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.remove_endpoint(core.require_user(), endpoint_id)
$$;

comment on function api.remove_endpoint(uuid) is
'Remove a browser or webhook.';
alter function api.remove_endpoint(uuid) owner to saferoute_api;
revoke all on function api.remove_endpoint(uuid) from public;
grant execute on function api.remove_endpoint(uuid) to authenticated;

-- source: sql/functions/api/remove_geofence.sql sha256:cf172c476827263414c9e34e2b2f7fe386fc0c4058174b83c0fb97aefaaa4fa7
create or replace function api.remove_geofence(journey_id uuid, geofence_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.remove_geofence(core.require_user(), journey_id, geofence_id)
$$;

comment on function api.remove_geofence(uuid, uuid) is
'Take an area off a watched walk; the areas that are left.';
alter function api.remove_geofence(uuid, uuid) owner to saferoute_api;
revoke all on function api.remove_geofence(uuid, uuid) from public;
grant execute on function api.remove_geofence(uuid, uuid) to authenticated;

-- source: sql/functions/api/remove_report.sql sha256:4c34805a75884b2d5c72bbbffe2be13db581daf28417eb983c15dad043683487
create or replace function api.remove_report(report_id uuid) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.remove_report(core.require_user(), report_id)
$$;

comment on function api.remove_report(uuid) is
'Remove a report, made or not.';
alter function api.remove_report(uuid) owner to saferoute_api;
revoke all on function api.remove_report(uuid) from public;
grant execute on function api.remove_report(uuid) to authenticated;

-- source: sql/functions/api/report_content.sql sha256:1035376c2f429a0b327f87a3b55181b8e61688baa3dd7f14d653430a0fb173f7
create or replace function api.report_content(report_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.report_content(core.require_user(), report_id)
$$;

comment on function api.report_content(uuid) is
'A report that is ready, in base64, with its `media_type` and `file_name`. GET /reports/<report_id> answers with the file itself.';
alter function api.report_content(uuid) owner to saferoute_api;
revoke all on function api.report_content(uuid) from public;
grant execute on function api.report_content(uuid) to authenticated;

-- source: sql/functions/api/report_status.sql sha256:3afdc0072fe1cb1e496f7555fbbd0f874e276b3d92fb3712e2af8dedfb4bf993
create or replace function api.report_status(report_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.report_summary(core.own_report(core.require_user(), report_id))
$$;

comment on function api.report_status(uuid) is
'How far a report is: `state` queued, running, ready or failed (with `error`), and how many of its parts are done.';
alter function api.report_status(uuid) owner to saferoute_api;
revoke all on function api.report_status(uuid) from public;
grant execute on function api.report_status(uuid) to authenticated;

-- source: sql/functions/api/request_report.sql sha256:593b964e1e0a31978a2b4290b2233881568e5129321e3861e7350429632aa08d
create or replace function api.request_report(report_id uuid, kind text, parameters jsonb default '{}') returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.request_report(core.require_user(), report_id, kind, parameters)
$$;

comment on function api.request_report(uuid, text, jsonb) is
'Have a report made: `journey_report` (HTML with a map) or `gpx` of `parameters.journey_id`; `export`, a ZIP of everything that is kept of the caller; `route_safety` of up to 500 `parameters.routes`, each `{"route": ..., "at": ...}` as route_safety takes them. Answers as report_status does; GET /reports/<report_id> gives it once it is ready.';
alter function api.request_report(uuid, text, jsonb) owner to saferoute_api;
revoke all on function api.request_report(uuid, text, jsonb) from public;
grant execute on function api.request_report(uuid, text, jsonb) to authenticated;

-- source: sql/functions/api/resolve_alert.sql sha256:bfd239cd7014e77d4ce68cabcd3124f896240c2538bf87506204bfdb08bcda00
create or replace function api.resolve_alert(alert_id uuid, code text default null) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.resolve_alert(core.require_user(), alert_id, code)
$$;

comment on function api.resolve_alert(uuid, text) is
'The walker is safe: ends an alert of the caller''s, with code where they have set one, or one that the caller was told of as a contact. Whoever was told of it hears so.';
alter function api.resolve_alert(uuid, text) owner to saferoute_api;
revoke all on function api.resolve_alert(uuid, text) from public;
grant execute on function api.resolve_alert(uuid, text) to authenticated;

-- source: sql/functions/api/revoke_share.sql sha256:012886115f09177276a9257cdb886d3c13acb646d7cd479e5810dd767ec9d7d1
create or replace function api.revoke_share(share_id uuid) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.revoke_share(core.require_user(), share_id)
$$;

comment on function api.revoke_share(uuid) is
'Take a link to a walk back: it shows nothing from then on.';
alter function api.revoke_share(uuid) owner to saferoute_api;
revoke all on function api.revoke_share(uuid) from public;
grant execute on function api.revoke_share(uuid) to authenticated;

-- source: sql/functions/api/set_alert_settings.sql sha256:a7363b2a2ba4dd1c45b9b378eb013bf991a52a9c79ecf1dc70d7fe3b1891fbdd
create or replace function api.set_alert_settings(
    countdown_s integer default null,
    cancel_code text default null,
    duress_code text default null,
    current_code text default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.set_alert_settings(core.require_user(), countdown_s, cancel_code, duress_code, current_code)
$$;

comment on function api.set_alert_settings(integer, text, text, text) is
'Change how the caller''s calls for help are handled: countdown_s (0 to 60) in which one can be taken back before anybody is told; cancel_code (4 to 8 digits) that cancelling then asks for; duress_code, set together with it, that looks as if it cancelled and tells the contacts that it is in earnest. An empty cancel_code removes both. Where there is a code, current_code is needed.';
alter function api.set_alert_settings(integer, text, text, text) owner to saferoute_api;
revoke all on function api.set_alert_settings(integer, text, text, text) from public;
grant execute on function api.set_alert_settings(integer, text, text, text) to authenticated;

-- source: sql/functions/api/share_journey.sql sha256:46f56ecbd3fef14e517dff35adb4668514b5aa5db4adfc160a432ec4bfa930b1
create or replace function api.share_journey(
    journey_id uuid, expires_in interval default '8 hours', "precision" text default 'exact'
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.share_journey(core.require_user(), journey_id, expires_in, share_journey.precision)
$$;

comment on function api.share_journey(uuid, interval, text) is
'A link by which others watch this walk without an account, until it expires, is revoked, or the walk has been over for ten minutes. It is shown once. precision: exact, street (a grid of 100 m) or area (1 km).';
alter function api.share_journey(uuid, interval, text) owner to saferoute_api;
revoke all on function api.share_journey(uuid, interval, text) from public;
grant execute on function api.share_journey(uuid, interval, text) to authenticated;

-- source: sql/functions/api/watch_journey.sql sha256:6b88a4438d0d25cf3f149b63783db469d90dd40e687101d3b8b979cc3167d543
create or replace function api.watch_journey(
    journey_id uuid,
    expected_at timestamptz default null,
    check_in_every interval default null,
    silence_after interval default '10 minutes',
    route text default null,
    deviation_m real default 100,
    battery_floor real default 15,
    grace interval default '5 minutes',
    starts_at timestamptz default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.watch_journey(
    core.require_user(), journey_id, starts_at, expected_at, check_in_every, silence_after, grace, battery_floor, route,
    deviation_m, clock_timestamp()
)
$$;

comment on function api.watch_journey(
    uuid, timestamptz, interval, interval, text, real, real, interval, timestamptz
) is
'Have a walk watched, from now or from starts_at on: expected_at, when you mean to have arrived; check_in_every, how often you say that all is well; silence_after, how long without a position; route, the planned way (GeoJSON or encoded polyline), and deviation_m beside it; battery_floor in per cent. What is null is not watched. Where something is not as planned you are told, after grace again, and after grace once more your contacts are. Call it again to change it: what is left out goes back to its default. The same again changes nothing.';
alter function api.watch_journey(
    uuid, timestamptz, interval, interval, text, real, real, interval, timestamptz
) owner to saferoute_api;
revoke all on function api.watch_journey(
    uuid, timestamptz, interval, interval, text, real, real, interval, timestamptz
) from public;
grant execute on function api.watch_journey(
    uuid, timestamptz, interval, interval, text, real, real, interval, timestamptz
) to authenticated;

-- source: sql/functions/common/call.sql sha256:b139f86d9fd2c73c3a7f2ee783102ac429acab91109cee6cd166463d43e3b5c4
create or replace function core.call(
    p_role text,
    p_read_only boolean,
    p_claims text,
    p_method text,
    p_path text,
    p_headers text,
    p_application text,
    p_statement text,
    p_arguments json,
    out body text,
    out status text,
    out headers text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
    perform
        set_config('request.jwt.claims', p_claims, true),
        set_config('request.method', p_method, true),
        set_config('request.path', p_path, true),
        set_config('request.headers', p_headers, true),
        set_config('application_name', p_application, true),
        set_config('transaction_read_only', p_read_only::text, true),
        set_config('role', p_role, true);
    -- A statement of its own: in the one that sets the role, rights would be checked as the authenticator's.
    execute p_statement into body using p_arguments;
    status := nullif(current_setting('response.status', true), '');
    headers := nullif(current_setting('response.headers', true), '');
    -- Not for the caller: the API takes this header out and publishes what it holds.
    if current_setting('response.publications', true) <> '' then
        headers := coalesce(headers, '[]')::jsonb
        || jsonb_build_object('Saferoute-Publish', '[' || current_setting('response.publications') || ']');
    end if;
end
$$;

comment on function core.call(text, boolean, text, text, text, text, text, text, json) is
'One request of the API in one statement: become p_role, say who calls and how, run p_statement (text the API built from pg_proc, $1 = p_arguments) and return its one value as body. A function that sets response.status or response.headers (a JSON array of one-key objects) for its transaction answers with these. What core.publish has collected is added as a header Saferoute-Publish, which the API keeps to itself. All that is set ends with the transaction. p_application is the application_name while it runs: it names the request. SECURITY INVOKER: a role cannot be switched inside a definer function.';
revoke all on function core.call(text, boolean, text, text, text, text, text, text, json) from public;
grant execute on function core.call(text, boolean, text, text, text, text, text, text, json) to authenticator;

-- source: sql/functions/common/call_once.sql sha256:4d14e9660c3e353cb34170f54c58c57edd39f468db9791a86186bfa1b75fc15d
create or replace function core.call_once(
    p_key text,
    p_endpoint text,
    p_role text,
    p_read_only boolean,
    p_claims text,
    p_method text,
    p_path text,
    p_headers text,
    p_application text,
    p_statement text,
    p_arguments json,
    out body text,
    out status text,
    out headers text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = core, pg_catalog, pg_temp
as $$
declare
    v_caller_id uuid;
    v_digest bytea := sha256(convert_to(p_arguments::text, 'UTF8'));
    v_known core.idempotency_keys;
begin
    perform set_config('request.jwt.claims', p_claims, true);
    v_caller_id := core.current_caller_id();
    if v_caller_id is null or p_key !~ '^[ -~]{1,200}$' then
        perform core.fail('SR081');
    end if;
    -- A second call waits here for the first to end, and is answered like it where that has succeeded.
    perform pg_advisory_xact_lock(hashtextextended(v_caller_id || p_key, 174));
    select k.* into v_known
    from core.idempotency_keys as k
    where k.caller_id = v_caller_id and k.idempotency_key = p_key and k.created_at > now() - interval '24 hours';
    if found then
        if v_known.endpoint <> p_endpoint or v_known.digest <> v_digest then
            perform core.fail('SR080');
        end if;
        body := v_known.body;
        status := v_known.status;
        headers := coalesce(v_known.headers, '[]')::jsonb || '{"Idempotency-Replayed": "true"}'::jsonb;
        return;
    end if;

    select c.body, c.status, c.headers into body, status, headers
    from core.call(
        p_role, p_read_only, p_claims, p_method, p_path, p_headers, p_application, p_statement, p_arguments
    ) as c;
    -- What was refused may be tried again.
    if coalesce(status, '200') < '400' then
        perform set_config('role', 'none', true);
        insert into core.idempotency_keys as k (caller_id, idempotency_key, endpoint, digest, body, status, headers)
        values (
            v_caller_id, p_key, p_endpoint, v_digest, body, status,
            case
                -- What was published is not published again.
                when headers like '%"Saferoute-Publish"%' then
                    (
                        select jsonb_agg(h.header)
                        from jsonb_array_elements(headers::jsonb) as h (header)
                        where not h.header ? 'Saferoute-Publish'
                    )::text
                else headers
            end
        )
        on conflict (caller_id, idempotency_key) do update set -- it is over a day old
            endpoint = excluded.endpoint,
            digest = excluded.digest,
            body = excluded.body,
            status = excluded.status,
            headers = excluded.headers,
            created_at = excluded.created_at;
    end if;
end
$$;

comment on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) is
'core.call for a request with an Idempotency-Key: the first that succeeds is kept with its answer in the same transaction, and the same request again is answered from there, with the header Idempotency-Replayed. SR080 where the key was used for another request, SR081 where it cannot be used or nobody is signed in. What fails or is refused keeps nothing.';
revoke all on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) from public;
grant execute on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) to authenticator;

-- source: sql/functions/common/check_time.sql sha256:f66199dd5a3c3a9c3883d7457a4990eb0aadbafd1a27d6b88db3a9aab8ef998c
create or replace function core.check_time(p_at timestamptz) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not coalesce(p_at >= '2000-01-01 00:00+00' and p_at < '2100-01-01 00:00+00', false) then
        perform core.fail('SR015', p_at::text);
    end if;
end
$$;

comment on function core.check_time(timestamptz) is 'SR015 unless the time lies in the years 2000 to 2099 (UTC).';
revoke all on function core.check_time(timestamptz) from public;
grant execute on function core.check_time(timestamptz) to saferoute_api, saferoute_tasks;

-- source: sql/functions/common/city_at.sql sha256:dcc065194879f1a67a2e0d61c3c5ad72e7da2520a42455132985bfa81fdfa1fa
create or replace function core.city_at(p_position geometry) returns core.cities
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
begin
    -- The smallest city wins where two overlap.
    select c.* into v_city
    from core.cities as c
    where c.walkable_bounds && p_position
    order by st_area(c.walkable_bounds), c.city_id
    limit 1;
    if not found then
        perform core.fail('SR014', st_astext(p_position));
    end if;
    return v_city;
end
$$;

comment on function core.city_at(geometry) is
'The imported city whose walkable bounds hold the point (EPSG:4326), the smallest where several do; SR014 where none does.';
revoke all on function core.city_at(geometry) from public;
grant execute on function core.city_at(geometry) to saferoute_api, saferoute_tasks;

-- source: sql/functions/common/current_user_id.sql sha256:d5b7d26ccd256c3de847f349601941bfd1b096a80164333ccb9d322d6b6d4e0e
create or replace function core.current_user_id() returns uuid
language sql stable parallel safe security invoker
as $$
select nullif(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub', '')::uuid
$$;

comment on function core.current_user_id() is
'The person who calls: the `sub` claim of the verified token, null for an anonymous caller. Inlined, so it has no search_path of its own.';
revoke all on function core.current_user_id() from public;
grant execute on function core.current_user_id() to saferoute_api, saferoute_tasks, authenticator;

-- source: sql/functions/common/decode_polyline.sql sha256:e58038f5499818068bf7442fc0534302225cbf28ca3009fb1943c43d075545be
create or replace function core.decode_polyline(p_encoded text, p_precision integer default 5) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- ST_LineFromEncodedPolyline drops repeated points and reads past the end of a text that was cut short.
    if p_precision not in (5, 6) or p_encoded !~ '^(?:[_-~]{0,6}[?-^][_-~]{0,6}[?-^])*$' then
        perform core.fail('SR016', format('not an encoded polyline of precision %s', p_precision));
    end if;
    with numbers as (
        select
            m.nth,
            (select sum(((ascii(c.letter) - 63) & 31)::bigint << 5 * (c.place - 1)::integer)::bigint
             from string_to_table(m.letters[1], null) with ordinality as c (letter, place)) as zigzag
        from regexp_matches(p_encoded, '[_-~]*[?-^]', 'g') with ordinality as m (letters, nth)
    ),

    sums as (
        select
            (n.nth - 1) / 2 as point,
            n.nth % 2 as is_lat,
            sum(case when n.zigzag & 1 = 1 then ~(n.zigzag >> 1) else n.zigzag >> 1 end)
                over (partition by n.nth % 2 order by n.nth) as total
        from numbers as n
    ),

    positions as (
        select
            s.point,
            (max(s.total) filter (where s.is_lat = 0) / 10.0 ^ p_precision)::float8 as lon,
            (max(s.total) filter (where s.is_lat = 1) / 10.0 ^ p_precision)::float8 as lat
        from sums as s
        group by s.point
    )

    select st_makeline(core.position(p.lon, p.lat) order by p.point) into v_line from positions as p;
    return coalesce(v_line, st_geomfromtext('linestring empty', 4326));
end
$$;

comment on function core.decode_polyline(text, integer) is
'The line (EPSG:4326) of an encoded polyline of 5 or 6 decimals, repeated points kept; SR016 where the text is none, SR010 where it leaves the Earth.';
revoke all on function core.decode_polyline(text, integer) from public;
grant execute on function core.decode_polyline(text, integer) to saferoute_api, saferoute_tasks;

-- source: sql/functions/common/fail.sql sha256:2171bf0c377e08c8276b76809f6d07a129aea5ceafc2da3a383a6b5458877846
create or replace function core.fail(p_code text, p_detail text default null) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_error core.error_codes;
begin
    select * into strict v_error from core.error_codes where code = p_code;
    raise exception using
        errcode = v_error.code,
        message = v_error.message,
        detail = coalesce(p_detail, ''),
        hint = coalesce(v_error.hint, '');
end
$$;

comment on function core.fail(text, text) is
'Raise one of our own errors: SQLSTATE p_code, message and hint from core.error_codes, detail from the caller.';
revoke all on function core.fail(text, text) from public;
grant execute on function core.fail(text, text) to saferoute_api, saferoute_auth, saferoute_live, saferoute_tasks, authenticator;

-- source: sql/functions/common/position.sql sha256:1e0d259fc42e50175bd3015f6e8d4a9666c538e3970c64fe8073284c733ec712
create or replace function core.position(p_lon float8, p_lat float8) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    -- NaN sorts above every number, so the range test refuses it too.
    if not coalesce(p_lon between -180 and 180 and p_lat between -90 and 90, false) then
        perform core.fail('SR010', format('lon %s, lat %s', p_lon, p_lat));
    end if;
    return st_setsrid(st_makepoint(p_lon, p_lat), 4326);
end
$$;

comment on function core.position(float8, float8) is
'The point (EPSG:4326) at this longitude and latitude in degrees; SR010 where they are null, NaN or off the Earth.';
revoke all on function core.position(float8, float8) from public;
grant execute on function core.position(float8, float8) to saferoute_api, saferoute_tasks;

-- source: sql/functions/common/publish.sql sha256:3cf6a10275430da71e99d4b94c1cc96fb42a095fb9928c1f3e310a6478518868
create or replace function core.publish(p_topic text, p_message json) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config(
        'response.publications',
        concat_ws(
            ',', nullif(current_setting('response.publications', true), ''),
            json_build_object('topic', p_topic, 'message', p_message)
        ),
        true
    );
end
$$;

comment on function core.publish(text, json) is
'Have p_message told to who watches p_topic (user:<id>, journey:<id>), once this transaction has committed: whoever runs it takes the list from response.publications (JSON objects, separated by commas) and publishes it. It may get lost: what must arrive is also in a table that is polled.';
revoke all on function core.publish(text, json) from public;
grant execute on function core.publish(text, json) to saferoute_api, saferoute_tasks;

-- source: sql/functions/common/random_token.sql sha256:9ea40e0cc79150e367e93ec5e07df7a9281011c487fe78664093e5b502bc215a
create or replace function core.random_token() returns text
language sql volatile parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
select translate(
    encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'),
    '+/=', '-_'
)
$$;

comment on function core.random_token() is
'A secret of 256 bits nobody can guess, as 43 characters that need no escape in an address: three UUIDs have 366 bits of the server''s strong random source.';
revoke all on function core.random_token() from public;
grant execute on function core.random_token() to saferoute_api, saferoute_tasks;

-- source: sql/functions/common/utm_srid.sql sha256:259f53b1163697bac2af83be5dd4e25b27def7dcf10fe5bb122bf6060817656f
create or replace function core.utm_srid(p_position geometry) returns integer
language sql immutable strict parallel safe security invoker
as $$
select 32601 + least(59, floor((public.st_x(p_position) + 180) / 6))::integer
    + case when public.st_y(p_position) < 0 then 100 else 0 end
$$;

comment on function core.utm_srid(geometry) is
'EPSG code of the UTM zone of a position (EPSG:4326): metres are measured in it where no city says which. Inlined, so it has no search_path of its own.';
revoke all on function core.utm_srid(geometry) from public;
grant execute on function core.utm_srid(geometry) to saferoute_tasks;

-- source: sql/functions/common/uuid_v7.sql sha256:0906392fa3839071cf8f1911dfb51dffbb32bb83fabe0829fdbd599f60736c25
create or replace function core.uuid_v7() returns uuid
language sql volatile parallel safe security invoker
as $$
select encode(
    -- Version 7 in bits 48 to 51, which a random UUID has as 0100; the variant is there already.
    set_bit(set_bit(
        overlay(
            uuid_send(gen_random_uuid())
            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6
        ), 52, 1
    ), 53, 1), 'hex'
)::uuid
$$;

comment on function core.uuid_v7() is
'A new UUID of version 7: milliseconds, then 74 random bits. For rows that the server names; apps make their own.';
revoke all on function core.uuid_v7() from public;
grant execute on function core.uuid_v7() to saferoute_api, saferoute_auth, saferoute_tasks;

-- source: sql/functions/contacts/add_endpoint.sql sha256:460b15e08c3a710cd62e2947dc4e874a4a82075facdaa9a7c5b2a354aa09245f
create or replace function core.add_endpoint(
    p_user_id uuid, p_endpoint_id uuid, p_channel text, p_url text, p_p256dh text, p_auth text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    c_most constant integer := 10;
    v_url text := core.checked_url(p_url, p_channel = 'webhook');
    v_secret text := case p_channel when 'webhook' then core.random_token() end;
begin
    if p_endpoint_id is null then
        perform core.fail('SR018', 'endpoint_id is null');
    end if;
    if p_channel = 'web_push' and not coalesce(p_p256dh ~ '^[A-Za-z0-9_-]{87}=?$' and p_auth ~ '^[A-Za-z0-9_-]{22}(==)?$', false) then
        perform core.fail('SR018', 'p256dh and auth are the keys of a PushSubscription, base64url');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('saferoute endpoints of ' || p_user_id, 0));
    if exists (
        select from core.notification_endpoints as e
        where e.user_id = p_user_id and e.endpoint_id = p_endpoint_id and e.channel = p_channel and e.url = v_url
    ) then
        return core.endpoint_summary(p_endpoint_id);
    end if;
    -- A browser that subscribes anew keeps its address: the old entry, of another app id, makes room.
    delete from core.notification_endpoints as e where e.user_id = p_user_id and e.url = v_url and e.endpoint_id <> p_endpoint_id;
    if c_most <= (select count(*) from core.notification_endpoints as e where e.user_id = p_user_id) then
        perform core.fail('SR097');
    end if;
    insert into core.notification_endpoints (endpoint_id, user_id, channel, url, p256dh, auth, secret)
    values (p_endpoint_id, p_user_id, p_channel, v_url, p_p256dh, p_auth, v_secret)
    on conflict do nothing;
    if not found then
        perform core.fail('SR018', 'this endpoint_id is another''s');
    end if;
    return core.endpoint_summary(p_endpoint_id)::jsonb
        || case when v_secret is null then '{}' else jsonb_build_object('secret', v_secret) end;
end
$$;

comment on function core.add_endpoint(uuid, uuid, text, text, text, text) is
'Add a browser (p_channel web_push) or a webhook where a person is told of alerts. The secret of a webhook is in the first answer only. SR097 beyond ten, SR098 where the address is not on the public internet.';
revoke all on function core.add_endpoint(uuid, uuid, text, text, text, text) from public;
grant execute on function core.add_endpoint(uuid, uuid, text, text, text, text) to saferoute_api;

-- source: sql/functions/contacts/address_digest.sql sha256:356f1a63291315a50658e734f6eb47d832cd4ed8e54f8efd86c9844467e42ba9
create or replace function core.address_digest(p_user_id uuid, p_channel text, p_address text) returns bytea
language sql immutable strict parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
select sha256(convert_to(format('%s %s %s', p_user_id, p_channel, p_address), 'UTF8'))
$$;

comment on function core.address_digest(uuid, text, text) is
'What core.contact_consents knows an address by: other for every walker, so that two ledgers cannot be joined.';
revoke all on function core.address_digest(uuid, text, text) from public;
grant execute on function core.address_digest(uuid, text, text) to saferoute_api, saferoute_tasks;

-- source: sql/functions/contacts/answer_invitation.sql sha256:f2fa773b79b1feff08e3310445584fcaa2892bf6bb05aaf3e443035d27029b86
create or replace function core.answer_invitation(p_contact core.contacts, p_state text, p_means text)
returns core.contacts
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
begin
    update core.contacts as c set
        state = p_state,
        answered_at = now(),
        code_digest = null,
        code_expires_at = null,
        code_tries = 0
    where c.contact_id = p_contact.contact_id
    returning c.* into v_contact;
    perform core.record_consent(v_contact, case p_state when 'accepted' then 'given' else p_state end, p_means);
    return v_contact;
end
$$;

comment on function core.answer_invitation(core.contacts, text, text) is
'Note what a contact answers: p_state accepted, declined or withdrawn, by p_means link, code or reply. The code of the invitation ends.';
revoke all on function core.answer_invitation(core.contacts, text, text) from public;
grant execute on function core.answer_invitation(core.contacts, text, text) to saferoute_api, saferoute_tasks;

-- source: sql/functions/contacts/checked_url.sql sha256:9db790253fb927056f8c94f28f08bc39d054a4b91935696675315d36575a7740
create or replace function core.checked_url(p_url text, p_is_webhook boolean) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_host text := lower(substring(p_url from '^https?://(\[[0-9a-fA-F:.]+\]|[^/:?#@\s]+)(:[0-9]{1,5})?([/?][^#\s]*)?$'));
begin
    if p_is_webhook and (select s.allows_local_webhooks from core.site as s) and v_host is not null then
        return p_url;
    end if;
    -- A name, with a dot and no address of a machine; where the name leads, the worker looks when it sends.
    if length(p_url) <= 2000 and p_url like 'https://%' and v_host ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$'
        and v_host !~ '(^|\.)(localhost|local|internal|localdomain|home\.arpa)$'
    then
        return p_url;
    end if;
    perform core.fail('SR098');
end
$$;

comment on function core.checked_url(text, boolean) is
'An address on the public internet that messages can be sent to; SR098 where it is none: not https, with a password, by number, or of a local network.';
revoke all on function core.checked_url(text, boolean) from public;
grant execute on function core.checked_url(text, boolean) to saferoute_api;

-- source: sql/functions/contacts/connect_contact.sql sha256:bef8cbb350405eddaf75d440a827de73799528ddf3f73cb0b777c83fde8cc136
create or replace function core.connect_contact(p_user_id uuid, p_token text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.contact_of_link(p_token);
begin
    if v_contact.user_id = p_user_id then
        perform core.fail('SR018', 'nobody is a contact of their own');
    end if;
    update core.contacts as c set contact_user_id = p_user_id
    where c.contact_id = v_contact.contact_id and coalesce(c.contact_user_id, p_user_id) = p_user_id
    returning c.* into v_contact;
    if not found then
        perform core.fail('SR054');
    end if;
    return core.invitation_summary(v_contact);
end
$$;

comment on function core.connect_contact(uuid, text) is
'Note that the contact to whom this link was sent is the person who is signed in: from now on they are told in the app too, once they have accepted. SR054 where the link opens nothing, or another account was first.';
revoke all on function core.connect_contact(uuid, text) from public;
grant execute on function core.connect_contact(uuid, text) to saferoute_api;

-- source: sql/functions/contacts/endpoint_summary.sql sha256:84f982b29046d0f719f01340fd0cb01c377987144b9b3df32c509b1d8cf9e84d
create or replace function core.endpoint_summary(p_endpoint_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'endpoint_id', e.endpoint_id, 'channel', e.channel, 'url', e.url, 'added_at', e.added_at
)
from core.notification_endpoints as e
where e.endpoint_id = p_endpoint_id
$$;

comment on function core.endpoint_summary(uuid) is
'A browser or webhook as its owner sees it.';
revoke all on function core.endpoint_summary(uuid) from public;
grant execute on function core.endpoint_summary(uuid) to saferoute_api;

-- source: sql/functions/contacts/my_endpoints.sql sha256:d3f10e54642ef870addf33509bbaa7657009cac44702255716f1ef04a440541e
create or replace function core.my_endpoints(p_user_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(core.endpoint_summary(e.endpoint_id) order by e.added_at, e.endpoint_id), '[]')
from core.notification_endpoints as e
where e.user_id = p_user_id
$$;

comment on function core.my_endpoints(uuid) is
'The browsers and webhooks of a person.';
revoke all on function core.my_endpoints(uuid) from public;
grant execute on function core.my_endpoints(uuid) to saferoute_api;

-- source: sql/functions/contacts/record_consent.sql sha256:29b9240db3ca0f5d524bc49c48937e77ff123144857cdcf8631b3a2b0e79ad1b
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

-- source: sql/functions/contacts/remove_endpoint.sql sha256:c063bc364af9bf6b1447acc4593b637f1a6dcc18bb758306d9479d96f3b004c8
create or replace function core.remove_endpoint(p_user_id uuid, p_endpoint_id uuid) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
delete from core.notification_endpoints as e where e.endpoint_id = p_endpoint_id and e.user_id = p_user_id
$$;

comment on function core.remove_endpoint(uuid, uuid) is
'Remove a browser or webhook of a person; one that is not there is removed already.';
revoke all on function core.remove_endpoint(uuid, uuid) from public;
grant execute on function core.remove_endpoint(uuid, uuid) to saferoute_api;

-- source: sql/functions/contacts/update_contact.sql sha256:45c2f8add26fbe6c93ed74bf9a62bb527d705a71fe334d3408df6ed9a6ef1724
create or replace function core.update_contact(
    p_user_id uuid,
    p_contact_id uuid,
    p_name text,
    p_channel text,
    p_address text,
    p_from_name text,
    p_language text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.own_contact(p_user_id, p_contact_id);
    v_new core.contacts := v_contact;
begin
    v_new.name := core.checked_name('name', coalesce(p_name, v_contact.name), 80);
    v_new.from_name := core.checked_from_name(coalesce(p_from_name, v_contact.from_name));
    v_new.language := core.checked_language(coalesce(p_language, v_contact.language));
    v_new.channel := coalesce(p_channel, v_contact.channel);
    v_new.address := core.contact_address(v_new.channel, coalesce(p_address, v_contact.address));
    begin
        update core.contacts as c set
            name = v_new.name,
            from_name = v_new.from_name,
            language = v_new.language,
            channel = v_new.channel,
            address = v_new.address
        where c.contact_id = p_contact_id
        returning c.* into v_new;
    exception when unique_violation then
        perform core.fail('SR052');
    end;
    if (v_new.channel, v_new.address) <> (v_contact.channel, v_contact.address) then
        -- Another mailbox may be another person: whoever had the old one has no say and no link any more.
        perform core.record_consent(v_contact, 'removed', null);
        delete from core.contact_links as l where l.contact_id = p_contact_id;
        update core.contacts as c set answered_at = null, contact_user_id = null
        where c.contact_id = p_contact_id
        returning c.* into v_new;
        v_new := core.invite_contact(v_new);
    end if;
    return core.contact_summary(v_new);
end
$$;

comment on function core.update_contact(uuid, uuid, text, text, text, text, text) is
'Change what is not null. Another address has to be asked for consent anew, and the links sent to the old one end. Errors as core.add_contact has them.';
revoke all on function core.update_contact(uuid, uuid, text, text, text, text, text) from public;
grant execute on function core.update_contact(uuid, uuid, text, text, text, text, text) to saferoute_api;

-- source: sql/functions/contacts/withdraw_by_reply.sql sha256:a8cf08ca87dd2e1a9d13e93b3111ebb711f9b0705fe03a3c331e8afecb14cf05
create or replace function core.withdraw_by_reply(p_number text, p_text text) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
begin
    if lower(btrim(p_text, E' \t\r\n.!"''')) !~
        '^(stop|stopall|unsubscribe|optout|revoke|quit|stopp|abmelden|baja|alto|parar|sair|arret|arrêt|बंद|रोकें)$' then
        return false;
    end if;
    for v_contact in
        select c.* from core.contacts as c
        where c.channel = 'sms' and c.address = p_number and c.state in ('invited', 'accepted')
        order by c.contact_id
        for update
    loop
        perform core.answer_invitation(
            v_contact, case v_contact.state when 'invited' then 'declined' else 'withdrawn' end, 'reply'
        );
    end loop;
    return true;
end
$$;

comment on function core.withdraw_by_reply(text, text) is
'Whether a text from p_number says STOP, in a word that providers know or one of our languages; who says so is nobodys contact any more. CANCEL and END are none of these words: they can be meant for an alert.';
revoke all on function core.withdraw_by_reply(text, text) from public;
grant execute on function core.withdraw_by_reply(text, text) to saferoute_tasks;

-- source: sql/functions/deliveries/attempt_delay.sql sha256:f6ff0afa06a3783381eb3215dfc3186e9911aa866b58340133fc0bb9a4774ae5
create or replace function core.attempt_delay(p_policy core.delivery_policies, p_attempts integer, p_retry_after_s float8) returns interval
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return greatest(
        -- Full jitter: attempts that failed together do not come again together.
        random() * least(p_policy.longest_wait, p_policy.first_wait * power(2, least(p_attempts, 30) - 1)),
        -- least() is not null where one of them is.
        case
            when p_retry_after_s is not null
                then make_interval(secs => least(p_retry_after_s, extract(epoch from p_policy.longest_retry_after)::float8))
        end
    );
end
$$;

comment on function core.attempt_delay(core.delivery_policies, integer, float8) is
'How long to wait after so many attempts: anything up to first_wait, doubled with each and at most longest_wait, but at least what the provider asks for (up to longest_retry_after).';
revoke all on function core.attempt_delay(core.delivery_policies, integer, float8) from public;
grant execute on function core.attempt_delay(core.delivery_policies, integer, float8) to saferoute_tasks;

-- source: sql/functions/deliveries/claim_delivery.sql sha256:aa657d7a7532debf7c1b0d9eb208af98910709fac137f5d86dd8b4f0555e5ce2
create or replace function core.claim_delivery(p_delivery_id uuid, p_lease interval) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    -- A delivery is its row's: whoever comes second finds it claimed. Nothing else is locked here, so nobody waits in a ring.
    update core.alert_deliveries as d set
        attempts = d.attempts + 1, claim_id = gen_random_uuid(), claimed_until = clock_timestamp() + p_lease
    where d.delivery_id = p_delivery_id
        and d.state = 'queued' and d.channel <> 'live' and d.address is not null
        and d.next_attempt_at <= clock_timestamp()
        and (d.claimed_until is null or d.claimed_until <= clock_timestamp())
        -- Told tier by tier: not before its own, and not after somebody has taken care.
        and exists (
            select from core.alerts as a
            where a.alert_id = d.alert_id
                and (a.ended_at is null and a.tier >= d.tier or d.kind not in ('alert', 'duress'))
        )
    returning d.* into v_delivery;
    if not found then
        return null;
    end if;
    -- Every worker that had it was killed: it is not tried for ever.
    if v_delivery.attempts > (select p.attempts from core.delivery_policies as p where p.channel = v_delivery.channel) then
        perform core.note_failed(v_delivery.claim_id, 'no attempt came to its end', null, true);
        return null;
    end if;
    if v_delivery.endpoint_id is not null and not exists (
        select from core.notification_endpoints as e where e.endpoint_id = v_delivery.endpoint_id
    ) then
        perform core.note_failed(v_delivery.claim_id, 'the browser or webhook was removed', null, true);
        return null;
    end if;
    return core.delivery_message(v_delivery);
end
$$;

comment on function core.claim_delivery(uuid, interval) is
'Take a delivery that is due, for p_lease: what is to be sent, and the claim_id to report with. Null where there is nothing to do: it is not due, another has it, it was sent, given up or cancelled. attempts counts this one; from the second on the provider is asked first whether it has the message.';
revoke all on function core.claim_delivery(uuid, interval) from public;
grant execute on function core.claim_delivery(uuid, interval) to saferoute_tasks;

-- source: sql/functions/deliveries/delivery_message.sql sha256:412ee11c9d436f48dc5b182805ec6bf8337be5b83b9c3fb7a7d7919d5ac3f891
create or replace function core.delivery_message(p_delivery core.alert_deliveries) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_alert core.alerts;
    v_endpoint core.notification_endpoints;
    v_link text := core.make_alert_link(p_delivery);
    v_zone text;
begin
    select a.* into strict v_alert from core.alerts as a where a.alert_id = p_delivery.alert_id;
    select e.* into v_endpoint from core.notification_endpoints as e where e.endpoint_id = p_delivery.endpoint_id;
    select c.time_zone into v_zone
    from core.cities as c
    where c.walkable_bounds && v_alert.geom
    order by st_area(c.walkable_bounds)
    limit 1;
    return json_build_object(
        'delivery_id', p_delivery.delivery_id,
        'claim_id', p_delivery.claim_id,
        'channel', p_delivery.channel,
        'address', p_delivery.address,
        'language', p_delivery.language,
        'kind', p_delivery.kind,
        'template', case when v_alert.is_drill then 'drill_' else '' end || case
            when p_delivery.kind <> 'alert' then p_delivery.kind
            when exists (
                select from core.alert_deliveries as d
                where d.alert_id = p_delivery.alert_id and d.contact_id = p_delivery.contact_id
                    and d.channel = p_delivery.channel and d.kind = 'alert' and d.tier < p_delivery.tier
            ) then 'escalated'
            else 'alert_' || v_alert.cause
        end,
        'parameters', json_build_object(
            'from_name', coalesce(p_delivery.from_name, 'Safe Route'),
            'raised_at', v_alert.raised_at,
            'time', to_char(v_alert.raised_at at time zone v_zone, 'HH24:MI'),
            'lon', st_x(v_alert.geom),
            'lat', st_y(v_alert.geom),
            'note', v_alert.message,
            'link', v_link
        ),
        'idempotency_key', p_delivery.delivery_id,
        'attempts', p_delivery.attempts,
        -- By them a text of an earlier attempt is known: another alert may say the same in the same minute.
        'links', (
            select json_agg(encode(l.digest, 'hex')) from core.alert_links as l where l.delivery_id = p_delivery.delivery_id
        ),
        'provider', p_delivery.provider,
        'provider_id', p_delivery.provider_id,
        -- A later tier may say the same again: what is older is not this message.
        'queued_at', greatest(p_delivery.queued_at, p_delivery.due_at),
        'keys', json_strip_nulls(json_build_object(
            'p256dh', v_endpoint.p256dh, 'auth', v_endpoint.auth, 'secret', v_endpoint.secret
        )),
        'event', json_build_object(
            'type', 'alert', 'alert_id', v_alert.alert_id,
            'event', case p_delivery.kind when 'alert' then 'raised' else p_delivery.kind end,
            'drill', v_alert.is_drill, 'cause', v_alert.cause, 'raised_at', v_alert.raised_at,
            'lon', st_x(v_alert.geom), 'lat', st_y(v_alert.geom), 'message', v_alert.message,
            'from_name', p_delivery.from_name, 'link', v_link
        )
    );
end
$$;

comment on function core.delivery_message(core.alert_deliveries) is
'What a worker needs to send a claimed delivery: where to, which text and what it names, and what programs are told. It makes the link that stands in it.';
revoke all on function core.delivery_message(core.alert_deliveries) from public;
grant execute on function core.delivery_message(core.alert_deliveries) to saferoute_tasks;

-- source: sql/functions/deliveries/due_deliveries.sql sha256:f6ca50190ba5b751a0b5b2b8e6d5499becf8678cf062ec68405aaa7c9c13e18d
create or replace function core.due_deliveries(p_limit integer) returns setof uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select d.delivery_id
    from core.alert_deliveries as d
    where d.state = 'queued' and d.channel <> 'live' and d.address is not null
        and d.next_attempt_at <= clock_timestamp()
        and (d.claimed_until is null or d.claimed_until <= clock_timestamp())
        and exists (
            select from core.alerts as a
            where a.alert_id = d.alert_id
                and (a.ended_at is null and a.tier >= d.tier or d.kind not in ('alert', 'duress'))
        )
    order by d.next_attempt_at
    limit p_limit;
end
$$;

comment on function core.due_deliveries(integer) is
'The deliveries that are due and that nobody has claimed, those first that have waited longest.';
revoke all on function core.due_deliveries(integer) from public;
grant execute on function core.due_deliveries(integer) to saferoute_tasks;

-- source: sql/functions/deliveries/make_alert_link.sql sha256:45915232e0d29edce38176e4ce5cada77f6449ee96794e79e4c8ce7132baef28
create or replace function core.make_alert_link(p_delivery core.alert_deliveries) returns text
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_token text := core.random_token();
begin
    if p_delivery.contact_id is null then
        return null;
    end if;
    insert into core.alert_links (digest, alert_id, contact_id, user_id, delivery_id)
    values (
        sha256(convert_to(v_token, 'UTF8')), p_delivery.alert_id, p_delivery.contact_id, p_delivery.user_id,
        p_delivery.delivery_id
    );
    return (select s.public_url from core.site as s) || '/alert#' || v_token;
end
$$;

comment on function core.make_alert_link(core.alert_deliveries) is
'A link that shows the alert of a delivery to its recipient, and lets them acknowledge it without an account; null where the recipient is no contact. Its token is kept nowhere, so every attempt to send makes another.';
revoke all on function core.make_alert_link(core.alert_deliveries) from public;
grant execute on function core.make_alert_link(core.alert_deliveries) to saferoute_tasks;

-- source: sql/functions/deliveries/note_failed.sql sha256:f05b45ab275720eea45d4294c1f3ed004834be0ce4817b944eff435bf1739696
create or replace function core.note_failed(p_claim_id uuid, p_error text, p_retry_after_s float8, p_is_final boolean) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
    v_policy core.delivery_policies;
    v_is_dead boolean;
    v_wait interval;
begin
    select d.* into v_delivery
    from core.alert_deliveries as d
    where d.claim_id = p_claim_id and d.state = 'queued' and d.claimed_until is not null
    for update;
    if not found then
        return false;
    end if;
    select p.* into strict v_policy from core.delivery_policies as p where p.channel = v_delivery.channel;
    v_is_dead := p_is_final or v_delivery.attempts >= v_policy.attempts;
    v_wait := core.attempt_delay(v_policy, v_delivery.attempts, p_retry_after_s);
    update core.alert_deliveries as d set
        state = case when v_is_dead then 'failed' else 'queued' end,
        is_dead = v_is_dead,
        error = left(p_error, 200),
        claimed_until = null,
        next_attempt_at = case when v_is_dead then d.next_attempt_at else clock_timestamp() + v_wait end
    where d.delivery_id = v_delivery.delivery_id;
    if not v_is_dead then
        perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(v_delivery.delivery_id), v_wait);
    end if;
    -- Its push service says that the browser is gone for good. A webhook may only be misplaced: its owner removes it.
    if p_is_final and p_error = 'endpoint gone' and v_delivery.channel = 'web_push' then
        delete from core.notification_endpoints as e where e.endpoint_id = v_delivery.endpoint_id;
    end if;
    perform core.append_alert_event(v_delivery.alert_id, 'failed', v_delivery.delivery_id, jsonb_build_object(
        'channel', v_delivery.channel, 'attempt', v_delivery.attempts, 'error', left(p_error, 200), 'final', v_is_dead
    ));
    return true;
end
$$;

comment on function core.note_failed(uuid, text, float8, boolean) is
'Note that an attempt failed, and when the next is due: later with each, as core.delivery_policies says, and not before the provider wants it. p_is_final, or too many attempts: it is given up, and an operator finds it in ops.dead_letters. A browser that is gone is told nothing more. p_error never holds an address. False where another has it by now.';
revoke all on function core.note_failed(uuid, text, float8, boolean) from public;
grant execute on function core.note_failed(uuid, text, float8, boolean) to saferoute_tasks;

-- source: sql/functions/deliveries/note_provider_status.sql sha256:0954fd4f0c547d81e805fdbfeb12c0ce6a3b4e69f42912e624e2986bf6c933f9
create or replace function core.note_provider_status(
    p_provider text, p_provider_id text, p_status text, p_delivery_id uuid default null
) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_ranks constant text [] := '{sent,delivered,read,acknowledged}';
    v_delivery core.alert_deliveries;
begin
    select d.* into v_delivery
    from core.alert_deliveries as d
    where d.provider = p_provider and d.provider_id = p_provider_id
    for update;
    if not found then
        -- The provider is faster than the worker that asked it, or that worker was killed before it could say so.
        update core.alert_deliveries as d set
            state = 'sent', sent_at = clock_timestamp(), provider = p_provider, provider_id = p_provider_id,
            claimed_until = null, error = null
        where d.delivery_id = p_delivery_id and d.state = 'queued' and d.attempts > 0 and p_status <> 'failed'
        returning d.* into v_delivery;
        if not found then
            return false;
        end if;
        perform core.append_alert_event(v_delivery.alert_id, 'sent', v_delivery.delivery_id, jsonb_build_object(
            'channel', v_delivery.channel, 'provider', p_provider, 'attempt', v_delivery.attempts
        ));
    end if;
    if p_status in ('delivered', 'read')
        and array_position(v_ranks, p_status) > array_position(v_ranks, v_delivery.state) then
        update core.alert_deliveries as d set
            state = p_status,
            delivered_at = coalesce(d.delivered_at, clock_timestamp()),
            read_at = case p_status when 'read' then clock_timestamp() else d.read_at end
        where d.delivery_id = v_delivery.delivery_id;
    elsif p_status = 'failed' and v_delivery.state = 'sent' then
        update core.alert_deliveries as d set state = 'failed', is_dead = true, error = 'not delivered by the provider'
        where d.delivery_id = v_delivery.delivery_id;
    else
        return true;
    end if;
    perform core.append_alert_event(v_delivery.alert_id, p_status, v_delivery.delivery_id, jsonb_build_object(
        'channel', v_delivery.channel, 'provider', p_provider
    ));
    return true;
end
$$;

comment on function core.note_provider_status(text, text, text, uuid) is
'Note what a provider says has become of a message: sent, delivered, read, or failed. It only goes forward (sent, delivered, read, acknowledged): what comes late or twice changes nothing, and failed counts only for what was not delivered. p_delivery_id, where the provider gives it back, finds a message whose worker has not noted yet what the provider calls it. False where no message is meant (yet).';
revoke all on function core.note_provider_status(text, text, text, uuid) from public;
grant execute on function core.note_provider_status(text, text, text, uuid) to saferoute_tasks;

-- source: sql/functions/deliveries/note_sent.sql sha256:1d3a180f311ef1223c021e0a12b09affce36684edc485e81282dc0f170bb48d0
create or replace function core.note_sent(p_claim_id uuid, p_provider text, p_provider_id text) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    update core.alert_deliveries as d set
        state = 'sent', sent_at = clock_timestamp(), provider = p_provider, provider_id = p_provider_id,
        claimed_until = null, error = null
    where d.claim_id = p_claim_id and d.state = 'queued'
    returning d.* into v_delivery;
    if not found then
        return exists (select from core.alert_deliveries as d where d.claim_id = p_claim_id);
    end if;
    perform core.append_alert_event(v_delivery.alert_id, 'sent', v_delivery.delivery_id, jsonb_build_object(
        'channel', v_delivery.channel, 'provider', p_provider, 'attempt', v_delivery.attempts
    ));
    return true;
end
$$;

comment on function core.note_sent(uuid, text, text) is
'Note that the provider has the message of a claim, and what it calls it. False where another has it by now: it took longer than its lease. Noted twice it stands once.';
revoke all on function core.note_sent(uuid, text, text) from public;
grant execute on function core.note_sent(uuid, text, text) to saferoute_tasks;

-- source: sql/functions/deliveries/nudge.sql sha256:bc956cc08d13b3e5755d3ccebfdb9d4c623a7c89f6e0da9f7cf960aa6cea3444
create or replace function core.nudge(p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_nudged integer := 0;
    v_count integer;
begin
    -- One at a time: a second sweep would only queue the same again.
    if not pg_try_advisory_xact_lock(hashtextextended('saferoute nudge', 0)) then
        return 0;
    end if;
    -- Where many wait in the queue, workers are busy and nothing has been lost.
    if core.waiting_tasks('alarm', p_limit) < p_limit then
        perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(d)) from core.due_deliveries(p_limit) as d;
        get diagnostics v_nudged = row_count;
    end if;
    if core.waiting_tasks('default', p_limit) < p_limit then
        perform core.enqueue_task('default', 'send_message', jsonb_build_array(m)) from core.due_messages(p_limit) as m;
        get diagnostics v_count = row_count;
        v_nudged := v_nudged + v_count;
    end if;
    return v_nudged;
end
$$;

comment on function core.nudge(integer) is
'Queue a task for what is due and unclaimed: deliveries and messages, up to p_limit of each. How many there were. So a broker that has lost everything has lost a few seconds.';
revoke all on function core.nudge(integer) from public;
grant execute on function core.nudge(integer) to saferoute_tasks;

-- source: sql/functions/deliveries/queue_state.sql sha256:2d7307aa20b2b1f0e89e87ecee1385dda016507bd7ead872cd2ffeb6f6522271
create or replace function core.queue_state() returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return json_build_object(
        'queues', (
            select json_object_agg(q.queue, json_build_object('tasks', q.tasks, 'oldest_s', q.oldest_s))
            from (
                select
                    n.queue,
                    count(w.vt) as tasks,
                    coalesce(round(extract(epoch from clock_timestamp() - min(w.vt))::numeric, 3), 0) as oldest_s
                from unnest('{alarm,default,bulk}'::text []) as n (queue)
                left join lateral (
                    select q.vt from pgmq.q_alarm as q where n.queue = 'alarm'
                    union all
                    select q.vt from pgmq.q_default as q where n.queue = 'default'
                    union all
                    select q.vt from pgmq.q_bulk as q where n.queue = 'bulk'
                ) as w on w.vt <= clock_timestamp()
                group by n.queue
            ) as q
        ),
        'deliveries', (
            select json_build_object(
                'due', count(*),
                'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - min(d.next_attempt_at))::numeric, 3), 0),
                'claimed', count(*) filter (where d.claimed_until > clock_timestamp()),
                'retried', count(*) filter (where d.attempts > 0 and d.claimed_until is null)
            )
            from core.alert_deliveries as d
            where d.state = 'queued' and d.channel <> 'live' and d.address is not null
                and d.next_attempt_at <= clock_timestamp()
                and exists (
            select from core.alerts as a
            where a.alert_id = d.alert_id
                and (a.ended_at is null and a.tier >= d.tier or d.kind not in ('alert', 'duress'))
        )
        ),
        'messages', (
            select json_build_object(
                'due', count(*),
                'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - min(m.next_attempt_at))::numeric, 3), 0)
            )
            from core.outbound_messages as m
            where m.status in ('queued', 'claimed') and m.next_attempt_at <= clock_timestamp()
        ),
        'dead_letters', (select count(*) from core.alert_deliveries as d where d.is_dead)
    );
end
$$;

comment on function core.queue_state() is
'How work stands: tasks that wait in each queue and for how long (seconds), deliveries and messages that are due (those that a worker has at the moment too), and dead letters.';
revoke all on function core.queue_state() from public;
grant execute on function core.queue_state() to saferoute_tasks;

-- source: sql/functions/deliveries/tidy.sql sha256:680e1410b2090dabdf74b2d6cd142d34cae4711668c81439759c78cd0e26c445
create or replace function core.tidy(p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_count integer;
    v_removed integer;
begin
    delete from core.inbox_entries as e
    where (e.user_id, e.sequence) in (
        select o.user_id, o.sequence from core.inbox_entries as o
        where o.told_at < now() - interval '30 days' order by o.told_at limit p_limit
    );
    get diagnostics v_removed = row_count;
    delete from core.alert_links as l
    where l.digest = any(array(
        select o.digest from core.alert_links as o where o.made_at < now() - interval '30 days' limit p_limit
    ));
    get diagnostics v_count = row_count;
    return v_removed + v_count;
end
$$;

comment on function core.tidy(integer) is
'Remove what has been kept long enough: entries of inboxes and links to alerts, up to p_limit of each older than 30 days. How many it removed.';
revoke all on function core.tidy(integer) from public;
grant execute on function core.tidy(integer) to saferoute_tasks;

-- source: sql/functions/deliveries/waiting_tasks.sql sha256:9ca38ecf0beed97d5e247ea0af57d72f60bba4a4804dae0be24db30d9e955a29
create or replace function core.waiting_tasks(p_queue text, p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_count integer;
begin
    execute format(
        'select count(*) from (select from pgmq.%I as q where q.vt <= clock_timestamp() limit $1) as w', 'q_' || p_queue
    ) into v_count using p_limit;
    return v_count;
end
$$;

comment on function core.waiting_tasks(text, integer) is
'How many tasks wait in a queue, counted up to p_limit.';
revoke all on function core.waiting_tasks(text, integer) from public;
grant execute on function core.waiting_tasks(text, integer) to saferoute_tasks;

-- source: sql/functions/erasure/erase_alert_deliveries.sql sha256:34885dfb4fd6732d70a5badb191fb274cb0a0d367ce0d7b47933c68d570967d8
create or replace function core.erase_alert_deliveries(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.alert_deliveries'::regclass;
    -- An account that is a contact of others is told of their alerts: that it was, and at which address, goes as well. Arrays
    -- let each index be used.
    update core.alert_deliveries as d set
        user_id = nullif(d.user_id, p_user_id),
        recipient_id = nullif(d.recipient_id, p_user_id),
        endpoint_id = null,
        address = null,
        from_name = case when d.user_id is distinct from p_user_id then d.from_name end,
        address_digest = sha256(uuid_send(d.delivery_id)),
        provider_id = null,
        error = null,
        state = case when d.state = 'queued' then 'cancelled' else d.state end,
        is_dead = false
    where d.delivery_id = any(array(
        select o.delivery_id from core.alert_deliveries as o
        where o.user_id = p_user_id or o.recipient_id = p_user_id
            or o.address = any(array(select core.user_addresses(p_user_id)))
        limit p_limit
    ));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_alert_deliveries(uuid, bigint) is
'Take a person out of up to p_limit deliveries: of alerts of theirs, and of those that they were told of as a contact. The address goes, and what a provider could find it by; what became of the message stays.';
revoke all on function core.erase_alert_deliveries(uuid, bigint) from public;

-- source: sql/functions/erasure/erase_alert_events.sql sha256:d3e9647f2c423e6a35655c9e68c856af0f5f325dc2e1da13383f0e69d594c088
create or replace function core.erase_alert_events(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.alert_events'::regclass;
    update core.alert_events as e set user_id = null, salt = null, content = null
    where e.ctid = any(array(select o.ctid from core.alert_events as o where o.user_id = p_user_id limit p_limit));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_alert_events(uuid, bigint) is
'Take a person out of up to p_limit events of their alerts. The digests stay and tell nothing without the salt: the chain can still be verified.';
revoke all on function core.erase_alert_events(uuid, bigint) from public;

-- source: sql/functions/erasure/erase_alerts.sql sha256:00c62ef2474d5549d4c9fdc638f5bcbb375efa2b215220d9d0a71aff69975a75
create or replace function core.erase_alerts(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.alerts'::regclass;
    update core.alerts as a set
        user_id = null,
        journey_id = null,
        geom = null,
        message = null,
        state = case when a.ended_at is null then 'cancelled' else a.state end,
        ended_at = coalesce(a.ended_at, now()),
        next_tier_at = null,
        follow_up = null
    where a.alert_id = any(array(select o.alert_id from core.alerts as o where o.user_id = p_user_id limit p_limit));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_alerts(uuid, bigint) is
'Take a person out of up to p_limit alerts of theirs: who and where it was and what they wrote. The row stays, so that the chain of its events can be verified; one that is open ends.';
revoke all on function core.erase_alerts(uuid, bigint) from public;

-- source: sql/functions/erasure/erase_contacts.sql sha256:3485ba5dbf6fd91e5ad137f1fe7569d90eebbbd726949189ccf131a7d94294f1
create or replace function core.erase_contacts(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.contacts'::regclass;
    -- Those who named the person as a contact keep what they wrote; that it is this account goes.
    update core.contacts as c set contact_user_id = null where c.contact_user_id = p_user_id;
    removed := core.erase_rows('core.contacts', 'user_id', p_user_id, p_limit);
    return next;
end
$$;

comment on function core.erase_contacts(uuid, bigint) is
'Remove up to p_limit emergency contacts of a person, and the persons account from contacts of others.';
revoke all on function core.erase_contacts(uuid, bigint) from public;

-- source: sql/functions/erasure/erase_inbox_entries.sql sha256:fa7da76330197cac503e0d0705e83db7cd9d0de42788805543b83347bb517a64
create or replace function core.erase_inbox_entries(
    p_user_id uuid, p_limit bigint
) returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.inbox_entries'::regclass;
    delete from core.inbox_entries as e
    where e.ctid = any(array(
        select o.ctid from core.inbox_entries as o where o.user_id = p_user_id or o.walker_id = p_user_id limit p_limit
    ));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_inbox_entries(uuid, bigint) is
'Remove up to p_limit entries of inboxes: what a person was told, and what others were told of their alerts.';
revoke all on function core.erase_inbox_entries(uuid, bigint) from public;

-- source: sql/functions/erasure/export_user_data.sql sha256:d06b019ba60409b0d7a794ea10753d92cc14b3373fe32f1121252418cfd0e0ca
create or replace function core.export_user_data(
    p_table regclass, p_user_column text, p_user_id uuid, p_archive text default null
) returns setof text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_geometry text := core.geometry_column(p_table);
    v_columns text;
    v_source text := coalesce(
        (select format('core.%I', d.shown_as) from core.user_data as d where d.relation = p_table and d.shown_as is not null),
        format('only %s', p_table)
    );
begin
    -- A second geometry is a property: without the `crs` that a cast to JSON gives it, which RFC 7946 does away with.
    select string_agg(
        case
            when a.atttypid = 'geometry'::regtype and a.attname <> v_geometry
                then format('st_asgeojson(x.%1$I, 9)::json as %1$I', a.attname)
            else format('x.%I', a.attname)
        end, ', ' order by a.attnum
    ) into v_columns
    from pg_catalog.pg_attribute as a
    where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and not exists (
        select from core.user_data as d where d.relation = p_table and a.attname = any(d.secrets)
    );
    return query execute format(
        'select %s from (select %s, $2 as archive from %s as x where x.%I = $1) as t',
        case when v_geometry is null then 'row_to_json(t)::text' else format('st_asgeojson(t, %L, 9)', v_geometry) end,
        v_columns, v_source, p_user_column
    ) using p_user_id, p_archive;
end
$$;

comment on function core.export_user_data(regclass, text, uuid, text) is
'The rows of a person in one table, each as JSON: a GeoJSON Feature (WGS 84, longitude first) where the table has a geometry, an object where not. Without the columns that are secrets, and from the view that core.user_data names in place of the table. Each has a key `archive`: the file it stands in, null where it stands in the database.';
revoke all on function core.export_user_data(regclass, text, uuid, text) from public;

-- source: sql/functions/journeys/end_journey.sql sha256:515bd083072afd7f87cc7067a3bf92b5adfd599ff950fdb76a2f6ca00c511410
create or replace function core.end_journey(p_user_id uuid, p_journey_id uuid, p_ended_at timestamptz) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.own_journey(p_user_id, p_journey_id);
    v_ended_at timestamptz := coalesce(p_ended_at, now());
begin
    if v_journey.ended_at is null then
        -- The clocks of client and server may differ by as much as a start may lie ahead.
        if not v_ended_at between v_journey.started_at - interval '10 minutes' and now() + interval '10 minutes' then
            perform core.fail('SR018', format('ended_at %s is before the start or over 10 minutes ahead', v_ended_at));
        end if;
        update core.journeys as j set ended_at = greatest(j.started_at, v_ended_at)
        where j.journey_id = p_journey_id and j.ended_at is null;
        if found then
            perform core.end_watch(v_journey, clock_timestamp());
        end if;
        v_journey := core.own_journey(p_user_id, p_journey_id);
    end if;
    return core.journey_summary(v_journey);
end
$$;

comment on function core.end_journey(uuid, uuid, timestamptz) is
'End a journey, now where p_ended_at is null, and its watch. A journey that has ended keeps its first end. Points recorded before the end may still arrive.';
revoke all on function core.end_journey(uuid, uuid, timestamptz) from public;
grant execute on function core.end_journey(uuid, uuid, timestamptz) to saferoute_api;

-- source: sql/functions/journeys/journey_summary.sql sha256:8fef5c67dcfd2ebb391e2d8f01d567edeff2d322c892719405cf616e465a9396
create or replace function core.journey_summary(p_journey core.journeys) returns json
language sql immutable parallel safe security invoker
as $$
select json_build_object(
    'journey_id', p_journey.journey_id,
    'started_at', p_journey.started_at,
    'ended_at', p_journey.ended_at,
    'from_lon', public.st_x(p_journey.origin),
    'from_lat', public.st_y(p_journey.origin),
    'to_lon', public.st_x(p_journey.destination),
    'to_lat', public.st_y(p_journey.destination)
)
$$;

comment on function core.journey_summary(core.journeys) is
'A journey as its walker sees it: the arguments it was started with, and when it ended (null while it lasts). Inlined, so it has no search_path of its own.';
revoke all on function core.journey_summary(core.journeys) from public;
grant execute on function core.journey_summary(core.journeys) to saferoute_api, saferoute_tasks;

-- source: sql/functions/journeys/own_journey.sql sha256:9586907a00faebc079611fa8622d4df55c734d19060b90016c32a01eb6464635
create or replace function core.own_journey(p_user_id uuid, p_journey_id uuid) returns core.journeys
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
begin
    select j.* into v_journey
    from core.journeys as j
    where j.journey_id = p_journey_id and j.user_id = p_user_id and j.erasing_since is null;
    if not found then
        perform core.fail('SR002', format('journey %s', coalesce(p_journey_id::text, 'null')));
    end if;
    return v_journey;
end
$$;

comment on function core.own_journey(uuid, uuid) is
'The journey with this id, if it is the person''s own; SR002 where it is not, whether or not it is somebody else''s.';
revoke all on function core.own_journey(uuid, uuid) from public;
grant execute on function core.own_journey(uuid, uuid) to saferoute_api, saferoute_tasks;

-- source: sql/functions/live/closed_shares.sql sha256:5d1720f507b7cbe489b23a460701e14dd9f2b3046873f6fc0350e30385c5086c
create or replace function live.closed_shares(p_share_ids uuid[]) returns setof uuid
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.closed_shares(p_share_ids)
$$;

comment on function live.closed_shares(uuid[]) is
'Those of the links, by share_id, that show nothing any more: expired, revoked, or the walk is over.';
alter function live.closed_shares(uuid[]) owner to saferoute_live;
revoke all on function live.closed_shares(uuid[]) from public;
grant execute on function live.closed_shares(uuid[]) to authenticator;

-- source: sql/functions/live/inboxes_since.sql sha256:0f2a5f62fb45d3d03700ecd1b0badf1e851d08242fd2a3c54467de7ef63bdd6c
create or replace function live.inboxes_since(p_user_ids uuid[], p_seqs bigint[]) returns table (user_id uuid, sequence bigint, message text)
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select s.user_id, s.sequence, s.message from core.inboxes_since(p_user_ids, p_seqs) as s
$$;

comment on function live.inboxes_since(uuid[], bigint[]) is
'Of each account, what it was told of alerts after that sequence, in order, at most 100 messages: one question for all whom a gateway serves.';
alter function live.inboxes_since(uuid[], bigint[]) owner to saferoute_live;
revoke all on function live.inboxes_since(uuid[], bigint[]) from public;
grant execute on function live.inboxes_since(uuid[], bigint[]) to authenticator;

-- source: sql/functions/live/journey_snapshot.sql sha256:0b04f5330a7d438787382087202fd94a642dff70bcf473b4b97875b918611636
create or replace function live.journey_snapshot(p_journey_id uuid, p_since_seq bigint, p_precision text) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.journey_snapshot(p_journey_id, p_since_seq, p_precision)
$$;

comment on function live.journey_snapshot(uuid, bigint, text) is
'A walk for who begins to watch it or comes back: state, arrival, newest position, and the path recorded after p_since_seq (0: all of it); p_precision as the link says, exact for the walker and for contacts.';
alter function live.journey_snapshot(uuid, bigint, text) owner to saferoute_live;
revoke all on function live.journey_snapshot(uuid, bigint, text) from public;
grant execute on function live.journey_snapshot(uuid, bigint, text) to authenticator;

-- source: sql/functions/live/journeys_since.sql sha256:37cb9a837c0510a74239dbe5302ac3313b99ce4b89791fad306349cc2b41280d
create or replace function live.journeys_since(p_journey_ids uuid[], p_seqs bigint[]) returns table (journey_id uuid, seq bigint, message json)
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select s.journey_id, s.seq, s.message from core.journeys_since(p_journey_ids, p_seqs) as s
$$;

comment on function live.journeys_since(uuid[], bigint[]) is
'Of each walk, what has changed of its state after that seq, in order: messages for its watchers. seq is that of a state, never of a position: clocks of phones differ.';
alter function live.journeys_since(uuid[], bigint[]) owner to saferoute_live;
revoke all on function live.journeys_since(uuid[], bigint[]) from public;
grant execute on function live.journeys_since(uuid[], bigint[]) to authenticator;

-- source: sql/functions/live/may_watch.sql sha256:24534faf3adb42984256c1f6a97d881d5a749c7b139d2167f83b3c45f2c0c0ad
create or replace function live.may_watch(p_user_id uuid, p_journey_id uuid) returns boolean
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.may_watch(p_user_id, p_journey_id)
$$;

comment on function live.may_watch(uuid, uuid) is
'Whether a person may watch a walk.';
alter function live.may_watch(uuid, uuid) owner to saferoute_live;
revoke all on function live.may_watch(uuid, uuid) from public;
grant execute on function live.may_watch(uuid, uuid) to authenticator;

-- source: sql/functions/live/open_share.sql sha256:923e5c93140985f847d4156e6388d92006ea4bd0920ed55c31c37ca514ece9b8
create or replace function live.open_share(p_token_digest bytea) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.open_share(p_token_digest)
$$;

comment on function live.open_share(bytea) is
'What a link to a walk shows, by the SHA-256 of its token: {share_id, journey_id, precision, since_seq, expires_at}; null where it shows nothing. Its path begins after since_seq.';
alter function live.open_share(bytea) owner to saferoute_live;
revoke all on function live.open_share(bytea) from public;
grant execute on function live.open_share(bytea) to authenticator;

-- source: sql/functions/messages/claim_message.sql sha256:77ab7d17432cb1b0df555dfc201c0a42f70f6c610d327e2e240357df84e3e784
create or replace function core.claim_message(p_message_id uuid, p_lease interval) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_message core.outbound_messages;
begin
    update core.outbound_messages as m set
        status = 'claimed', attempts = m.attempts + 1, claim_id = gen_random_uuid(),
        claimed_until = clock_timestamp() + p_lease
    where m.message_id = p_message_id
        and m.status in ('queued', 'claimed') and m.next_attempt_at <= clock_timestamp()
        and (m.claimed_until is null or m.claimed_until <= clock_timestamp())
    returning m.* into v_message;
    if not found then
        return null;
    end if;
    if v_message.not_after <= clock_timestamp()
        or v_message.attempts > (select p.attempts from core.delivery_policies as p where p.channel = v_message.channel) then
        perform core.note_message_failed(v_message.claim_id, 'it came too late', null, true);
        return null;
    end if;
    return json_build_object(
        'message_id', v_message.message_id,
        'claim_id', v_message.claim_id,
        'channel', v_message.channel,
        'address', v_message.address,
        'language', v_message.language,
        'template', v_message.template,
        'parameters', v_message.parameters,
        'idempotency_key', v_message.message_id,
        'attempts', v_message.attempts,
        'queued_at', v_message.created_at
    );
end
$$;

comment on function core.claim_message(uuid, interval) is
'Take a message that is due, for p_lease, as core.claim_delivery does a delivery. One that is of no use any more is given up.';
revoke all on function core.claim_message(uuid, interval) from public;
grant execute on function core.claim_message(uuid, interval) to saferoute_tasks;

-- source: sql/functions/messages/due_messages.sql sha256:e6724e6c5158d93c4ec1f4c20a6669cc7cdf0c573d422de6701ddfbb1310a03e
create or replace function core.due_messages(p_limit integer) returns setof uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select m.message_id
    from core.outbound_messages as m
    where m.status in ('queued', 'claimed') and m.next_attempt_at <= clock_timestamp()
        and (m.claimed_until is null or m.claimed_until <= clock_timestamp())
    order by m.next_attempt_at
    limit p_limit;
end
$$;

comment on function core.due_messages(integer) is
'The messages that are due and that nobody has claimed, those first that have waited longest.';
revoke all on function core.due_messages(integer) from public;
grant execute on function core.due_messages(integer) to saferoute_tasks;

-- source: sql/functions/messages/enqueue_message.sql sha256:5b53cb8f5372f4403c96ba9aa733f7d1896c992c47456b620fe9ef26e7b22382
create or replace function core.enqueue_message(
    p_user_id uuid, p_channel text, p_address text, p_template text, p_language text, p_parameters jsonb
) returns text
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_country text := case p_channel when 'sms' then core.message_country(p_address) end;
    v_prefix text := core.message_prefix(p_channel, p_address);
    v_cost numeric;
    v_message_id uuid := core.uuid_v7();
    v_limit record;
    v_now timestamptz;
begin
    select c.cost into strict v_cost
    from core.message_costs as c
    where c.channel = p_channel and c.country in ('*', v_country)
    order by c.country = '*'
    limit 1;

    -- One lock for all limits: rows of counts, locked one by one, could deadlock two calls that send two messages each.
    perform pg_advisory_xact_lock(hashtextextended('saferoute messages', 0));
    v_now := clock_timestamp();
    for v_limit in select * from core.limits_of_message(p_channel, p_address, v_country, v_prefix, v_cost) loop
        if v_limit.amount = 0 or v_limit.counted + (
            select coalesce(sum(n.amount), 0) from core.message_counts as n
            where n.channel = p_channel and n.scope = v_limit.scope and n.subject = v_limit.subject
                and n.period = v_limit.period and n.expires_at > v_now
        ) > v_limit.amount then
            return v_limit.scope;
        end if;
    end loop;

    insert into core.message_counts as n (channel, scope, subject, period, bucket, amount, expires_at)
    select p_channel, l.scope, l.subject, l.period, b.bucket, l.counted, b.bucket + l.period * 13 / 12
    from core.limits_of_message(p_channel, p_address, v_country, v_prefix, v_cost) as l
    cross join lateral date_bin(l.period / 12, v_now, 'epoch') as b (bucket)
    on conflict (channel, scope, subject, period, bucket) do update set amount = n.amount + excluded.amount;

    insert into core.outbound_messages (
        message_id, user_id, channel, address, country, prefix, template, language, parameters, cost, not_after
    ) values (
        v_message_id, p_user_id, p_channel, p_address, v_country, v_prefix, p_template, p_language, p_parameters,
        v_cost, coalesce((p_parameters ->> 'expires_at')::timestamptz, v_now + interval '1 day')
    );

    perform core.enqueue_task('default', 'send_message', jsonb_build_array(v_message_id));

    -- Whoever adds one removes some: nothing has to run at night.
    delete from core.outbound_messages as m
    where m.message_id in (
        select o.message_id from core.outbound_messages as o where o.created_at < now() - interval '30 days' limit 20
    );
    delete from core.message_counts as n
    where n.ctid = any(array(select e.ctid from core.message_counts as e where e.expires_at <= v_now limit 20));
    return 'queued';
end
$$;

comment on function core.enqueue_message(uuid, text, text, text, text, jsonb) is
'Write a message (p_channel sms or email, p_address in E.164 or in lower case) and queue the task that sends it, unless a limit refuses it: queued, or the scope of that limit: number, prefix, country, spend. A refused one is not counted. p_parameters is what the text names; its `expires_at`, else a day, says until when the message is of use. Calls wait for each other until they commit: make it the last thing a transaction does.';
revoke all on function core.enqueue_message(uuid, text, text, text, text, jsonb) from public;
grant execute on function core.enqueue_message(uuid, text, text, text, text, jsonb) to saferoute_api, saferoute_auth;

-- source: sql/functions/messages/message_template.sql sha256:c7030ee21ceb09779d469c9195c1f7c5caa56e5d824a8bfa0fa97680116a933c
create or replace function core.message_template(p_template text, p_channel text, p_language text) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object('subject', coalesce(t.subject, ''), 'body', t.body)
from core.message_templates as t
where t.template = message_template.p_template
    and t.channel = case message_template.p_channel when 'webhook' then 'web_push' else message_template.p_channel end
    and t.language in (message_template.p_language, 'en')
order by t.language = 'en'
limit 1
$$;

comment on function core.message_template(text, text, text) is
'Text of a message: {subject, body}, in English where the language has none; null where there is no such template.';
revoke all on function core.message_template(text, text, text) from public;
grant execute on function core.message_template(text, text, text) to saferoute_tasks;

-- source: sql/functions/messages/note_message_failed.sql sha256:281167e2cbb597d8f71b651f7488c40a5934c84d0cbe198a546b3b96d3e3270b
create or replace function core.note_message_failed(p_claim_id uuid, p_error text, p_retry_after_s float8, p_is_final boolean) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_message core.outbound_messages;
    v_policy core.delivery_policies;
    v_wait interval;
    v_is_over boolean;
begin
    select m.* into v_message from core.outbound_messages as m where m.claim_id = p_claim_id and m.status = 'claimed' for update;
    if not found then
        return false;
    end if;
    select p.* into strict v_policy from core.delivery_policies as p where p.channel = v_message.channel;
    v_wait := core.attempt_delay(v_policy, v_message.attempts, p_retry_after_s);
    v_is_over := p_is_final or v_message.attempts >= v_policy.attempts
        or clock_timestamp() + v_wait >= v_message.not_after;
    update core.outbound_messages as m set
        status = case when v_is_over then 'failed' else 'queued' end,
        parameters = case when v_is_over then '{}' else m.parameters end,
        error = left(p_error, 200),
        claimed_until = null,
        next_attempt_at = clock_timestamp() + v_wait
    where m.message_id = v_message.message_id;
    if not v_is_over then
        perform core.enqueue_task('default', 'send_message', jsonb_build_array(v_message.message_id), v_wait);
    end if;
    return true;
end
$$;

comment on function core.note_message_failed(uuid, text, float8, boolean) is
'Note that an attempt to send a message failed, and when the next is due; p_is_final, too many attempts, or no use in another: it is given up, and what stood in it is forgotten. p_error never holds an address.';
revoke all on function core.note_message_failed(uuid, text, float8, boolean) from public;
grant execute on function core.note_message_failed(uuid, text, float8, boolean) to saferoute_tasks;

-- source: sql/functions/messages/note_message_sent.sql sha256:00e304ba3d89e1db035d19fd00aef35e004b82ad279d37886611bbef8c49bf95
create or replace function core.note_message_sent(p_claim_id uuid, p_provider text, p_provider_id text) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    update core.outbound_messages as m set
        status = 'sent', sent_at = clock_timestamp(), provider = p_provider, provider_id = p_provider_id,
        parameters = '{}', claimed_until = null, error = null
    where m.claim_id = p_claim_id and m.status = 'claimed';
    return found or exists (select from core.outbound_messages as m where m.claim_id = p_claim_id);
end
$$;

comment on function core.note_message_sent(uuid, text, text) is
'Note that the provider has a message, and forget the code or link that stood in it. False where another has it by now.';
revoke all on function core.note_message_sent(uuid, text, text) from public;
grant execute on function core.note_message_sent(uuid, text, text) to saferoute_tasks;

-- source: sql/functions/ops/replay_dead_letter.sql sha256:a68e4784d583105ea292c0ed0c259e86effafd4d131933428c3854e36405cd42
create or replace function ops.replay_dead_letter(p_delivery_id uuid) returns boolean
language plpgsql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    -- As if it had been tried once: the provider is asked whether it has the message after all.
    update core.alert_deliveries as d set
        state = 'queued', is_dead = false, attempts = 1, claimed_until = null, next_attempt_at = clock_timestamp()
    where d.delivery_id = p_delivery_id and d.is_dead and d.address is not null
    returning d.* into v_delivery;
    if not found then
        return false;
    end if;
    perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(p_delivery_id));
    perform core.append_alert_event(v_delivery.alert_id, 'replayed', p_delivery_id, jsonb_build_object('channel', v_delivery.channel));
    return true;
end
$$;

comment on function ops.replay_dead_letter(uuid) is
'Have a message about an alert sent again that was given up (ops.dead_letters), with as many attempts as at first. False where it is no dead letter, or its address was erased.';
revoke all on function ops.replay_dead_letter(uuid) from public;
grant execute on function ops.replay_dead_letter(uuid) to operator;

-- source: sql/functions/reports/claim_report.sql sha256:1170944edf54ba00337ab47612d232f106cc41f84c299dcfcd4ad0befb126753
create or replace function core.claim_report(p_report_id uuid, p_lease interval) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_most_attempts constant integer := 3;
    v_report core.reports;
begin
    select r.* into v_report
    from core.reports as r
    where r.report_id = p_report_id and r.state in ('queued', 'running') and r.expires_at > clock_timestamp()
        and coalesce(r.claimed_until, '-infinity') <= clock_timestamp()
    for update skip locked;
    if not found then
        return null;
    elsif v_report.attempts >= v_most_attempts then
        -- What ends its worker each time would end them all.
        update core.reports as r
        set state = 'failed', error = format('It was begun %s times and did not end.', v_most_attempts), ended_at = clock_timestamp()
        where r.report_id = p_report_id;
        return null;
    end if;
    update core.reports as r
    set state = 'running', done = 0, attempts = attempts + 1, claim_id = gen_random_uuid(), claimed_until = clock_timestamp() + p_lease
    where r.report_id = p_report_id
    returning r.* into v_report;
    return json_build_object(
        'report_id', v_report.report_id,
        'user_id', v_report.user_id,
        'kind', v_report.kind,
        'parameters', v_report.parameters,
        'claim_id', v_report.claim_id,
        'asked_at', v_report.asked_at
    );
end
$$;

comment on function core.claim_report(uuid, interval) is
'Take a report to make it, for so long: report_id, user_id, kind, parameters, claim_id, asked_at. Null where there is nothing to do: another worker has it, it is made, it is gone. One that was begun three times without an end fails.';
revoke all on function core.claim_report(uuid, interval) from public;
grant execute on function core.claim_report(uuid, interval) to saferoute_tasks;

-- source: sql/functions/reports/claimed_walk_facts.sql sha256:58ff901930c0a50407aa2e11017980279d5b3c6f7b065d8dfec9f76592d9b948
create or replace function core.claimed_walk_facts(p_claim_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select core.walk_facts(r.user_id, (r.parameters ->> 'journey_id')::uuid, r.kind = 'journey_report')
from core.reports as r
where r.claim_id = p_claim_id and r.kind in ('journey_report', 'gpx')
$$;

comment on function core.claimed_walk_facts(uuid) is
'core.walk_facts of the walk that a claimed report is about; null where the claim is over.';
revoke all on function core.claimed_walk_facts(uuid) from public;
grant execute on function core.claimed_walk_facts(uuid) to saferoute_tasks;

-- source: sql/functions/reports/enqueue_report.sql sha256:0c1733e6bfe087a7a7f904daaddbd8e5e0da1c5c46a26aa7d3a69f163d98bf3a
create or replace function core.enqueue_report(
    p_report_id uuid, p_kind text, p_delay interval default '0'
) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select core.enqueue_task(
    'bulk',
    case p_kind when 'export' then 'export' when 'route_safety' then 'route_safety_bulk' else 'journey_report' end,
    jsonb_build_array(p_report_id),
    p_delay
)
$$;

comment on function core.enqueue_report(uuid, text, interval) is
'Have a worker make a report, behind nothing but its like: queue bulk.';
revoke all on function core.enqueue_report(uuid, text, interval) from public;
grant execute on function core.enqueue_report(uuid, text, interval) to saferoute_api, saferoute_tasks;

-- source: sql/functions/reports/fail_report.sql sha256:a034b3bdb006424dc6f9c151bb99aa7a3ec7ab7737d01753c8e1441d1a0770ef
create or replace function core.fail_report(p_claim_id uuid, p_error text, p_retry_after interval) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_report core.reports;
begin
    update core.reports as r
    set state = case when p_retry_after is null then 'failed' else 'queued' end,
        error = p_error,
        ended_at = case when p_retry_after is null then clock_timestamp() end,
        claim_id = null,
        claimed_until = clock_timestamp() + p_retry_after,
        -- It was not begun: nothing is wrong with the report.
        attempts = r.attempts - case when p_retry_after is null then 0 else 1 end
    where r.claim_id = p_claim_id and r.state = 'running'
    returning r.* into v_report;
    if found and p_retry_after is not null then
        perform core.enqueue_report(v_report.report_id, v_report.kind, p_retry_after);
    end if;
    return v_report.report_id is not null;
end
$$;

comment on function core.fail_report(uuid, text, interval) is
'Note why a report cannot be made: at all, or (with p_retry_after) now. False where another worker has it now, or it is gone.';
revoke all on function core.fail_report(uuid, text, interval) from public;
grant execute on function core.fail_report(uuid, text, interval) to saferoute_tasks;

-- source: sql/functions/reports/finish_report.sql sha256:98c1b2357623773cb9e04b316fe79dd257223895e41b88b2915574beaa45ef74
create or replace function core.finish_report(p_claim_id uuid, p_media_type text, p_content bytea) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    update core.reports as r
    set state = 'ready', done = r.total, media_type = p_media_type, content = p_content, ended_at = clock_timestamp(),
        claim_id = null, claimed_until = null
    where r.claim_id = p_claim_id and r.state = 'running';
    return found;
end
$$;

comment on function core.finish_report(uuid, text, bytea) is
'Keep a report that is made; false where another worker has it now, or it is gone.';
revoke all on function core.finish_report(uuid, text, bytea) from public;
grant execute on function core.finish_report(uuid, text, bytea) to saferoute_tasks;

-- source: sql/functions/reports/my_reports.sql sha256:3e4d92e7a39939d0591475a951fa0613a2e3dffeb92dad29255ca0f7cce75d2e
create or replace function core.my_reports(p_user_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(core.report_summary(r) order by r.asked_at desc, r.report_id), '[]')
from core.reports as r
where r.user_id = p_user_id and r.expires_at > now()
$$;

comment on function core.my_reports(uuid) is 'The reports that a person has asked for and that have not expired, newest first.';
revoke all on function core.my_reports(uuid) from public;
grant execute on function core.my_reports(uuid) to saferoute_api;

-- source: sql/functions/reports/note_report_progress.sql sha256:32a5de69f822edcb45f7f0a16a31ab27521775e4c6c776583ef2fb7e5a73fbcd
create or replace function core.note_report_progress(p_claim_id uuid, p_done integer, p_lease interval) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    update core.reports as r
    set done = p_done, claimed_until = clock_timestamp() + p_lease
    where r.claim_id = p_claim_id and r.state = 'running';
    return found;
end
$$;

comment on function core.note_report_progress(uuid, integer, interval) is
'Note how many parts of a report are done, and keep it for so long from now; false where another worker has it now, or it is gone.';
revoke all on function core.note_report_progress(uuid, integer, interval) from public;
grant execute on function core.note_report_progress(uuid, integer, interval) to saferoute_tasks;

-- source: sql/functions/reports/own_report.sql sha256:f3820ff5ed838e22ba44f79a462a4f22f5137f281d026fe6d2a8fa2e2cdda694
create or replace function core.own_report(p_user_id uuid, p_report_id uuid) returns core.reports
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_report core.reports;
begin
    select r.* into v_report
    from core.reports as r
    where r.report_id = p_report_id and r.user_id = p_user_id and r.expires_at > now();
    if not found then
        perform core.fail('SR100', format('report %s', coalesce(p_report_id::text, 'null')));
    end if;
    return v_report;
end
$$;

comment on function core.own_report(uuid, uuid) is
'The report with this id, if the person asked for it and it has not expired; SR100 where not, whether or not it is somebody else''s.';
revoke all on function core.own_report(uuid, uuid) from public;
grant execute on function core.own_report(uuid, uuid) to saferoute_api;

-- source: sql/functions/reports/remove_report.sql sha256:3e4bb3364acda80aad754300908de81920708d305c6fc2e817e8c3872f0c932d
create or replace function core.remove_report(p_user_id uuid, p_report_id uuid) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
delete from core.reports as r where r.report_id = p_report_id and r.user_id = p_user_id
$$;

comment on function core.remove_report(uuid, uuid) is
'Remove a report of a person, made or not. One that is not there, or is somebody else''s, changes nothing: a retry is harmless.';
revoke all on function core.remove_report(uuid, uuid) from public;
grant execute on function core.remove_report(uuid, uuid) to saferoute_api;

-- source: sql/functions/reports/report_content.sql sha256:4cbf1afc39efcb1a6ac7027e33b36da3a66d02e5541fd942ea2ebeca8f6b3099
create or replace function core.report_content(p_user_id uuid, p_report_id uuid) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_report core.reports := core.own_report(p_user_id, p_report_id);
begin
    if v_report.state <> 'ready' then
        perform core.fail('SR111', format('it is %s', v_report.state));
    end if;
    return json_build_object(
        'file_name', format(
            '%s-%s.%s', replace(v_report.kind, '_', '-'), to_char(v_report.asked_at at time zone 'UTC', 'YYYY-MM-DD'),
            case v_report.kind when 'journey_report' then 'html' when 'gpx' then 'gpx' when 'export' then 'zip' else 'json' end
        ),
        'media_type', v_report.media_type,
        'base64', translate(encode(v_report.content, 'base64'), E'\n', '')
    );
end
$$;

comment on function core.report_content(uuid, uuid) is
'A report that is ready: file_name, media_type and the file in base64. SR111 where it is not ready yet, or failed.';
revoke all on function core.report_content(uuid, uuid) from public;
grant execute on function core.report_content(uuid, uuid) to saferoute_api;

-- source: sql/functions/reports/report_summary.sql sha256:74ceee06ed3b1307eddfbcf2aafdb7c4fc6f9928b7f4be841fd6ddcb5643cb7d
create or replace function core.report_summary(p_report core.reports) returns json
language sql immutable parallel safe security invoker
as $$
select json_build_object(
    'report_id', p_report.report_id,
    'kind', p_report.kind,
    'state', p_report.state,
    'done', p_report.done,
    'total', p_report.total,
    'error', p_report.error,
    'media_type', p_report.media_type,
    'bytes', length(p_report.content),
    'asked_at', p_report.asked_at,
    'ended_at', p_report.ended_at,
    'expires_at', p_report.expires_at
)
$$;

comment on function core.report_summary(core.reports) is
'A report as who asked for it sees it. Inlined, so it has no search_path of its own.';
revoke all on function core.report_summary(core.reports) from public;
grant execute on function core.report_summary(core.reports) to saferoute_api;

-- source: sql/functions/reports/report_total.sql sha256:9739e13288cd9e2818f3585cbe504d06ee6f6d1a64c4bc21ea1b2c581bc14acf
create or replace function core.report_total(p_user_id uuid, p_kind text, p_parameters jsonb) returns integer
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_routes constant jsonb := p_parameters -> 'routes';
    v_most constant integer := 500;
begin
    if jsonb_typeof(p_parameters) is distinct from 'object' then
        perform core.fail('SR018', 'parameters is not a JSON object');
    elsif p_kind in ('journey_report', 'gpx') then
        if coalesce(p_parameters ->> 'journey_id', '') !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
            perform core.fail('SR018', 'parameters.journey_id is not a UUID');
        end if;
        perform core.own_journey(p_user_id, (p_parameters ->> 'journey_id')::uuid);
    elsif p_kind = 'route_safety' then
        if jsonb_typeof(v_routes) is distinct from 'array' then
            perform core.fail('SR018', 'parameters.routes is not an array');
        elsif jsonb_array_length(v_routes) not between 1 and v_most then
            perform core.fail('SR018', format('parameters.routes holds %s, not 1 to %s', jsonb_array_length(v_routes), v_most));
        end if;
        return jsonb_array_length(v_routes);
    elsif coalesce(p_kind <> 'export', true) then
        perform core.fail('SR018', 'kind is none of journey_report, gpx, export and route_safety');
    end if;
    return 1;
end
$$;

comment on function core.report_total(uuid, text, jsonb) is
'How many parts a report has that a person asks for: 1, or as many as there are routes. SR018 where it cannot be made of these parameters, SR002 where the journey is not theirs.';
revoke all on function core.report_total(uuid, text, jsonb) from public;
grant execute on function core.report_total(uuid, text, jsonb) to saferoute_api;

-- source: sql/functions/reports/request_report.sql sha256:73aa15ea1b2c55638fb2135d4c39bf35b555ed2c9f46333269981d3f91031b97
create or replace function core.request_report(
    p_user_id uuid, p_report_id uuid, p_kind text, p_parameters jsonb
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_most constant integer := 50;
    v_parameters constant jsonb := coalesce(p_parameters, '{}');
    v_total integer;
    v_report core.reports;
begin
    if p_report_id is null then
        perform core.fail('SR018', 'report_id is null');
    end if;
    select r.* into v_report from core.reports as r where r.report_id = p_report_id and r.user_id = p_user_id;
    if not found then
        v_total := core.report_total(p_user_id, p_kind, v_parameters);
        if (select count(*) from core.reports as r where r.user_id = p_user_id and r.expires_at > now()) >= v_most then
            perform core.fail('SR097', format('%s reports; they go after 7 days, or with remove_report', v_most));
        end if;
        insert into core.reports as r (report_id, user_id, kind, parameters, total)
        values (p_report_id, p_user_id, p_kind, v_parameters, v_total)
        on conflict (report_id) do nothing
        returning r.* into v_report;
        if found then
            perform core.enqueue_report(p_report_id, p_kind);
        else -- the same call, a moment earlier; or somebody else's, which is not seen
            select r.* into v_report from core.reports as r where r.report_id = p_report_id and r.user_id = p_user_id;
        end if;
    end if;
    if v_report.report_id is null or (v_report.kind, v_report.parameters) is distinct from (p_kind, v_parameters) then
        perform core.fail('SR110', format('report %s', p_report_id));
    end if;
    return core.report_summary(v_report);
end
$$;

comment on function core.request_report(uuid, uuid, text, jsonb) is
'Have a report made for a person; the same call again answers how far it is. SR110 where the id stands for another report, SR097 where they keep 50.';
revoke all on function core.request_report(uuid, uuid, text, jsonb) from public;
grant execute on function core.request_report(uuid, uuid, text, jsonb) to saferoute_api;

-- source: sql/functions/reports/sweep_reports.sql sha256:32c91ede5fbabca13f579ea4dacab4490a843aed9cba265c5a4b6e3ef7e9cc77
create or replace function core.sweep_reports() returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_waiting constant interval := '1 minute';
    v_nudged integer;
begin
    delete from core.reports as r
    where r.ctid = any(array(
        select o.ctid from core.reports as o where o.expires_at <= clock_timestamp() limit 1000 for update skip locked
    ));
    with nudged as (
        update core.reports as r
        set nudged_at = clock_timestamp()
        where r.report_id = any(array(
            select o.report_id
            from core.reports as o
            where o.state in ('queued', 'running') and o.nudged_at <= clock_timestamp() - v_waiting
                and coalesce(o.claimed_until, '-infinity') <= clock_timestamp()
            order by o.nudged_at
            limit 1000
            for update skip locked
        ))
        returning r.report_id, r.kind
    )

    select count(*) into v_nudged from nudged as n cross join lateral core.enqueue_report(n.report_id, n.kind);
    return v_nudged;
end
$$;

comment on function core.sweep_reports() is
'Remove reports that have expired, and queue a task for those that wait although nobody makes them: their task was lost, or its worker. How many were queued.';
revoke all on function core.sweep_reports() from public;
grant execute on function core.sweep_reports() to saferoute_tasks;

-- source: sql/functions/reports/walk_alerts.sql sha256:d47be6d33e12a53e07dfa8c526dd44fe6e2d8da283fecd6797ab710952bac39f
create or replace function core.walk_alerts(p_journey core.journeys) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(core.alert_summary(a)::jsonb || jsonb_build_object('deliveries', (
    select coalesce(jsonb_agg(jsonb_build_object(
        'name', c.name,
        'channel', d.channel,
        -- As core.alert_status has it: what came after the walker cancelled, or was made to, would tell one from the other.
        'state', case
            when d.state = 'failed' then 'failed'
            when d.sent_at is null and u.until < 'infinity' or d.sent_at >= u.until then 'cancelled'
            when d.state = 'acknowledged' and d.acknowledged_at >= u.until then 'sent'
            else d.state
        end,
        'sent_at', case when d.sent_at < u.until then d.sent_at end,
        'delivered_at', case when d.delivered_at < u.until then d.delivered_at end,
        'acknowledged_at', case when d.acknowledged_at < u.until then d.acknowledged_at end
    ) order by d.tier, c.name, d.channel, d.delivery_id), '[]')
    from core.alert_deliveries as d
    left join core.contacts as c on c.contact_id = d.contact_id and c.user_id = a.user_id
    where d.alert_id = a.alert_id and d.kind = 'alert' and d.due_at < u.until
)) order by a.raised_at), '[]')
from core.alerts as a
cross join lateral (select coalesce(a.shown_ended_at, 'infinity') as until) as u
where a.journey_id = p_journey.journey_id and a.user_id = p_journey.user_id
$$;

comment on function core.walk_alerts(core.journeys) is
'The alerts of a walk as its walker may see them, and who was told when. One that was cancelled under duress looks like any that was cancelled: the walker may not be alone when they open the report.';
revoke all on function core.walk_alerts(core.journeys) from public;
grant execute on function core.walk_alerts(core.journeys) to saferoute_tasks;

-- source: sql/functions/reports/walk_facts.sql sha256:2938ed3637fec917e6c879125ac693ab4de5af4282f3a6884d7cb18282a2b76e
create or replace function core.walk_facts(p_user_id uuid, p_journey_id uuid, p_with_map boolean) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.own_journey(p_user_id, p_journey_id);
    v_city core.cities;
    v_srid integer;
    v_track record;
    v_path geometry;
    v_map json;
begin
    select
        count(*) as points,
        min(p.recorded_at) as since,
        max(p.recorded_at) as until,
        json_agg(json_build_array(st_x(p.geom), st_y(p.geom), p.recorded_at) order by p.recorded_at) as positions,
        st_makeline(p.geom order by p.recorded_at) as line
    into v_track
    from core.walk_points(v_journey) as p;
    if v_track.points = 0 then
        perform core.fail('SR021', format('journey %s', p_journey_id));
    elsif v_track.points = 1 then
        v_track.line := st_addpoint(v_track.line, st_startpoint(v_track.line)); -- a line has two positions
    end if;
    select c.* into v_city
    from core.cities as c
    where c.walkable_bounds && v_journey.origin
    order by st_area(c.walkable_bounds), c.city_id
    limit 1;
    v_srid := coalesce(v_city.utm_srid, core.utm_srid(v_journey.origin));
    if p_with_map then
        -- 2 m are less than a GPS knows and leave a tenth of the positions.
        v_path := st_simplify(st_transform(v_track.line, v_srid), 2, true);
        v_map := core.walk_map(v_city, v_path, v_track.since);
    end if;
    return json_build_object(
        'journey', core.journey_summary(v_journey),
        'city', v_city.name,
        'time_zone', coalesce(v_city.time_zone, 'UTC'),
        'points', v_track.points,
        'first_point_at', v_track.since,
        'last_point_at', v_track.until,
        'length_m', round(st_length(v_track.line::geography)::numeric, 1),
        'positions', v_track.positions,
        'happenings', (
            select json_agg(json_build_object(
                'at', h.at, 'until', h.until, 'what', h.what, 'state', h.state, 'reason', h.reason, 'is_drill', h.is_drill,
                'lon', st_x(h.geom), 'lat', st_y(h.geom),
                'x', st_x(m.m) - (v_map ->> 'west')::float8, 'y', (v_map ->> 'south')::float8 - st_y(m.m)
            ))
            from core.walk_happenings(v_journey, v_srid) as h cross join lateral st_transform(h.geom, v_srid) as m (m)
        ),
        'alerts', core.walk_alerts(v_journey),
        'data_from', lower(core.city_data_period(v_city.city_id)),
        'data_until', upper(core.city_data_period(v_city.city_id)),
        'map', v_map
    );
end
$$;

comment on function core.walk_facts(uuid, uuid, boolean) is
'Everything that a report of a person''s own walk shows: positions as [lon, lat, time], length (metres on the spheroid), what happened where (x and y are of the map), alerts, and the map where it is asked for. SR002, SR021 where there is nothing to report of.';
revoke all on function core.walk_facts(uuid, uuid, boolean) from public;
grant execute on function core.walk_facts(uuid, uuid, boolean) to saferoute_tasks;

-- source: sql/functions/reports/walk_happenings.sql sha256:5bc3b494d097a0df0597e91579642fdc12fe76975442367348a15d6cbc4964e1
create or replace function core.walk_happenings(p_journey core.journeys, p_utm_srid integer)
returns table (at timestamptz, until timestamptz, what text, state text, reason text, is_drill boolean, geom geometry)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    with happenings as (
        select p_journey.started_at as at, null::timestamptz as until, 'start' as what, null as state, null as reason,
            false as is_drill, p_journey.origin::geometry as geom
        union all
        select p_journey.ended_at, null, 'end', null, null, false, null where p_journey.ended_at is not null
        union all
        select s.since, s.until, s.kind, null, null, false, null from core.walk_pauses(p_journey, p_utm_srid) as s
        union all
        select e.at, null, e.event, e.state, e.reason, false, null
        from core.journey_events as e
        where e.journey_id = p_journey.journey_id and e.user_id = p_journey.user_id and e.event <> 'eta'
            and e.reason is distinct from 'journey_ended' -- that is the end
        union all
        select a.raised_at, null, 'alert', null, a.cause, a.is_drill, a.geom
        from core.alerts as a
        where a.journey_id = p_journey.journey_id and a.user_id = p_journey.user_id
    )

    select h.at, h.until, h.what, h.state, h.reason, h.is_drill, coalesce(h.geom, n.geom)
    from happenings as h
    left join lateral (
        select p.geom from core.walk_points(p_journey) as p
        where h.geom is null and p.recorded_at <= h.at + interval '1 minute'
        order by p.recorded_at desc
        limit 1
    ) as n on true
    order by h.at, h.what;
end
$$;

comment on function core.walk_happenings(core.journeys, integer) is
'What happened on a walk, in order: start, end, stay, gap (of positions), what its watch noted, alert. Each where the walker was then, EPSG:4326; null where no position is known.';
revoke all on function core.walk_happenings(core.journeys, integer) from public;
grant execute on function core.walk_happenings(core.journeys, integer) to saferoute_tasks;

-- source: sql/functions/reports/walk_map.sql sha256:94610df58c6f231aabd9b0c25ebdbe2508768704a8686fde769a3976ad096fa9
create or replace function core.walk_map(p_city core.cities, p_path geometry, p_at timestamptz) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = 'off'
as $$
declare
    v_around_m constant float8 := 150;
    v_srid constant integer := st_srid(p_path);
    v_line constant geometry := st_transform(p_path, 4326);
    v_frame constant geometry := st_expand(
        st_envelope(p_path), greatest(v_around_m, (st_xmax(p_path) - st_xmin(p_path) + st_ymax(p_path) - st_ymin(p_path)) / 20)
    );
    v_west constant float8 := st_xmin(v_frame);
    v_south constant float8 := st_ymin(v_frame);
    v_pieces json;
    v_streets json;
begin
    if p_city.city_id is not null and st_length(v_line::geography) between 1 and 100000 then
        select json_agg(json_build_object(
            'path', st_assvg(st_translate(st_transform(r.geom, v_srid), -v_west, -v_south), 1, 1),
            'length_m', r.to_m - r.from_m,
            'risk', round(r.risk::numeric, 4),
            'covered_share', round(r.known_share::numeric, 2)
        ) order by r.segment)
        into v_pieces
        from core.risk_along(p_city, v_line, p_at) as r;

        select json_object_agg(s.width, s.paths) into v_streets
        from (
            select e.width, string_agg(st_assvg(st_translate(st_transform(e.geom, v_srid), -v_west, -v_south), 1, 0), ' ') as paths
            from (
                select distinct on (e.edge_id)
                    st_simplify(e.geom, 0.00001) as geom,
                    case
                        when e.highway ~ '^(motorway|trunk|primary|secondary|tertiary)' then 'wide'
                        when e.highway in ('footway', 'path', 'steps', 'cycleway', 'track', 'bridleway', 'corridor') then 'narrow'
                        else 'middle'
                    end as width
                -- Near the walk, not in its frame: that of a long walk is a city.
                from st_dumpsegments(st_segmentize(st_simplify(p_path, 20, true), 500)) as d
                inner join core.road_edges as e on e.geom && st_transform(st_expand(d.geom, v_around_m), 4326)
                where e.city_id = p_city.city_id
                order by e.edge_id
                limit 20000
            ) as e
            group by e.width
        ) as s;
    end if;
    return json_build_object(
        'west', v_west,
        'south', v_south,
        'width_m', st_xmax(v_frame) - v_west,
        'height_m', st_ymax(v_frame) - v_south,
        'track', st_assvg(st_translate(p_path, -v_west, -v_south), 1, 1),
        'pieces', coalesce(v_pieces, '[]'),
        'streets', coalesce(v_streets, '{}')
    );
end
$$;

comment on function core.walk_map(core.cities, geometry, timestamptz) is
'What the map of a walk is drawn from, in metres of the UTM zone that p_path is in, as paths of SVG (y grows downwards from the south edge, so it is negative): the streets within 150 m by width, the track, and its pieces with their risk at p_at. No streets and no risk where the walk is in no imported city.';
revoke all on function core.walk_map(core.cities, geometry, timestamptz) from public;
grant execute on function core.walk_map(core.cities, geometry, timestamptz) to saferoute_tasks;

-- source: sql/functions/reports/walk_pauses.sql sha256:58ddaab40702a6d8dce28e407f62ff40a494bd5d61226d9210f86b5fea9fda4f
create or replace function core.walk_pauses(p_journey core.journeys, p_utm_srid integer)
returns table (kind text, since timestamptz, until timestamptz)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_least constant interval := '3 minutes';
    v_extent_m constant float8 := 40;
begin
    return query
    with positions as (
        select p.recorded_at as at, st_x(m.m) as x, st_y(m.m) as y, lag(p.recorded_at) over (order by p.recorded_at) as before
        from core.walk_points(p_journey) as p cross join lateral st_transform(p.geom, p_utm_srid) as m (m)
    ),

    ahead as (
        select p.at, max(p.at) over w as until, max(p.x) over w - min(p.x) over w as width, max(p.y) over w - min(p.y) over w as height
        from positions as p
        window w as (order by p.at range between current row and v_least following)
    ),

    stays as (
        select unnest(range_agg(tstzrange(a.at, a.until, '[]'))) as during
        from ahead as a
        -- Two positions at the ends say nothing of the time between.
        where a.until >= a.at + v_least * 2 / 3 and a.width <= v_extent_m and a.height <= v_extent_m
    )

    select 'stay', lower(s.during), upper(s.during) from stays as s where upper(s.during) - lower(s.during) >= v_least
    union all
    select 'gap', p.before, p.at from positions as p where p.at - p.before > v_least
    order by 2, 1;
end
$$;

comment on function core.walk_pauses(core.journeys, integer) is
'Where a walk stood still or was silent for 3 minutes or more: stay, all positions within 40 m of each other; gap, no position at all.';
revoke all on function core.walk_pauses(core.journeys, integer) from public;
grant execute on function core.walk_pauses(core.journeys, integer) to saferoute_tasks;

-- source: sql/functions/reports/walk_points.sql sha256:281120faa39798dffca2e4df2cf4d1375c178b55eefbfb6534cd664840dda98e
create or replace function core.walk_points(p_journey core.journeys)
returns table (recorded_at timestamptz, geom geometry)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
begin
    return query
    select p.recorded_at, p.geom
    from core.journey_points as p
    where p.journey_id = p_journey.journey_id
        and p.recorded_at >= p_journey.points_from
        and p.recorded_at < p_journey.points_until
        and p.cell = any(p_journey.cells)
    order by p.recorded_at, p.cell;
end
$$;

comment on function core.walk_points(core.journeys) is 'The positions of a walk (EPSG:4326), in order.';
revoke all on function core.walk_points(core.journeys) from public;
grant execute on function core.walk_points(core.journeys) to saferoute_tasks;

-- source: sql/functions/risk/city_data_period.sql sha256:41fbd90f914f3a787d0cd12451f173ed0cf13fe8cdcca1138c5a76d10628c096
create or replace function core.city_data_period(p_city_id integer) returns tstzrange
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select range_merge(range_agg(c.covered_period))
from core.crime_coverage as c
where c.city_id = p_city_id and not isempty(c.covered_period)
$$;

comment on function core.city_data_period(integer) is
'From the first to the last moment that the crimes of a city report on; null where there are none.';
revoke all on function core.city_data_period(integer) from public;
grant execute on function core.city_data_period(integer) to saferoute_api, saferoute_tasks;

-- source: sql/functions/risk/risk_terms.sql sha256:2cb91ffe95af243f1523ee0586c818cbc9daff6bfe6534ff05b7894a4c4d99f1
create or replace function core.risk_terms(
    p_city_id integer, p_at timestamptz,
    out all_factors float8[], out street_factors float8[], out mean_risk float8
)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    select f.all_factors, f.street_factors, f.mean_risk
    into all_factors, street_factors, mean_risk
    from core.cities as c
    inner join core.risk_factors as f on f.city_id = c.city_id and f.week_hour = core.week_hour(p_at, c.time_zone)
    where c.city_id = p_city_id;
    if not found then
        all_factors := '{}';
        street_factors := '{}';
        mean_risk := 0;
    end if;
end
$$;

comment on function core.risk_terms(integer, timestamptz) is
'What core.link_risk turns the densities of a city''s links into risk at a time with: factors by neighbourhood, and the mean risk where a density is unknown. Empty arrays and 0 where no crime is known.';
revoke all on function core.risk_terms(integer, timestamptz) from public;
grant execute on function core.risk_terms(integer, timestamptz) to saferoute_api, saferoute_tasks;

-- source: sql/functions/risk/week_hour.sql sha256:a7b253f5fa87bb6fd1216025898ac32650151d02529eee058fa8639807b671c0
create or replace function core.week_hour(p_at timestamptz, p_time_zone text) returns integer
language sql stable parallel safe security invoker
as $$
select (1 + date_part('hour', p_at at time zone p_time_zone)
    + case when date_part('isodow', p_at at time zone p_time_zone) >= 6 then 24 else 0 end)::integer
$$;

comment on function core.week_hour(timestamptz, text) is
'The hour of the local clock, weekdays apart from weekends: 1 to 24 from midnight on Monday to Friday, 25 to 48 on Saturday and Sunday. Inlined, so it has no search_path of its own and is not strict.';
revoke all on function core.week_hour(timestamptz, text) from public;
grant execute on function core.week_hour(timestamptz, text) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/geojson_line.sql sha256:6f48764e3d2db0b1b70301ff753dd055558fe7cac4a76a823a7a527678bd8a08
create or replace function core.geojson_line(p_geojson text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_geometry jsonb;
    v_positions jsonb;
begin
    v_geometry := p_geojson::jsonb;
    if v_geometry ->> 'type' = 'Feature' then
        v_geometry := v_geometry -> 'geometry';
    end if;
    v_positions := v_geometry -> 'coordinates';
    if v_geometry ->> 'type' is distinct from 'LineString' or jsonb_typeof(v_positions) is distinct from 'array' then
        perform core.fail('SR016', 'not a GeoJSON LineString, nor a Feature of one');
    end if;
    if jsonb_array_length(v_positions) > 5000 then
        perform core.fail('SR017', format('%s positions', jsonb_array_length(v_positions)));
    end if;
    if exists (
        select from jsonb_array_elements(v_positions) as p
        where jsonb_typeof(p -> 0) is distinct from 'number' or jsonb_typeof(p -> 1) is distinct from 'number'
    ) then
        perform core.fail('SR016', 'a position is not [lon, lat]');
    end if;
    return (
        select st_makeline(core.position((p.p ->> 0)::float8, (p.p ->> 1)::float8) order by p.i)
        from jsonb_array_elements(v_positions) with ordinality as p (p, i)
    );
exception
    when data_exception or statement_too_complex then  -- the latter: nested too deep to be read
        perform core.fail('SR016', sqlerrm);
end
$$;

comment on function core.geojson_line(text) is
'The line (EPSG:4326) of a GeoJSON LineString or a Feature of one, at most 5,000 positions; SR016, SR017 or SR010 where it is none.';
revoke all on function core.geojson_line(text) from public;
grant execute on function core.geojson_line(text) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/link_risk.sql sha256:7ebd8936fd614f5f93b4a47ae862a4d0ed4ca9804c2d1600509b631e20f6ac0d
create or replace function core.link_risk(
    p_all_density float8,
    p_street_density float8,
    p_neighbourhood smallint,
    p_all_factors float8[],
    p_street_factors float8[],
    p_mean_risk float8
) returns float8
language sql immutable parallel safe security invoker
as $$
-- coalesce comes first: least() passes over a null, and unknown would be the highest risk. Sums kept up by
-- differences may end a rounding error below 0.
select least(1, greatest(0, coalesce(
    p_all_density * p_all_factors[p_neighbourhood] + p_street_density * p_street_factors[p_neighbourhood],
    p_mean_risk)))
$$;

comment on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) is
'Risk of a road link, 0 to 1 (the 95th percentile of its city): its densities times the factors of core.risk_terms; the mean risk where it is unknown. Inlined, so it has no search_path of its own.';
revoke all on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) from public;
grant execute on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/polyline_route.sql sha256:52311287420f5d7cc08dd4baf6f6cb6bf3e9ffcc0ee43cdbaba9d0f8cd3b8c66
create or replace function core.polyline_route(p_encoded text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- 14 characters are the longest position.
    if length(p_encoded) > 14 * 5000 then
        perform core.fail('SR017', format('%s characters', length(p_encoded)));
    end if;
    for v_precision in 5..6 loop
        begin
            v_line := core.decode_polyline(p_encoded, v_precision);
            exit when exists (select from core.cities as c where c.walkable_bounds && st_startpoint(v_line));
        exception
            when sqlstate 'SR010' then null;
        end;
    end loop;
    if v_line is null then
        perform core.fail('SR016', 'the line leaves the Earth with precision 5 and with 6');
    end if;
    return v_line;
end
$$;

comment on function core.polyline_route(text) is
'The line (EPSG:4326) of an encoded polyline: of precision 5 where it begins in an imported city, otherwise of precision 6; the two differ tenfold, so one of them is far away.';
revoke all on function core.polyline_route(text) from public;
grant execute on function core.polyline_route(text) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/read_route.sql sha256:cfadcc51468e7e4b04c7d8343d027bd4f75fb8c5b43a907f211769935da58e4d
create or replace function core.read_route(p_route text) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- No polyline holds a quotation mark, and no GeoJSON is without one.
    v_line := case when p_route like '%"%' then core.geojson_line(p_route) else core.polyline_route(p_route) end;
    if coalesce(st_npoints(v_line), 0) > 5000 then
        perform core.fail('SR017', format('%s positions', st_npoints(v_line)));
    end if;
    if coalesce(st_length(v_line), 0) = 0 then
        perform core.fail('SR016', 'it has no length');
    end if;
    if st_length(v_line::geography) > 100000 then
        perform core.fail('SR018', format('route: %s km long, at most 100', round(st_length(v_line::geography) / 1000)));
    end if;
    return v_line;
end
$$;

comment on function core.read_route(text) is
'The line (EPSG:4326) of a route given as GeoJSON or as an encoded polyline: at most 5,000 positions and 100 km.';
revoke all on function core.read_route(text) from public;
grant execute on function core.read_route(text) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/risk_along.sql sha256:da604cda56b9a9c4989002c14bc056752e374b55a4b3e8bf7560a8c71580fe99
create or replace function core.risk_along(p_city core.cities, p_line geometry, p_at timestamptz)
returns table (segment integer, from_m float8, to_m float8, risk float8, known_share float8, geom geometry)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
set jit = 'off'
as $$
declare
    v_samples constant integer := 4;
    v_reach_m constant float8 := 30;
    v_length_m constant float8 := st_length(p_line::geography);
    v_line constant geometry := st_transform(p_line, p_city.utm_srid);
begin
    return query
    with segments as (
        select s.segment, 100.0::float8 * s.segment as from_m, least(100.0::float8 * (s.segment + 1), v_length_m) as to_m
        from generate_series(0, ceil(v_length_m / 100)::integer - 1) as s (segment)
    ),

    samples as (
        select s.segment, st_lineinterpolatepoint(
            v_line, least(1, (s.from_m + (k.k + 0.5) / v_samples * (s.to_m - s.from_m)) / v_length_m)) as at
        from segments as s cross join generate_series(0, v_samples - 1) as k (k)
    ),

    risks as (
        select s.segment, avg(coalesce(n.risk, t.mean_risk)) as risk, avg(coalesce(n.is_known, 0)) as known_share
        from samples as s
        cross join core.risk_terms(p_city.city_id, p_at) as t
        left join lateral (
            select
                core.link_risk(
                    l.all_density, l.street_density, l.neighbourhood, t.all_factors, t.street_factors, t.mean_risk
                ) as risk,
                (l.all_density is not null)::integer as is_known
            from core.road_links as l inner join core.road_edges as e on e.edge_id = l.edge_id
            where l.city_id = p_city.city_id and l.bounds && box(st_expand(s.at, v_reach_m))
            order by st_distance(st_transform(e.geom, p_city.utm_srid), s.at)
            limit 1
        ) as n on true
        group by s.segment
    )

    select s.segment, s.from_m, s.to_m, r.risk, r.known_share::float8,
        st_linesubstring(p_line, s.from_m / v_length_m, least(1, s.to_m / v_length_m))
    from segments as s inner join risks as r on r.segment = s.segment
    order by s.segment;
end
$$;

comment on function core.risk_along(core.cities, geometry, timestamptz) is
'Risk at p_at along any line (EPSG:4326) in pieces of 100 m, the last one shorter: each is sampled four times, and a sample has the risk of the nearest road link within about 30 m, or the city''s mean where there is none or no source reports.';
revoke all on function core.risk_along(core.cities, geometry, timestamptz) from public;
grant execute on function core.risk_along(core.cities, geometry, timestamptz) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/risk_at.sql sha256:f2698325f2dd744ee562f62def8eb21cd922feb9fecfacbb65ad8abe982c23f6
create or replace function core.risk_at(p_position geometry, p_at timestamptz) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_nearest record;
    v_terms record;
    v_link core.road_links;
    v_is_known boolean;
    v_period tstzrange;
begin
    perform core.check_time(p_at);
    v_city := core.city_at(p_position);
    v_nearest := core.snap_position(v_city, p_position);
    v_terms := core.risk_terms(v_city.city_id, p_at);
    select l.* into v_link from core.road_links as l where l.edge_id = v_nearest.edge_id;
    v_is_known := v_link.all_density is not null;
    v_period := core.city_data_period(v_city.city_id);
    return json_build_object(
        'risk', case
            when v_is_known then round(core.link_risk(
                v_link.all_density, v_link.street_density, v_link.neighbourhood,
                v_terms.all_factors, v_terms.street_factors, v_terms.mean_risk)::numeric, 4)
        end,
        'is_known', v_is_known,
        'city_mean_risk', case when v_period is not null then round(v_terms.mean_risk::numeric, 4) end,
        'street', (select core.street_name(e.name, e.highway) from core.road_edges as e where e.edge_id = v_nearest.edge_id),
        'distance_m', round(v_nearest.distance_m::numeric, 1),
        'city', v_city.name,
        'local_time', to_char(p_at at time zone v_city.time_zone, 'YYYY-MM-DD"T"HH24:MI'),
        'data_from', lower(v_period),
        'data_until', upper(v_period)
    );
end
$$;

comment on function core.risk_at(geometry, timestamptz) is
'The risk (0 to 1) of the street nearest to a position (EPSG:4326) at a time; null, with is_known false, where no source reports. SR011 beyond 300 m of any street.';
revoke all on function core.risk_at(geometry, timestamptz) from public;
grant execute on function core.risk_at(geometry, timestamptz) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/route_safety.sql sha256:6c77bdc9e28a9c29181fac92239cec2b160760badb8333d4a53f11c16ec76420
create or replace function core.route_safety(p_route text, p_at timestamptz) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line constant geometry := core.read_route(p_route);
    v_city core.cities;
    v_period tstzrange;
    v_answer json;
begin
    perform core.check_time(p_at);
    v_city := core.city_at(st_startpoint(v_line));
    v_period := core.city_data_period(v_city.city_id);
    select json_build_object(
        'score', case when max(s.known_share) > 0
            then round((100 * (1 - sum(s.risk * (s.to_m - s.from_m)) / max(s.to_m)))::numeric) end,
        'risk', round((sum(s.risk * (s.to_m - s.from_m)) / max(s.to_m))::numeric, 4),
        'exposure', round(sum(s.risk * (s.to_m - s.from_m))::numeric, 1),
        'covered_share', round((sum(s.known_share * (s.to_m - s.from_m)) / max(s.to_m))::numeric, 4),
        'length_m', round(max(s.to_m)::numeric, 1),
        'city', v_city.name,
        'local_time', to_char(p_at at time zone v_city.time_zone, 'YYYY-MM-DD"T"HH24:MI'),
        'data_from', lower(v_period),
        'data_until', upper(v_period),
        'method', 'score = 100 * (1 - risk); risk of the nearest street every 25 m, weighed by length',
        'segments', json_agg(json_build_object(
            'from_m', round(s.from_m::numeric, 1),
            'to_m', round(s.to_m::numeric, 1),
            'risk', round(s.risk::numeric, 4),
            'covered_share', round(s.known_share::numeric, 2),
            'geometry', st_asgeojson(s.geom, 6)::json) order by s.segment))
    into v_answer
    from core.risk_along(v_city, v_line, p_at) as s;
    return v_answer;
end
$$;

comment on function core.route_safety(text, timestamptz) is
'The answer of api.route_safety for a route given as GeoJSON or as an encoded polyline.';
revoke all on function core.route_safety(text, timestamptz) from public;
grant execute on function core.route_safety(text, timestamptz) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/snap_position.sql sha256:084cf704b52a332ba2d5dc19914dc47f842c7715e039744e2701f94ab8e33564
create or replace function core.snap_position(
    p_city core.cities,
    p_position geometry,
    out edge_id bigint,
    out fraction float8,
    out distance_m float8
)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_reach_m constant float8 := 300;
    v_at constant geometry := st_transform(p_position, p_city.utm_srid);
    v_point constant point := v_at::point;
    -- A cursor, since the planner counts on reading only its beginning: it walks the index outwards from the position.
    v_nearest_first cursor for
        select l.edge_id, l.bounds <-> v_point as box_distance_m
        from core.road_links as l
        where l.city_id = p_city.city_id
        order by l.bounds <-> v_point;
    v_line geometry;
begin
    -- The box of an edge is never farther than the edge: once boxes are farther than the nearest edge, it is final. Lines
    -- are looked up one by one, for a handful of links: with a join hundreds were transformed, in 8 ms.
    for v_near in v_nearest_first loop
        exit when v_near.box_distance_m >= coalesce(distance_m, v_reach_m);
        select st_transform(e.geom, p_city.utm_srid) into strict v_line
        from core.road_edges as e
        where e.edge_id = v_near.edge_id;
        if st_distance(v_line, v_at) < coalesce(distance_m, v_reach_m) then
            edge_id := v_near.edge_id;
            fraction := st_linelocatepoint(v_line, v_at);
            distance_m := st_distance(v_line, v_at);
        end if;
    end loop;
    if edge_id is null then
        perform core.fail('SR011', st_astext(p_position));
    end if;
end
$$;

comment on function core.snap_position(core.cities, geometry) is
'Where a walk from p_position (EPSG:4326) begins: the nearest point along the nearest edge of the largest component, as the fraction of the edge from its source; SR011 beyond 300 m.';
revoke all on function core.snap_position(core.cities, geometry) from public;
grant execute on function core.snap_position(core.cities, geometry) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/street_name.sql sha256:734944b8a1892eeec11a278cc621abbdc28a4ae1e4d7a6ffea1a205b6eb89c15
create or replace function core.street_name(p_name text, p_highway text) returns text
language sql immutable parallel safe security invoker
as $$
select coalesce(p_name, case p_highway
    when 'footway' then 'the footpath'
    when 'path' then 'the path'
    when 'steps' then 'the steps'
    when 'track' then 'the track'
    when 'cycleway' then 'the cycle path'
    when 'pedestrian' then 'the pedestrian street'
    when 'service' then 'the service road'
    else 'the unnamed street' end)
$$;

comment on function core.street_name(text, text) is
'What a street is called in instructions: its name, or what it is by its OSM highway tag. Inlined, so it has no search_path of its own.';
revoke all on function core.street_name(text, text) from public;
grant execute on function core.street_name(text, text) to saferoute_api, saferoute_tasks;

-- source: sql/functions/routing/walking_speed.sql sha256:e4ad04e828eb049844807be4f8eb4594c4eff534e9eb7c7a85dacb377796b4e5
create or replace function core.walking_speed() returns float8
language sql immutable parallel safe security invoker
as $$
select 1.33::float8
$$;

comment on function core.walking_speed() is
'Metres per second that durations are told with: 4.8 km/h, an unhurried adult. Inlined, so it has no search_path of its own.';
revoke all on function core.walking_speed() from public;
grant execute on function core.walking_speed() to saferoute_api, saferoute_tasks;

-- source: sql/functions/tasks/claim_delivery.sql sha256:9e2b0e67b33253ff153d7763c1381450fb0aee6dfe15a8fdd0f53e0a5a044abf
create or replace function tasks.claim_delivery(p_delivery_id uuid, p_lease interval default '10 s') returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.claim_delivery(p_delivery_id, p_lease)
$$;

comment on function tasks.claim_delivery(uuid, interval) is
'Take a delivery that is due, for p_lease: what is to be sent, or null where there is nothing to do.';
alter function tasks.claim_delivery(uuid, interval) owner to saferoute_tasks;
revoke all on function tasks.claim_delivery(uuid, interval) from public;
grant execute on function tasks.claim_delivery(uuid, interval) to worker;

-- source: sql/functions/tasks/claim_message.sql sha256:85dace7ab997fc82deaae0d89890464ae34a750932812a1a5d15f2baa9bf08e5
create or replace function tasks.claim_message(p_message_id uuid, p_lease interval default '10 s') returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.claim_message(p_message_id, p_lease)
$$;

comment on function tasks.claim_message(uuid, interval) is
'Take a message that is due, for p_lease: what is to be sent, or null where there is nothing to do.';
alter function tasks.claim_message(uuid, interval) owner to saferoute_tasks;
revoke all on function tasks.claim_message(uuid, interval) from public;
grant execute on function tasks.claim_message(uuid, interval) to worker;

-- source: sql/functions/tasks/claim_report.sql sha256:c4a4ea5691cf2390e3c3ca59c625459c74565989c8c3dbea62be94f7e05188c7
create or replace function tasks.claim_report(p_report_id uuid, p_lease interval default '2 minutes') returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.claim_report(p_report_id, p_lease)
$$;

comment on function tasks.claim_report(uuid, interval) is
'Take a report to make it: report_id, user_id, kind, parameters, claim_id, asked_at. Null where there is nothing to do.';
alter function tasks.claim_report(uuid, interval) owner to saferoute_tasks;
revoke all on function tasks.claim_report(uuid, interval) from public;
grant execute on function tasks.claim_report(uuid, interval) to worker;

-- source: sql/functions/tasks/enqueue_task.sql sha256:e24d61c025f9f003d247eae91edf41feff65bdc2bb046c2cbd9f4aa93accafe6
create or replace function core.enqueue_task(
    p_queue text, p_task text, p_arguments jsonb, p_delay interval default '0'
) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id text := gen_random_uuid();
    -- Celery's message, protocol 2: positional arguments, named ones, what follows the task.
    v_body text := json_build_array(
        p_arguments, '{}'::json, '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'::json
    );
begin
    perform pgmq.send(
        p_queue,
        jsonb_build_object(
            'body', translate(encode(convert_to(v_body, 'UTF8'), 'base64'), e'\n', ''),
            'content-type', 'application/json',
            'content-encoding', 'utf-8',
            'headers', jsonb_build_object(
                'lang', 'py', 'task', p_task, 'id', v_id, 'root_id', v_id, 'parent_id', null, 'group', null,
                'retries', 0, 'eta', null, 'expires', null, 'timelimit', '[null, null]'::jsonb, 'ignore_result', true
            ),
            'properties', jsonb_build_object(
                'correlation_id', v_id, 'reply_to', '', 'delivery_mode', 2, 'priority', 0,
                'delivery_tag', gen_random_uuid(), 'body_encoding', 'base64',
                'delivery_info', jsonb_build_object('exchange', '', 'routing_key', p_queue)
            )
        ),
        clock_timestamp() + p_delay
    );
end
$$;

comment on function core.enqueue_task(text, text, jsonb, interval) is
'Have a worker run p_task with p_arguments (a JSON array), once this transaction has committed and p_delay has passed: a message of Celery in the queue alarm, default or bulk. It is a nudge and may get lost: what must happen stands in a row that a sweep finds.';
revoke all on function core.enqueue_task(text, text, jsonb, interval) from public;
grant execute on function core.enqueue_task(text, text, jsonb, interval)
to saferoute_api, saferoute_auth, saferoute_tasks;

-- source: sql/functions/tasks/escalate.sql sha256:d5260d45d09b1f1b16c37b1c2b6b50d041ed2270c49a46585efd58a743263a52
create or replace function tasks.escalate() returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.escalate(100)
$$;

comment on function tasks.escalate() is
'Have those told whose turn it is, of up to 100 alerts; how many there were. Where there are more, a task for them is queued.';
alter function tasks.escalate() owner to saferoute_tasks;
revoke all on function tasks.escalate() from public;
grant execute on function tasks.escalate() to worker;

-- source: sql/functions/tasks/fail_report.sql sha256:6619f302f399b988dbe18f15041b6216f602c64446c0f4d775c14814c4a4b007
create or replace function tasks.fail_report(p_claim_id uuid, p_error text, p_retry_after interval default null) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.fail_report(p_claim_id, p_error, p_retry_after)
$$;

comment on function tasks.fail_report(uuid, text, interval) is
'Note why a report cannot be made: at all, or not before p_retry_after; false where it is not the caller''s any more.';
alter function tasks.fail_report(uuid, text, interval) owner to saferoute_tasks;
revoke all on function tasks.fail_report(uuid, text, interval) from public;
grant execute on function tasks.fail_report(uuid, text, interval) to worker;

-- source: sql/functions/tasks/finish_report.sql sha256:013e356a05efe8fbfdde99aa92d623122a3fe343b4a5457519c6a9b8a4ef7f02
create or replace function tasks.finish_report(p_claim_id uuid, p_media_type text, p_content bytea) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.finish_report(p_claim_id, p_media_type, p_content)
$$;

comment on function tasks.finish_report(uuid, text, bytea) is
'Keep a report that is made; false where it is not the caller''s any more.';
alter function tasks.finish_report(uuid, text, bytea) owner to saferoute_tasks;
revoke all on function tasks.finish_report(uuid, text, bytea) from public;
grant execute on function tasks.finish_report(uuid, text, bytea) to worker;

-- source: sql/functions/tasks/message_template.sql sha256:5041de89b120330a8beede978cb3a5b9827cd99aade2b088f674766c2bc1750f
create or replace function tasks.message_template(p_template text, p_channel text, p_language text) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.message_template(message_template.p_template, message_template.p_channel, message_template.p_language)
$$;

comment on function tasks.message_template(text, text, text) is
'Text of a message: {subject, body}, in English where the language has none; null where there is no such template.';
alter function tasks.message_template(text, text, text) owner to saferoute_tasks;
revoke all on function tasks.message_template(text, text, text) from public;
grant execute on function tasks.message_template(text, text, text) to worker, authenticator;

-- source: sql/functions/tasks/note_failed.sql sha256:ad516e8b8bf2349ce4bf8048e89f9779ca470a6bc580ae208db0922d7e9c374f
create or replace function tasks.note_failed(p_claim_id uuid, p_error text, p_retry_after_s float8, p_is_final boolean) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_failed(p_claim_id, p_error, p_retry_after_s, p_is_final)
$$;

comment on function tasks.note_failed(uuid, text, float8, boolean) is
'Note that an attempt failed; another follows, unless it is final or there were enough. False where another has it by now.';
alter function tasks.note_failed(uuid, text, float8, boolean) owner to saferoute_tasks;
revoke all on function tasks.note_failed(uuid, text, float8, boolean) from public;
grant execute on function tasks.note_failed(uuid, text, float8, boolean) to worker;

-- source: sql/functions/tasks/note_inbox_read.sql sha256:1b2520bf276a9e0ca264792420a535cc3b20a3a01ecd61df13b3a43c42d41215
create or replace function tasks.note_inbox_read(p_user_id uuid, p_sequence bigint) returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_inbox_read(p_user_id, p_sequence)
$$;

comment on function tasks.note_inbox_read(uuid, bigint) is
'For the live gateway: an account has seen its inbox up to that sequence.';
alter function tasks.note_inbox_read(uuid, bigint) owner to saferoute_tasks;
revoke all on function tasks.note_inbox_read(uuid, bigint) from public;
grant execute on function tasks.note_inbox_read(uuid, bigint) to authenticator;

-- source: sql/functions/tasks/note_keypress.sql sha256:ea299008d8c84acfe785dc9c35de11554f77e6e09e8ec9252a5fd2ac4f659851
create or replace function tasks.note_keypress(p_delivery_id uuid, p_digits text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_keypress(p_delivery_id, p_digits)
$$;

comment on function tasks.note_keypress(uuid, text) is
'A key pressed in a call, whose signature the caller has checked: result acknowledged, ended, not_understood or unknown, with language, from_name and drill for what to say.';
alter function tasks.note_keypress(uuid, text) owner to saferoute_tasks;
revoke all on function tasks.note_keypress(uuid, text) from public;
grant execute on function tasks.note_keypress(uuid, text) to authenticator;

-- source: sql/functions/tasks/note_message_failed.sql sha256:b2b5b0a434899287feef223ede8ba8a6243aeef0f174abacfa27aafebe931eff
create or replace function tasks.note_message_failed(p_claim_id uuid, p_error text, p_retry_after_s float8, p_is_final boolean) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_message_failed(p_claim_id, p_error, p_retry_after_s, p_is_final)
$$;

comment on function tasks.note_message_failed(uuid, text, float8, boolean) is
'Note that an attempt to send a message failed; another follows, unless it is final, there were enough, or it would come too late.';
alter function tasks.note_message_failed(uuid, text, float8, boolean) owner to saferoute_tasks;
revoke all on function tasks.note_message_failed(uuid, text, float8, boolean) from public;
grant execute on function tasks.note_message_failed(uuid, text, float8, boolean) to worker;

-- source: sql/functions/tasks/note_message_sent.sql sha256:291ca7a3ba6400d1757491282c7cc4f05aca372e33c09472c598793496f7ebf3
create or replace function tasks.note_message_sent(p_claim_id uuid, p_provider text, p_provider_id text) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_message_sent(p_claim_id, p_provider, p_provider_id)
$$;

comment on function tasks.note_message_sent(uuid, text, text) is
'Note that the provider has the message of a claim; false where another has it by now.';
alter function tasks.note_message_sent(uuid, text, text) owner to saferoute_tasks;
revoke all on function tasks.note_message_sent(uuid, text, text) from public;
grant execute on function tasks.note_message_sent(uuid, text, text) to worker;

-- source: sql/functions/tasks/note_provider_status.sql sha256:18e17b4398f2167e2914541ab80c203c03ef0b43c17bf9ab9c265f0c8a7ceed9
create or replace function tasks.note_provider_status(
    p_provider text, p_provider_id text, p_status text, p_delivery_id uuid default null
) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_provider_status(p_provider, p_provider_id, p_status, p_delivery_id)
$$;

comment on function tasks.note_provider_status(text, text, text, uuid) is
'Note what a provider says has become of a message: sent, delivered, read or failed; false where no message is meant (yet). p_delivery_id is the idempotency key, where the provider gives it back.';
alter function tasks.note_provider_status(text, text, text, uuid) owner to saferoute_tasks;
revoke all on function tasks.note_provider_status(text, text, text, uuid) from public;
grant execute on function tasks.note_provider_status(text, text, text, uuid) to authenticator;

-- source: sql/functions/tasks/note_reply.sql sha256:40a2eabc18585f1b5385d93d2b6c79b478c2f87803327a4a17ba393ce40e6648
create or replace function tasks.note_reply(p_provider text, p_from text, p_text text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_reply(p_provider, p_from, p_text)
$$;

comment on function tasks.note_reply(text, text, text) is
'A text that a provider got from p_from (E.164), whose signature the caller has checked: result acknowledged, ended, not_understood or unknown, with language, from_name and drill for what to answer.';
alter function tasks.note_reply(text, text, text) owner to saferoute_tasks;
revoke all on function tasks.note_reply(text, text, text) from public;
grant execute on function tasks.note_reply(text, text, text) to authenticator;

-- source: sql/functions/tasks/note_report_progress.sql sha256:74c63f8a138f39ff68036f2bdae1dc1f125619178f2facf2367cd065f2736716
create or replace function tasks.note_report_progress(p_claim_id uuid, p_done integer, p_lease interval default '2 minutes') returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_report_progress(p_claim_id, p_done, p_lease)
$$;

comment on function tasks.note_report_progress(uuid, integer, interval) is
'Note how many parts of a report are done, and keep it longer; false where it is not the caller''s any more.';
alter function tasks.note_report_progress(uuid, integer, interval) owner to saferoute_tasks;
revoke all on function tasks.note_report_progress(uuid, integer, interval) from public;
grant execute on function tasks.note_report_progress(uuid, integer, interval) to worker;

-- source: sql/functions/tasks/note_sent.sql sha256:a2df6c7961baa3ab0c8f57dbe7dad9e7d43351b3bf52edc5792a8768f562769b
create or replace function tasks.note_sent(p_claim_id uuid, p_provider text, p_provider_id text) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_sent(p_claim_id, p_provider, p_provider_id)
$$;

comment on function tasks.note_sent(uuid, text, text) is
'Note that the provider has the message of a claim; false where another has it by now.';
alter function tasks.note_sent(uuid, text, text) owner to saferoute_tasks;
revoke all on function tasks.note_sent(uuid, text, text) from public;
grant execute on function tasks.note_sent(uuid, text, text) to worker;

-- source: sql/functions/tasks/nudge.sql sha256:23b378b9080cb346c92e28bd5a8d1622dc332e485e28de240b5eb6b7cfe0e4ba
create or replace function tasks.nudge(p_limit integer) returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.nudge(p_limit)
$$;

comment on function tasks.nudge(integer) is
'Queue a task for what is due and unclaimed, up to p_limit deliveries and messages; how many there were.';
alter function tasks.nudge(integer) owner to saferoute_tasks;
revoke all on function tasks.nudge(integer) from public;
grant execute on function tasks.nudge(integer) to worker;

-- source: sql/functions/tasks/queue_state.sql sha256:f9c6a2b1b52f72e8626606997b4b7363e18e2aba34e932b2f69c6940d83dcbd3
create or replace function tasks.queue_state() returns json
language sql stable parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.queue_state()
$$;

comment on function tasks.queue_state() is
'How work stands: tasks, deliveries and messages that wait, and for how long, and dead letters.';
alter function tasks.queue_state() owner to saferoute_tasks;
revoke all on function tasks.queue_state() from public;
grant execute on function tasks.queue_state() to worker;

-- source: sql/functions/tasks/report_facts.sql sha256:e8081efca6ba70b8142297bf4a3f2dfeee4c117f4421f269257d6c6425c2f057
create or replace function tasks.report_facts(p_claim_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.claimed_walk_facts(p_claim_id)
$$;

comment on function tasks.report_facts(uuid) is
'Everything that a report of a walk shows: core.walk_facts. Null where the claim is over.';
alter function tasks.report_facts(uuid) owner to saferoute_tasks;
revoke all on function tasks.report_facts(uuid) from public;
grant execute on function tasks.report_facts(uuid) to worker;

-- source: sql/functions/tasks/route_safety.sql sha256:b84a2314cddfaeef1301c7126a3f98a9a9c7c3042747de2b3fc3a7fc4ced5a9b
create or replace function tasks.route_safety(p_route text, p_at timestamptz default now()) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.route_safety(p_route, coalesce(p_at, now()))
$$;

comment on function tasks.route_safety(text, timestamptz) is
'What api.route_safety says of one route of a report.';
alter function tasks.route_safety(text, timestamptz) owner to saferoute_tasks;
revoke all on function tasks.route_safety(text, timestamptz) from public;
grant execute on function tasks.route_safety(text, timestamptz) to worker;

-- source: sql/functions/tasks/sound_alarm.sql sha256:ee8a77f91342b6621df302386072d8a98a344aebad1d5274b39f760a8219865e
create or replace function tasks.sound_alarm(p_now timestamptz default null) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.sound_alarm(p_now)
$$;

comment on function tasks.sound_alarm(timestamptz) is
'Raise the alert of one watched walk that tasks.sweep_journeys has left for this: {journey_id, alert_id}, null where there is none. Each in a transaction of its own. p_now: the time for tests, now where it is null.';
alter function tasks.sound_alarm(timestamptz) owner to saferoute_tasks;
revoke all on function tasks.sound_alarm(timestamptz) from public;
grant execute on function tasks.sound_alarm(timestamptz) to worker;

-- source: sql/functions/tasks/sweep_journeys.sql sha256:6adc32d5170e890e1368569724ef9783c89c589d2149214af3a034202f6337ac
create or replace function tasks.sweep_journeys(p_now timestamptz default null, p_limit integer default 500) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.sweep_journeys(p_now, p_limit)
$$;

comment on function tasks.sweep_journeys(timestamptz, integer) is
'Look at watched walks that are due: {looked, changed, is_more}. Call it again while is_more, and then tasks.sound_alarm until it finds none. p_now: the time for tests, now where it is null.';
alter function tasks.sweep_journeys(timestamptz, integer) owner to saferoute_tasks;
revoke all on function tasks.sweep_journeys(timestamptz, integer) from public;
grant execute on function tasks.sweep_journeys(timestamptz, integer) to worker;

-- source: sql/functions/tasks/sweep_reports.sql sha256:e658099b5207dccaf139243667ee64a44068696e16e00b84df45e38b6212ef19
create or replace function tasks.sweep_reports() returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.sweep_reports()
$$;

comment on function tasks.sweep_reports() is
'Remove reports that have expired, and queue tasks for those that nobody makes; how many were queued.';
alter function tasks.sweep_reports() owner to saferoute_tasks;
revoke all on function tasks.sweep_reports() from public;
grant execute on function tasks.sweep_reports() to worker;

-- source: sql/functions/tasks/tidy.sql sha256:d26911a21b05aeffdb50ec534d069197af7444c31063e67cf172b51f982596bd
create or replace function tasks.tidy(p_limit integer) returns integer
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.tidy(p_limit)
$$;

comment on function tasks.tidy(integer) is
'Remove entries of inboxes and links to alerts older than 30 days, up to p_limit of each; how many it removed.';
alter function tasks.tidy(integer) owner to saferoute_tasks;
revoke all on function tasks.tidy(integer) from public;
grant execute on function tasks.tidy(integer) to worker;

-- source: sql/functions/tasks/withdraw_by_reply.sql sha256:aca095214bc88d9cf4c43e1990fca18dd73322acd964465bae3f2bdd721ab2f1
create or replace function tasks.withdraw_by_reply(p_number text, p_text text) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.withdraw_by_reply(p_number, p_text)
$$;

comment on function tasks.withdraw_by_reply(text, text) is
'Whether a text from p_number, whose signature the caller has checked, says STOP: then that number is nobodys contact any more.';
alter function tasks.withdraw_by_reply(text, text) owner to saferoute_tasks;
revoke all on function tasks.withdraw_by_reply(text, text) from public;
grant execute on function tasks.withdraw_by_reply(text, text) to authenticator;

-- source: sql/functions/watch/add_geofence.sql sha256:f845e3a1e7a2a835372553e55d92bfb5bce066a9496af1dc699268da5186070d
create or replace function core.add_geofence(
    p_user_id uuid,
    p_journey_id uuid,
    p_geofence_id uuid,
    p_kind text,
    p_name text,
    p_area text,
    p_lon float8,
    p_lat float8,
    p_radius_m float8,
    p_min_risk real
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches := core.own_watch(p_user_id, p_journey_id);
    v_area geometry;
    v_problem text;
begin
    v_problem := case
        when p_geofence_id is null then 'geofence_id is null'
        when not coalesce(p_kind in ('arrive', 'leave', 'enter', 'risk'), false) then 'kind is arrive, leave, enter or risk'
        when length(p_name) not between 1 and 60 then 'name has 1 to 60 characters'
        when p_kind = 'risk' and not coalesce(p_min_risk > 0 and p_min_risk <= 1, false) then 'min_risk is over 0 and at most 1'
        when p_kind = 'risk' and num_nonnulls(p_area, p_lon, p_lat, p_radius_m) > 0 then 'risk has no area'
        when p_kind <> 'risk' and (p_area is null) = (p_radius_m is null) then 'there is either an area or a circle: lon, lat, radius_m'
        when not p_radius_m between 20 and 50000 then 'radius_m is 20 to 50,000'
    end;
    if v_problem is not null then
        perform core.fail('SR018', v_problem);
    end if;
    if p_kind <> 'risk' then
        v_area := coalesce(core.area_of(p_area), st_buffer(core.position(p_lon, p_lat)::geography, p_radius_m)::geometry);
        p_min_risk := null;
    end if;
    insert into core.geofences as g (journey_id, geofence_id, user_id, kind, name, area, min_risk)
    values (p_journey_id, p_geofence_id, p_user_id, p_kind, p_name, v_area, p_min_risk)
    on conflict (journey_id, geofence_id) do update set
        kind = excluded.kind,
        name = excluded.name,
        area = excluded.area,
        min_risk = excluded.min_risk,
        is_inside = null,
        crossed_at = null
    where (g.kind, g.name, g.area, g.min_risk) is distinct from (excluded.kind, excluded.name, excluded.area, excluded.min_risk);
    if (select count(*) from core.geofences as g where g.journey_id = p_journey_id) > 20 then
        perform core.fail('SR097', 'a walk has at most 20 areas');
    end if;
    return core.geofences_of(v_watch);
end
$$;

comment on function core.add_geofence(uuid, uuid, uuid, text, text, text, float8, float8, float8, real) is
'Add an area to a watched walk, or change the one with this id: a polygon, a circle, or streets of a risk. SR097 beyond 20.';
revoke all on function core.add_geofence(uuid, uuid, uuid, text, text, text, float8, float8, float8, real) from public;
grant execute on function core.add_geofence(uuid, uuid, uuid, text, text, text, float8, float8, float8, real) to saferoute_api;

-- source: sql/functions/watch/alarm_id.sql sha256:51ba7db16bde8a5c7b3a36f2f11caff212c4882771fc703506b77c8c0c09a73a
create or replace function core.alarm_id(p_watch core.watches) returns uuid
language sql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
select encode(set_byte(set_byte(
    d.digest, 6, get_byte(d.digest, 6) & 15 | 128 -- version 8: of one's own making
), 8, get_byte(d.digest, 8) & 63 | 128), 'hex')::uuid
from (
    select substring(sha256(convert_to(p_watch.journey_id || ' ' || extract(epoch from p_watch.state_since), 'UTF8')) for 16) as digest
) as d
$$;

comment on function core.alarm_id(core.watches) is
'Id of the alert that is raised for a walk because it has been overdue since then: tried again, it is the same alert.';
revoke all on function core.alarm_id(core.watches) from public;
grant execute on function core.alarm_id(core.watches) to saferoute_tasks;

-- source: sql/functions/watch/area_of.sql sha256:089b12da87aa6c760d0054b23660032fae9202c4cda7711293b8eab216aa46e7
create or replace function core.area_of(p_geojson text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_rings json;
    v_ring geometry;
begin
    v_rings := case when p_geojson::json ->> 'type' = 'Polygon' then p_geojson::json -> 'coordinates' end;
    if json_array_length(v_rings) = 1 then
        v_ring := core.geojson_line(json_build_object('type', 'LineString', 'coordinates', v_rings -> 0)::text);
    end if;
    if not coalesce(st_npoints(v_ring) between 4 and 500 and st_isclosed(v_ring) and st_issimple(v_ring), false) then
        perform core.fail('SR018', 'area is not a GeoJSON Polygon of one ring that does not cross itself, of 4 to 500 positions');
    end if;
    return st_makepolygon(v_ring);
exception
    when data_exception or statement_too_complex or sqlstate 'SR016' or sqlstate 'SR017' then
        perform core.fail('SR018', 'area is not a GeoJSON Polygon: ' || sqlerrm);
end
$$;

comment on function core.area_of(text) is
'The area (EPSG:4326) of a GeoJSON Polygon without holes; SR018 or SR010 where it is none.';
revoke all on function core.area_of(text) from public;
grant execute on function core.area_of(text) to saferoute_api;

-- source: sql/functions/watch/check_expected_at.sql sha256:0d0c10293fde07c6b1771bfba4f0dd20998f5de71f0d33176ca026dcc558db98
create or replace function core.check_expected_at(
    p_expected_at timestamptz, p_starts_at timestamptz, p_now timestamptz
) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not coalesce(
        p_expected_at > p_now and p_expected_at > p_starts_at
        and p_expected_at <= greatest(p_now, p_starts_at) + interval '24 hours', true
    ) then
        perform core.fail('SR018', 'expected_at is after the start and within 24 hours');
    end if;
end
$$;

comment on function core.check_expected_at(timestamptz, timestamptz, timestamptz) is
'SR018 unless the expected arrival is to come, after the start of the watch and within 24 hours.';
revoke all on function core.check_expected_at(timestamptz, timestamptz, timestamptz) from public;
grant execute on function core.check_expected_at(timestamptz, timestamptz, timestamptz) to saferoute_api;

-- source: sql/functions/watch/check_in.sql sha256:de2d45cc243850b40163c2df1f02f9b05f215f6d87bdacf51c5bad59a6201b3b
create or replace function core.check_in(p_user_id uuid, p_journey_id uuid, p_now timestamptz) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches := core.own_watch(p_user_id, p_journey_id);
begin
    update core.watches as w set
        starts_at = least(w.starts_at, p_now),
        checked_in_at = greatest(w.checked_in_at, p_now),
        -- What they are told about is as they want it; the next time counts again.
        is_straying_known = w.is_straying_known or w.strayed_at is not null,
        strayed_at = null,
        crossed_at = null
    where w.journey_id = p_journey_id
    returning w.* into v_watch;
    update core.geofences as g set crossed_at = null
    where g.journey_id = p_journey_id and g.user_id = p_user_id and g.crossed_at is not null;
    v_watch := core.note_journey_event(v_watch, 'check_in', null, null, null, p_now);
    if v_watch.state = 'planned' then
        v_watch := core.move_watch(v_watch, 'active', 'check_in', p_now);
    end if;
    return core.watch_summary(core.settle_watch(v_watch, 'check_in', p_now));
end
$$;

comment on function core.check_in(uuid, uuid, timestamptz) is
'The walker says that all is well: every concern ends and the timers begin anew; a planned watch begins. It does not end an alarm: the alert is cancelled or resolved for that.';
revoke all on function core.check_in(uuid, uuid, timestamptz) from public;
grant execute on function core.check_in(uuid, uuid, timestamptz) to saferoute_api;

-- source: sql/functions/watch/check_in_due_at.sql sha256:f776f29edc2d940c1ad10525d9aecf40189e3ec5397748f441d727c85ddbd82f
create or replace function core.check_in_due_at(p_watch core.watches) returns timestamptz
language sql immutable parallel safe security invoker
as $$
select greatest(p_watch.checked_in_at, p_watch.starts_at) + p_watch.check_in_every
$$;

comment on function core.check_in_due_at(core.watches) is
'When the walker is to check in next; null without check-ins. Inlined, so it has no search_path of its own.';
revoke all on function core.check_in_due_at(core.watches) from public;
grant execute on function core.check_in_due_at(core.watches) to saferoute_api, saferoute_tasks;

-- source: sql/functions/watch/check_in_warning_at.sql sha256:88f45a72461e0a9a42df218ccf7bf72e0241149139f414f07d9e6ed1e0a15e09
create or replace function core.check_in_warning_at(p_watch core.watches) returns timestamptz
language sql immutable parallel safe security invoker
as $$
select greatest(p_watch.checked_in_at, p_watch.starts_at) + p_watch.check_in_every
    - least(interval '2 minutes', p_watch.check_in_every / 4)
$$;

comment on function core.check_in_warning_at(core.watches) is
'When the walker is reminded of their next check-in: two minutes before it is due, or a quarter of the time between two where that is less; null without check-ins. Inlined, so it has no search_path of its own.';
revoke all on function core.check_in_warning_at(core.watches) from public;
grant execute on function core.check_in_warning_at(core.watches) to saferoute_tasks;

-- source: sql/functions/watch/check_watch_settings.sql sha256:fd5ba917ec1f8d5fd458d77fe55d82af8c346bd11152cb0a3199df9af24b8b1e
create or replace function core.check_watch_settings(
    p_old core.watches, p_watch core.watches, p_now timestamptz
) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_problem text;
begin
    v_problem := case
        when not coalesce(p_watch.check_in_every between '10 seconds' and '12 hours', true)
            then 'check_in_every is 10 seconds to 12 hours'
        when not coalesce(p_watch.silence_after between '10 seconds' and '12 hours', true)
            then 'silence_after is 10 seconds to 12 hours'
        when not coalesce(p_watch.grace between '5 seconds' and '1 hour', false) then 'grace is 5 seconds to 1 hour'
        when not coalesce(p_watch.battery_floor between 0 and 100, true) then 'battery_floor is 0 to 100'
        when p_watch.route is not null and not coalesce(p_watch.deviation_m between 20 and 2000, false)
            then 'deviation_m is 20 to 2000'
        when (p_old.last_seq = 0 or p_watch.starts_at <> p_old.starts_at)
            and not p_watch.starts_at between p_now - interval '10 minutes' and p_now + interval '24 hours'
            then 'starts_at is at most 10 minutes ago and within 24 hours'
    end;
    if v_problem is not null then
        perform core.fail('SR018', v_problem);
    end if;
    if p_watch.expected_at is distinct from p_old.expected_at then
        perform core.check_expected_at(p_watch.expected_at, p_watch.starts_at, p_now);
    end if;
end
$$;

comment on function core.check_watch_settings(core.watches, core.watches, timestamptz) is 'SR018 where a setting of a watch that has just been made or changed is outside its range.';
revoke all on function core.check_watch_settings(core.watches, core.watches, timestamptz) from public;
grant execute on function core.check_watch_settings(core.watches, core.watches, timestamptz) to saferoute_api;

-- source: sql/functions/watch/closed_shares.sql sha256:e7e02f6a9187dd5f98cdbc6148e872c9f0e20c0e74ec70a18255a579d809850b
create or replace function core.closed_shares(p_share_ids uuid[]) returns setof uuid
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select u.share_id
from unnest(p_share_ids) as u (share_id)
left join core.journey_shares as s on u.share_id = s.share_id
where not coalesce(core.share_closes_at(s) > now(), false)
$$;

comment on function core.closed_shares(uuid[]) is 'Those of the links that show nothing any more.';
revoke all on function core.closed_shares(uuid[]) from public;
grant execute on function core.closed_shares(uuid[]) to saferoute_live;

-- source: sql/functions/watch/coarse_position.sql sha256:3dc9974c4c76ca09581848cb38e66c58c564c583d514a46e9e0917558ac636cf
create or replace function core.coarse_position(p_position geometry, p_precision text) returns geometry
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when p_precision = 'exact' then p_position
    else (
        select st_setsrid(st_makepoint(
            round((round(st_x(p_position) / x.step) * x.step)::numeric, 6)::float8, round(y.lat::numeric, 6)::float8
        ), 4326)
        from (select case p_precision when 'street' then 100 else 1000 end / 111320.0 as step) as s
        cross join lateral (select round(st_y(p_position) / s.step) * s.step as lat) as y
        cross join lateral (select s.step / greatest(cos(radians(y.lat)), 0.01) as step) as x
    )
end
$$;

comment on function core.coarse_position(geometry, text) is
'A position (EPSG:4326) as a link of this precision shows it: exact; street: the nearest crossing of a grid of 100 m; area: of 1 km. The grid is fixed, so that many positions tell no more than one does.';
revoke all on function core.coarse_position(geometry, text) from public;
grant execute on function core.coarse_position(geometry, text) to saferoute_live;

-- source: sql/functions/watch/cross_geofence.sql sha256:30f4811487e5d9bd9f1676a7e8a3e7d06e28866c8c1f0a4032999756145ddb6e
create or replace function core.cross_geofence(
    p_geofence core.geofences, p_points core.journey_points[], out geofence core.geofences, out crossings jsonb[]
)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_point core.journey_points;
    v_is_inside boolean;
begin
    geofence := p_geofence;
    crossings := '{}';
    if geofence.kind = 'risk' then
        p_points := p_points[cardinality(p_points):];
    end if;
    foreach v_point in array p_points loop
        continue when v_point.accuracy_m > 200;
        v_is_inside := case
            when geofence.kind = 'risk' then core.known_risk(v_point.geom, v_point.recorded_at) >= geofence.min_risk
            when st_covers(geofence.area, v_point.geom) then true
            -- Along its edge a phone would come and go.
            when st_distance(geofence.area::geography, v_point.geom::geography) > greatest(15, least(v_point.accuracy_m, 50))
                then false
        end;
        continue when coalesce(v_is_inside, geofence.is_inside) is not distinct from geofence.is_inside;
        if geofence.is_inside is not null then
            crossings := crossings || jsonb_build_object(
                'geofence_id', geofence.geofence_id, 'kind', geofence.kind, 'name', geofence.name, 'is_inside', v_is_inside,
                'recorded_at', v_point.recorded_at
            );
            geofence.crossed_at := case
                when geofence.kind = 'leave' and not v_is_inside then v_point.recorded_at
                when geofence.kind in ('enter', 'risk') and v_is_inside then v_point.recorded_at
            end;
        end if;
        geofence.is_inside := v_is_inside;
    end loop;
exception
    when data_exception or internal_error then
        geofence := p_geofence;
        crossings := '{}';
end
$$;

comment on function core.cross_geofence(core.geofences, core.journey_points[]) is
'An area after new positions, in order, and each time that the walker has come in or gone out. Where the walk is when the area is first looked at is no crossing. Out is 15 m from the area, or the accuracy of the position up to 50 m. Of risk only the last position is looked at: a street takes milliseconds to find.';
revoke all on function core.cross_geofence(core.geofences, core.journey_points[]) from public;
grant execute on function core.cross_geofence(core.geofences, core.journey_points[]) to saferoute_tasks;

-- source: sql/functions/watch/cross_geofences.sql sha256:0e2bc6ad3a847c15494feb814ac85b58018f59c5136df2c4d6ae98f7bf4501d9
create or replace function core.cross_geofences(
    p_watch core.watches, p_geofences core.geofences[], p_points core.journey_points[], p_now timestamptz
) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_before core.geofences;
    v_after record;
    v_crossing jsonb;
begin
    p_watch.crossed_at := null;
    foreach v_before in array p_geofences loop
        v_after := core.cross_geofence(v_before, p_points);
        foreach v_crossing in array v_after.crossings loop
            p_watch := core.note_journey_event(p_watch, 'geofence', null, v_before.kind, v_crossing, p_now);
        end loop;
        if v_after.geofence is distinct from v_before then
            update core.geofences as g set
                is_inside = (v_after.geofence).is_inside,
                crossed_at = (v_after.geofence).crossed_at
            where g.journey_id = v_before.journey_id and g.geofence_id = v_before.geofence_id;
        end if;
        p_watch.crossed_at := least(p_watch.crossed_at, (v_after.geofence).crossed_at);
    end loop;
    return p_watch;
end
$$;

comment on function core.cross_geofences(core.watches, core.geofences[], core.journey_points[], timestamptz) is
'Keep where a walk stands with its areas after new positions, with an event for each time it came in or went out; the watch with the oldest crossing that is a concern.';
revoke all on function core.cross_geofences(core.watches, core.geofences[], core.journey_points[], timestamptz) from public;
grant execute on function core.cross_geofences(core.watches, core.geofences[], core.journey_points[], timestamptz)
to saferoute_tasks;

-- source: sql/functions/watch/end_watch.sql sha256:6e5a8edbee4ae22995cc0d64f25776dfd3e828478d30749d09831398855adabe
create or replace function core.end_watch(p_journey core.journeys, p_now timestamptz) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches;
begin
    select w.* into v_watch from core.watches as w where w.journey_id = p_journey.journey_id for update;
    if v_watch.state <> 'ended' then
        perform core.move_watch(v_watch, 'ended', 'journey_ended', p_now);
    elsif not found then
        -- Nobody watched it; who looks by a link is told all the same.
        v_watch.journey_id := p_journey.journey_id;
        v_watch.user_id := p_journey.user_id;
        v_watch.state := 'ended';
        v_watch.last_seq := 0;
        perform core.note_journey_event(v_watch, 'state', null, 'journey_ended', null, p_now);
    end if;
end
$$;

comment on function core.end_watch(core.journeys, timestamptz) is
'End the watch of a walk that its walker has ended, and have who looks at it told. An alert goes on.';
revoke all on function core.end_watch(core.journeys, timestamptz) from public;
grant execute on function core.end_watch(core.journeys, timestamptz) to saferoute_api;

-- source: sql/functions/watch/estimated_arrival.sql sha256:83e9b3df33e809b2d1f6d79cc1111bfba59913dc0058bad725fb442b5dad51d9
create or replace function core.estimated_arrival(p_watch core.watches, p_at_m geometry, p_at timestamptz) returns timestamptz
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select p_at + make_interval(secs => case
    when p_watch.route_m is not null
        then (1 - st_linelocatepoint(p_watch.route_m, p_at_m)) * st_length(p_watch.route_m) + st_distance(p_watch.route_m, p_at_m)
    else st_distance(p_watch.destination_m, p_at_m) * 1.3
end / least(greatest(coalesce(p_watch.pace_mps, core.walking_speed()), 0.7), 2.5))
$$;

comment on function core.estimated_arrival(core.watches, geometry, timestamptz) is
'When a walker who was at p_at_m (metres) at p_at will arrive: what is left of the planned way, or the straight line and 30 % (the detour of streets), at their pace, which counts as 0.7 to 2.5 m/s; null where the walk leads nowhere known.';
revoke all on function core.estimated_arrival(core.watches, geometry, timestamptz) from public;
grant execute on function core.estimated_arrival(core.watches, geometry, timestamptz) to saferoute_tasks;

-- source: sql/functions/watch/extend_watch.sql sha256:c86df4f6024aa6e61953b0ed51d1cecb88e2492a1b6c7a1f02957d47006c506a
create or replace function core.extend_watch(
    p_user_id uuid, p_journey_id uuid, p_expected_at timestamptz, p_now timestamptz
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches := core.own_watch(p_user_id, p_journey_id);
begin
    if p_expected_at is not distinct from v_watch.expected_at then
        return core.watch_summary(v_watch);
    end if;
    perform core.check_expected_at(p_expected_at, v_watch.starts_at, p_now);
    update core.watches as w set expected_at = p_expected_at
    where w.journey_id = p_journey_id
    returning w.* into v_watch;
    v_watch := core.note_journey_event(v_watch, 'eta', null, 'extended', null, p_now);
    return core.watch_summary(core.settle_watch(v_watch, 'extended', p_now));
end
$$;

comment on function core.extend_watch(uuid, uuid, timestamptz, timestamptz) is
'Change when the walker means to have arrived; null: nobody waits for that any more. Being overdue ends where the new time is to come.';
revoke all on function core.extend_watch(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function core.extend_watch(uuid, uuid, timestamptz, timestamptz) to saferoute_api;

-- source: sql/functions/watch/follow_points.sql sha256:6a07501a09e4009c37b96e8c2b1bdf3fee913f3f3dc80e732b655093fb537da6
create or replace function core.follow_points(
    p_watch core.watches, p_points core.journey_points[], out watch core.watches, out has_arrived boolean
)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_point core.journey_points;
    v_at_m geometry;
    v_eta_at timestamptz;
    v_doubt_m float8;
    v_away_m float8;
    v_anchor geometry := p_watch.last_position;
    v_anchor_at timestamptz := p_watch.heard_at;
    v_seconds float8;
    v_weight float8;
begin
    watch := p_watch;
    has_arrived := false;
    foreach v_point in array p_points loop
        watch.heard_at := v_point.recorded_at;
        watch.battery_pct := coalesce(v_point.battery_pct, watch.battery_pct);
        -- Nothing is concluded from where a phone may be that does not know it itself.
        continue when v_point.accuracy_m > 200;
        watch.last_position := v_point.geom;
        v_doubt_m := least(coalesce(v_point.accuracy_m, 0), 50);

        v_seconds := extract(epoch from v_point.recorded_at - v_anchor_at);
        if v_anchor is null or v_seconds >= 10 then
            if v_seconds <= 300 then
                v_weight := exp(-v_seconds / 120);
                watch.pace_mps := coalesce(watch.pace_mps, core.walking_speed()) * v_weight
                + st_distancesphere(v_anchor, v_point.geom) / v_seconds * (1 - v_weight);
            end if;
            v_anchor := v_point.geom;
            v_anchor_at := v_point.recorded_at;
        end if;

        continue when watch.destination_m is null;
        v_at_m := st_transform(v_point.geom, st_srid(watch.destination_m));
        v_eta_at := v_point.recorded_at;
        v_away_m := st_distance(watch.destination_m, v_at_m);
        if v_away_m <= 50 then
            watch.arriving_since := coalesce(watch.arriving_since, v_point.recorded_at);
            has_arrived := v_point.recorded_at >= watch.arriving_since + interval '60 seconds';
            exit when has_arrived;
        elsif v_away_m - v_doubt_m > 50 then
            watch.arriving_since := null;
        end if;

        continue when watch.route_m is null;
        v_away_m := st_distance(watch.route_m, v_at_m) - v_doubt_m;
        if v_away_m > watch.deviation_m then
            watch.off_route_points := watch.off_route_points + 1;
            watch.off_route_since := coalesce(watch.off_route_since, v_point.recorded_at);
            if watch.off_route_points >= 3 and not watch.is_straying_known
                and v_point.recorded_at >= watch.off_route_since + interval '30 seconds'
            then
                watch.strayed_at := coalesce(watch.strayed_at, v_point.recorded_at);
            end if;
        elsif v_away_m <= watch.deviation_m * 0.8 then
            watch.off_route_points := 0;
            watch.off_route_since := null;
            watch.strayed_at := null;
            watch.is_straying_known := false;
        end if;
    end loop;
    if v_eta_at is not null then
        watch.eta := core.estimated_arrival(watch, v_at_m, v_eta_at);
    end if;
exception
    -- A position at the other end of the Earth has no metres in this zone. One walk must not stop the sweep of all.
    when data_exception or internal_error then
        watch := p_watch;
        watch.heard_at := p_points[cardinality(p_points)].recorded_at;
        watch.last_position := p_points[cardinality(p_points)].geom;
        has_arrived := false;
end
$$;

comment on function core.follow_points(core.watches, core.journey_points[]) is
'What new positions, in order, tell of a watched walk: arriving (50 m from the destination for 60 s), leaving the way (beyond deviation_m for three positions and 30 s; back within 80 % of it), pace and arrival, battery. The accuracy of a position is in its favour, up to 50 m; one worse than 200 m only shows that the phone is there. So do all where one of them cannot be computed with. Writes nothing.';
revoke all on function core.follow_points(core.watches, core.journey_points[]) from public;
grant execute on function core.follow_points(core.watches, core.journey_points[]) to saferoute_tasks;

-- source: sql/functions/watch/geofences_of.sql sha256:3ed69722423baaed03fe356b043ca1def4f2ac9f07305976525906da950d7a6a
create or replace function core.geofences_of(p_watch core.watches) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(json_build_object(
    'geofence_id', g.geofence_id,
    'kind', g.kind,
    'name', g.name,
    'area', st_asgeojson(g.area, 6)::json,
    'min_risk', g.min_risk,
    'is_inside', g.is_inside,
    'crossed_at', g.crossed_at
) order by g.added_at, g.geofence_id), '[]')
from core.geofences as g
where g.journey_id = p_watch.journey_id
$$;

comment on function core.geofences_of(core.watches) is 'The areas of a watched walk as its walker sees them, in the order in which they were added.';
revoke all on function core.geofences_of(core.watches) from public;
grant execute on function core.geofences_of(core.watches) to saferoute_api;

-- source: sql/functions/watch/is_alert_over.sql sha256:91b29827b94b61803273165718436298d91a506f9bb9ad910579f34e7bf68c22
create or replace function core.is_alert_over(p_alert_id uuid) returns boolean
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
-- Gone with the person, too.
select not exists (
    select from core.alerts as a
    where a.alert_id = p_alert_id and a.ended_at is null and a.shown_ended_at is null
)
$$;

comment on function core.is_alert_over(uuid) is
'Whether an alert has ended, or looks so to the walker, who was made to cancel it: whoever stands beside them sees the same on either.';
revoke all on function core.is_alert_over(uuid) from public;
grant execute on function core.is_alert_over(uuid) to saferoute_tasks;

-- source: sql/functions/watch/journey_path.sql sha256:d22d44b3afaafae02bdcd5b726e79b52f3a0a861dec2ecf8a14b82278c3c1e2e
create or replace function core.journey_path(p_journey core.journeys, p_since_seq bigint, p_precision text) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_since timestamptz := greatest(
        p_journey.points_from,
        timestamptz 'epoch' + least(greatest(p_since_seq, 0), 4102444800000000) * interval '1 microsecond'
    );
begin
    return (
        select json_agg(json_build_array(st_x(c.geom), st_y(c.geom), core.microseconds(c.recorded_at)) order by c.recorded_at)
        from (
            select n.recorded_at, n.geom, lag(n.geom) over (order by n.recorded_at) as geom_before
            from (
                select p.recorded_at, core.coarse_position(p.geom, p_precision) as geom
                from core.journey_points as p
                where p.journey_id = p_journey.journey_id
                    and p.recorded_at > v_since
                    and p.recorded_at >= p_journey.points_from
                    and p.recorded_at < p_journey.points_until
                    and p.cell = any(p_journey.cells)
                order by p.recorded_at desc
                limit 2000
            ) as n
        ) as c
        where p_precision = 'exact' or c.geom_before is null or not st_equals(c.geom, c.geom_before)
    );
end
$$;

comment on function core.journey_path(core.journeys, bigint, text) is
'The positions of a walk recorded after p_since_seq, the newest 2,000 of them, oldest first, each as [lon, lat, seq]; null where there are none. Where they are coarse, those that repeat the one before are left out.';
revoke all on function core.journey_path(core.journeys, bigint, text) from public;
grant execute on function core.journey_path(core.journeys, bigint, text) to saferoute_live;

-- source: sql/functions/watch/journey_snapshot.sql sha256:3b75197432a359c85d1f9aefa3dbc17e0b7e9541abe85a763234766d3f9bddfa
create or replace function core.journey_snapshot(p_journey_id uuid, p_since_seq bigint, p_precision text) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
    v_watch core.watches;
    v_point core.journey_points;
    v_state_seq bigint;
begin
    select j.* into v_journey from core.journeys as j where j.journey_id = p_journey_id and j.erasing_since is null;
    if not found then
        return null;
    end if;
    select w.* into v_watch from core.watches as w where w.journey_id = p_journey_id;
    select max(e.seq) into v_state_seq from core.journey_events as e where e.journey_id = p_journey_id;
    v_point := core.newest_point(v_journey);
    v_point.geom := core.coarse_position(v_point.geom, p_precision);
    return json_build_object(
        'type', 'snapshot',
        'topic', 'journey:' || p_journey_id,
        -- Not of the state, which is of another clock: the path is resumed after it.
        'seq', coalesce(core.microseconds(v_point.recorded_at), 0),
        'state_seq', coalesce(v_state_seq, 0),
        'state', case when v_journey.ended_at is not null then 'ended' else coalesce(v_watch.state, 'active') end,
        'reason', v_watch.reason,
        'expected_at', v_watch.expected_at,
        'eta', v_watch.eta,
        'ended_at', core.walk_ended_at(v_journey),
        'position', case
            when v_point.recorded_at is not null then json_build_object(
                'seq', core.microseconds(v_point.recorded_at),
                'lon', st_x(v_point.geom),
                'lat', st_y(v_point.geom),
                'recorded_at', v_point.recorded_at,
                'speed_mps', v_point.speed_mps
            )
        end,
        'path', coalesce(core.journey_path(v_journey, p_since_seq, p_precision), '[]')
    );
end
$$;

comment on function core.journey_snapshot(uuid, bigint, text) is
'A walk as somebody sees it who begins to watch: state, expected and estimated arrival, the newest position, and the path recorded after p_since_seq, with the precision of their link. Nothing says who walks, where the walk began or where it leads. null where there is no such walk.';
revoke all on function core.journey_snapshot(uuid, bigint, text) from public;
grant execute on function core.journey_snapshot(uuid, bigint, text) to saferoute_live;

-- source: sql/functions/watch/journeys_since.sql sha256:8f7e74590de37a1c70cb38ce925ab31a270f5cbe7d5e239b4dd4e759e53ff1d2
create or replace function core.journeys_since(p_journey_ids uuid[], p_seqs bigint[])
returns table (journey_id uuid, seq bigint, message json)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select e.journey_id, e.seq, core.state_message(e)
from unnest(p_journey_ids, p_seqs) as u (journey_id, seq)
cross join lateral (
    select l.*
    from core.journey_events as l
    where l.journey_id = u.journey_id and l.seq > u.seq and l.event in ('state', 'eta')
    order by l.seq
    -- One look-up for each walk: a join would be planned as a hash of all events.
    offset 0
) as e
$$;

comment on function core.journeys_since(uuid[], bigint[]) is
'Of each walk, what has changed of its state and expected arrival after that seq, in order, as its watchers are told.';
revoke all on function core.journeys_since(uuid[], bigint[]) from public;
grant execute on function core.journeys_since(uuid[], bigint[]) to saferoute_live;

-- source: sql/functions/watch/known_risk.sql sha256:2be23317288ac2aca2de9f03f69a69321785f652c1a43375f8dd8afd508baf1c
create or replace function core.known_risk(p_position geometry, p_at timestamptz) returns float8
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (core.risk_at(p_position, p_at) ->> 'risk')::float8;
exception
    when sqlstate 'SR011' or sqlstate 'SR014' or sqlstate 'SR015' then
        return null;
end
$$;

comment on function core.known_risk(geometry, timestamptz) is
'The risk (0 to 1) of the street at a position (EPSG:4326) at a time; null where there is no street or nothing is known of it.';
revoke all on function core.known_risk(geometry, timestamptz) from public;
grant execute on function core.known_risk(geometry, timestamptz) to saferoute_tasks;

-- source: sql/functions/watch/may_watch.sql sha256:cc50ea4ca1c1a867521def5e87d62b45fb27aad6f708e06d4780a3193ad92491
create or replace function core.may_watch(p_user_id uuid, p_journey_id uuid) returns boolean
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select exists (
    select from core.journeys as j
    where j.journey_id = p_journey_id
        and j.erasing_since is null
        and (
            j.user_id = p_user_id
            or exists (
                select from core.alerts as a
                inner join core.contacts as c on a.user_id = c.user_id
                where a.journey_id = j.journey_id
                    and a.user_id = j.user_id
                    -- In the countdown nobody is told, nor shown, anything.
                    and a.state in ('active', 'acknowledged')
                    and c.contact_user_id = p_user_id
                    and c.state = 'accepted'
            )
        )
)
$$;

comment on function core.may_watch(uuid, uuid) is
'Whether a person may watch a walk: their own, and that of somebody who has them as an emergency contact while an alert of it is open.';
revoke all on function core.may_watch(uuid, uuid) from public;
grant execute on function core.may_watch(uuid, uuid) to saferoute_live;

-- source: sql/functions/watch/metric_srid.sql sha256:2f94957186106202fd6ab9a0ecab2bbff9bff71c3765cad02ec8c3864d595e54
create or replace function core.metric_srid(p_position geometry) returns integer
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case when st_y(p_position) < 0 then 32700 else 32600 end
    + least(floor((st_x(p_position) + 180) / 6)::integer, 59) + 1
$$;

comment on function core.metric_srid(geometry) is
'EPSG code of the UTM zone (WGS 84) of a position: metres are true to 0.1 % in it and a zone further.';
revoke all on function core.metric_srid(geometry) from public;
grant execute on function core.metric_srid(geometry) to saferoute_api;

-- source: sql/functions/watch/microseconds.sql sha256:9e39f9b2c51bac14a5b1f7449dc8acf62eea4d5f779d7e86894e2011f2f81a61
create or replace function core.microseconds(p_at timestamptz) returns bigint
language sql immutable parallel safe security invoker
as $$
select (extract(epoch from p_at) * 1000000)::bigint
$$;

comment on function core.microseconds(timestamptz) is
'Microseconds since 1970: the seq of what happens on a walk. Inlined, so it has no search_path of its own.';
revoke all on function core.microseconds(timestamptz) from public;
grant execute on function core.microseconds(timestamptz) to saferoute_api, saferoute_tasks, saferoute_live;

-- source: sql/functions/watch/move_watch.sql sha256:56b565891483604781d0249887f7ec90c3e8c3ff91e70bca96f087805ffe908c
create or replace function core.move_watch(
    p_watch core.watches, p_state text, p_reason text, p_at timestamptz, p_content jsonb default null
) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_from text := p_watch.state;
begin
    if (v_from, p_state) not in (
        ('planned', 'active'), ('planned', 'ended'),
        ('active', 'late'), ('active', 'ended'),
        ('late', 'active'), ('late', 'overdue'), ('late', 'ended'),
        ('overdue', 'active'), ('overdue', 'alarm'), ('overdue', 'ended'),
        ('alarm', 'active'), ('alarm', 'ended')
    ) then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = format('a watch does not come from %s to %s', v_from, p_state);
    end if;
    update core.watches as w set
        state = p_state,
        reason = p_reason,
        state_since = p_at,
        is_alarm_due = false,
        next_look_at = case when p_state <> 'ended' then p_at end,
        ended_at = case when p_state = 'ended' then p_at end
    where w.journey_id = p_watch.journey_id and w.state = v_from
    returning w.* into p_watch;
    if not found then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = format('the watch is no longer %s', v_from);
    end if;
    return core.note_journey_event(p_watch, 'state', v_from, p_reason, p_content, p_at);
end
$$;

comment on function core.move_watch(core.watches, text, text, timestamptz, jsonb) is
'The only way a watch, which the caller has locked, changes its state: as docs/reference/watch.md draws, with an event that says why; the watch as it then is. Any other change is refused.';
revoke all on function core.move_watch(core.watches, text, text, timestamptz, jsonb) from public;
grant execute on function core.move_watch(core.watches, text, text, timestamptz, jsonb) to saferoute_api, saferoute_tasks;

-- source: sql/functions/watch/my_shares.sql sha256:847d6832eb3537973427218f43a4ce1d5fb1f616b0aabc46f663f26e156190c5
create or replace function core.my_shares(p_user_id uuid, p_journey_id uuid) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    perform core.own_journey(p_user_id, p_journey_id);
    return (
        select coalesce(json_agg(core.share_summary(s) order by s.created_at desc, s.share_id), '[]')
        from core.journey_shares as s
        where s.journey_id = p_journey_id and s.user_id = p_user_id
    );
end
$$;

comment on function core.my_shares(uuid, uuid) is 'Every link to the person''s own walk there has been, newest first.';
revoke all on function core.my_shares(uuid, uuid) from public;
grant execute on function core.my_shares(uuid, uuid) to saferoute_api;

-- source: sql/functions/watch/my_watch.sql sha256:05e634dddaaac827d6840f7c49977a6a4ce9822b849f7ed7018b71a7f8bc54bc
create or replace function core.my_watch(p_user_id uuid, p_journey_id uuid) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches;
begin
    perform core.own_journey(p_user_id, p_journey_id);
    select w.* into v_watch from core.watches as w where w.journey_id = p_journey_id and w.user_id = p_user_id;
    if not found then
        perform core.fail('SR094', format('journey %s', p_journey_id));
    end if;
    return core.watch_summary(v_watch)::jsonb || jsonb_build_object(
        'geofences', core.geofences_of(v_watch),
        'events', (
            select json_agg(json_build_object(
                'seq', e.seq, 'event', e.event, 'from_state', e.from_state, 'state', e.state, 'reason', e.reason,
                'eta', e.eta, 'content', e.content, 'at', e.at
            ) order by e.seq)
            from (
                select l.* from core.journey_events as l
                where l.journey_id = p_journey_id
                order by l.seq desc
                limit 100
            ) as e
        )
    );
end
$$;

comment on function core.my_watch(uuid, uuid) is
'How the watch of the person''s own walk stands, its areas, and the last 100 things that happened; SR094 where it is not watched.';
revoke all on function core.my_watch(uuid, uuid) from public;
grant execute on function core.my_watch(uuid, uuid) to saferoute_api;

-- source: sql/functions/watch/newest_point.sql sha256:40c9f561d17039f5655a0e3da961c82e91a18efa00bbda76581238b37ce21a62
create or replace function core.newest_point(p_journey core.journeys) returns core.journey_points
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_point core.journey_points;
begin
    select p.* into v_point
    from core.journey_points as p
    where p.journey_id = p_journey.journey_id
        and p.recorded_at >= p_journey.points_from
        and p.recorded_at < p_journey.points_until
        and p.cell = any(p_journey.cells)
    order by p.recorded_at desc
    limit 1;
    return v_point;
end
$$;

comment on function core.newest_point(core.journeys) is 'The position of a walk that was recorded last; null without any.';
revoke all on function core.newest_point(core.journeys) from public;
grant execute on function core.newest_point(core.journeys) to saferoute_api, saferoute_live;

-- source: sql/functions/watch/next_concern.sql sha256:d2c7df5888e97a6db3a9e3c8caf684296f89ad1df1ea87f0c284409cd04cfe8e
create or replace function core.next_concern(p_watch core.watches, out cause text, out due_at timestamptz)
language plpgsql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_check_in constant timestamptz := core.check_in_due_at(p_watch);
    v_overdue constant timestamptz := case
        -- Who says that all is well when they are late has ten minutes more.
        when p_watch.checked_in_at >= p_watch.expected_at then p_watch.checked_in_at + interval '10 minutes'
        else p_watch.expected_at
    end;
    v_silence constant timestamptz := greatest(p_watch.heard_at, p_watch.checked_in_at, p_watch.starts_at) + p_watch.silence_after;
begin
    -- PL/pgSQL and no query: two of these are asked for each look at a walk, and as a query each took 45 us.
    due_at := least(v_check_in, v_overdue, v_silence, p_watch.strayed_at, p_watch.crossed_at);
    cause := case due_at
        when v_check_in then 'check_in'
        when p_watch.strayed_at then 'deviation'
        when p_watch.crossed_at then 'geofence'
        when v_overdue then 'overdue'
        when v_silence then 'silence'
    end;
end
$$;

comment on function core.next_concern(core.watches) is
'What is the oldest concern about a watched walk, or will be the first unless something happens before, and from when on; null where there is nothing to come.';
revoke all on function core.next_concern(core.watches) from public;
grant execute on function core.next_concern(core.watches) to saferoute_api, saferoute_tasks;

-- source: sql/functions/watch/next_look.sql sha256:d1e17d6c3fa2f6d23c21928fe77cc6b67dbf26593c54e35f25175380d09735f6
create or replace function core.next_look(p_watch core.watches, p_now timestamptz) returns timestamptz
language plpgsql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_soon constant timestamptz := p_now + interval '15 seconds';
    v_concern record;
    v_warning_at timestamptz;
begin
    if p_watch.state = 'planned' then
        return p_watch.starts_at;
    elsif p_watch.state in ('late', 'overdue') then
        return least(v_soon, p_watch.state_since + p_watch.grace);
    elsif p_watch.state = 'active' then
        v_concern := core.next_concern(p_watch);
        v_warning_at := core.check_in_warning_at(p_watch);
        return least(v_soon, v_concern.due_at, case when v_warning_at > p_now then v_warning_at end);
    end if;
    return v_soon;
end
$$;

comment on function core.next_look(core.watches, timestamptz) is
'When the sweep is to look at a watched walk again: every 15 s for new positions, sooner where something is due before.';
revoke all on function core.next_look(core.watches, timestamptz) from public;
grant execute on function core.next_look(core.watches, timestamptz) to saferoute_tasks;

-- source: sql/functions/watch/note_journey_event.sql sha256:80b27e00990d360bccfa820141111105998a2bf7d14b76e856173cdb228e2f2a
create or replace function core.note_journey_event(
    p_watch core.watches, p_event text, p_from_state text, p_reason text, p_content jsonb, p_at timestamptz
) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_event core.journey_events;
begin
    insert into core.journey_events (journey_id, seq, user_id, event, from_state, state, reason, eta, content, at)
    values (
        p_watch.journey_id,
        -- The watch is locked: whoever comes next waits for this to commit, so no watcher sees a later seq first.
        greatest(core.microseconds(p_at), p_watch.last_seq + 1),
        p_watch.user_id, p_event, p_from_state, p_watch.state, p_reason, coalesce(p_watch.eta, p_watch.expected_at), p_content, p_at
    )
    returning * into v_event;
    p_watch.last_seq := v_event.seq;
    if p_event in ('state', 'eta') then
        p_watch.told_eta := v_event.eta;
        -- What the sweep finds reaches watchers when the gateways next ask.
        if core.current_user_id() is not null then
            perform core.publish('journey:' || p_watch.journey_id, core.state_message(v_event));
        end if;
    end if;
    update core.watches as w set last_seq = p_watch.last_seq, told_eta = p_watch.told_eta
    where w.journey_id = p_watch.journey_id;
    return p_watch;
end
$$;

comment on function core.note_journey_event(core.watches, text, text, text, jsonb, timestamptz) is
'Add what has happened to the events of a watched walk, whose watch the caller has locked, and have its watchers told where it is of their concern; the watch as it then is.';
revoke all on function core.note_journey_event(core.watches, text, text, text, jsonb, timestamptz) from public;
grant execute on function core.note_journey_event(core.watches, text, text, text, jsonb, timestamptz)
to saferoute_api, saferoute_tasks;

-- source: sql/functions/watch/open_share.sql sha256:7e17799971c89e234e1054562a8272069bdbdfc798e33d594cd38d53daa06c39
create or replace function core.open_share(p_token_digest bytea) returns json
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'share_id', s.share_id,
    'journey_id', s.journey_id,
    'precision', s.precision,
    'since_seq', core.microseconds(s.created_at),
    'expires_at', c.closes_at
)
from core.journey_shares as s
cross join lateral (select core.share_closes_at(s) as closes_at) as c
where s.digest = p_token_digest and c.closes_at > now()
$$;

comment on function core.open_share(bytea) is
'What a link shows: which walk, how precisely, since when and until when; null where it shows nothing.';
revoke all on function core.open_share(bytea) from public;
grant execute on function core.open_share(bytea) to saferoute_live;

-- source: sql/functions/watch/own_watch.sql sha256:bee6531325273124674e8b320877930e777a7403919673714b3fbbdc7ef15a2a
create or replace function core.own_watch(p_user_id uuid, p_journey_id uuid) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches;
begin
    perform core.own_journey(p_user_id, p_journey_id);
    select w.* into v_watch
    from core.watches as w
    where w.journey_id = p_journey_id and w.user_id = p_user_id
    for update;
    if not found then
        perform core.fail('SR094', format('journey %s', p_journey_id));
    end if;
    if v_watch.state = 'ended' then
        perform core.fail('SR095', format('journey %s', p_journey_id));
    end if;
    return v_watch;
end
$$;

comment on function core.own_watch(uuid, uuid) is
'The watch of the person''s own walk, locked; SR002 where the walk is not theirs, SR094 where it is not watched, SR095 where the watch has ended.';
revoke all on function core.own_watch(uuid, uuid) from public;
grant execute on function core.own_watch(uuid, uuid) to saferoute_api;

-- source: sql/functions/watch/remove_geofence.sql sha256:eaa50c49cc21e14d5b3d90d9b7ff31e35facd2448d4c7b6d2fc545a5da162a63
create or replace function core.remove_geofence(p_user_id uuid, p_journey_id uuid, p_geofence_id uuid) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_watch core.watches := core.own_watch(p_user_id, p_journey_id);
begin
    delete from core.geofences as g
    where g.journey_id = p_journey_id and g.user_id = p_user_id and g.geofence_id = p_geofence_id;
    update core.watches as w set crossed_at = (
        select min(g.crossed_at) from core.geofences as g where g.journey_id = p_journey_id
    )
    where w.journey_id = p_journey_id
    returning w.* into v_watch;
    return core.geofences_of(core.settle_watch(v_watch, 'settings', clock_timestamp()));
end
$$;

comment on function core.remove_geofence(uuid, uuid, uuid) is
'Take an area off a watched walk; those that are left. One that is not there is no error.';
revoke all on function core.remove_geofence(uuid, uuid, uuid) from public;
grant execute on function core.remove_geofence(uuid, uuid, uuid) to saferoute_api;

-- source: sql/functions/watch/revoke_share.sql sha256:38e6cc2acd7d537934be2e1cc6e94a21984ab8179a19f5dc955710f43033d9a2
create or replace function core.revoke_share(p_user_id uuid, p_share_id uuid) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_share core.journey_shares;
begin
    update core.journey_shares as s set revoked_at = coalesce(s.revoked_at, now())
    where s.share_id = p_share_id and s.user_id = p_user_id
    returning s.* into v_share;
    if not found then
        perform core.fail('SR096', format('share %s', coalesce(p_share_id::text, 'null')));
    end if;
    perform core.publish('journey:' || v_share.journey_id, json_build_object(
        'type', 'revoked',
        'topic', 'journey:' || v_share.journey_id,
        'seq', core.microseconds(clock_timestamp()),
        'share_id', v_share.share_id
    ));
    return core.share_summary(v_share);
end
$$;

comment on function core.revoke_share(uuid, uuid) is
'Take a link back: it shows nothing from then on, and the live gateway is told to close what it has opened. Again changes nothing; SR096 where there is no such link of the person''s.';
revoke all on function core.revoke_share(uuid, uuid) from public;
grant execute on function core.revoke_share(uuid, uuid) to saferoute_api;

-- source: sql/functions/watch/see_points.sql sha256:10d698607c5b4ad340f1d9799f181307dfbb0607fc669a3f8afd2b5346ce1ceb
create or replace function core.see_points(
    p_watch core.watches, p_geofences core.geofences[], p_points core.journey_points[], p_now timestamptz
) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_followed record := core.follow_points(p_watch, p_points);
    v_watch core.watches := v_followed.watch;
begin
    if p_geofences is not null then
        v_watch := core.cross_geofences(v_watch, p_geofences, p_points, p_now);
    end if;
    if not v_watch.is_battery_low and v_watch.battery_pct < v_watch.battery_floor then
        v_watch.is_battery_low := true;
        v_watch := core.note_journey_event(
            v_watch, 'battery_low', null, null, jsonb_build_object('battery_pct', v_watch.battery_pct), p_now
        );
    elsif v_watch.is_battery_low and coalesce(v_watch.battery_pct >= v_watch.battery_floor + 5, true) then
        v_watch.is_battery_low := false;
        v_watch := core.note_journey_event(
            v_watch, 'battery_ok', null, null, jsonb_build_object('battery_pct', v_watch.battery_pct), p_now
        );
    end if;
    update core.watches as w set
        heard_at = v_watch.heard_at,
        last_position = v_watch.last_position,
        pace_mps = v_watch.pace_mps,
        eta = v_watch.eta,
        arriving_since = v_watch.arriving_since,
        off_route_since = v_watch.off_route_since,
        off_route_points = v_watch.off_route_points,
        strayed_at = v_watch.strayed_at,
        is_straying_known = v_watch.is_straying_known,
        crossed_at = v_watch.crossed_at,
        battery_pct = v_watch.battery_pct,
        is_battery_low = v_watch.is_battery_low,
        next_look_at = core.next_look(v_watch, p_now)
    where w.journey_id = v_watch.journey_id
    returning w.* into v_watch;

    if v_followed.has_arrived and v_watch.state <> 'alarm' then
        return core.move_watch(v_watch, 'ended', 'arrived', p_now);
    end if;
    if coalesce(abs(extract(epoch from v_watch.eta - v_watch.told_eta)) > 120, v_watch.told_eta is null and v_watch.eta is not null)
    then
        v_watch := core.note_journey_event(v_watch, 'eta', null, 'estimate', null, p_now);
    end if;
    return v_watch;
end
$$;

comment on function core.see_points(core.watches, core.geofences[], core.journey_points[], timestamptz) is
'Keep what new positions, in order, tell of a watched walk, which the caller has locked; it ends where the walker has arrived. Watchers are told where the estimated arrival is more than two minutes from what they know; the watch as it then is.';
revoke all on function core.see_points(core.watches, core.geofences[], core.journey_points[], timestamptz) from public;
grant execute on function core.see_points(core.watches, core.geofences[], core.journey_points[], timestamptz)
to saferoute_tasks;

-- source: sql/functions/watch/settle_watch.sql sha256:345a9b8f63a1b3180cb962dc25066ab2bdb803617a2b42b09a8e8052b3f2dda8
create or replace function core.settle_watch(p_watch core.watches, p_reason text, p_now timestamptz) returns core.watches
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_concern record := core.next_concern(p_watch);
begin
    if p_watch.state in ('late', 'overdue') and coalesce(v_concern.due_at > p_now, true) then
        return core.move_watch(p_watch, 'active', p_reason, p_now);
    end if;
    update core.watches as w set next_look_at = p_now
    where w.journey_id = p_watch.journey_id
    returning w.* into p_watch;
    return p_watch;
end
$$;

comment on function core.settle_watch(core.watches, text, timestamptz) is
'After the walker has done something about a watch, which the caller has locked: it is active again where no concern is left, and the sweep looks at it next; the watch as it then is.';
revoke all on function core.settle_watch(core.watches, text, timestamptz) from public;
grant execute on function core.settle_watch(core.watches, text, timestamptz) to saferoute_api;

-- source: sql/functions/watch/share_closes_at.sql sha256:10484b23b0aee7e2899f5ff893a62605dbff0354c346dd2b95f9d5280967bff2
create or replace function core.share_closes_at(p_share core.journey_shares) returns timestamptz
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
-- Who watches still sees that the walker has arrived; not where they go afterwards.
select least(p_share.expires_at, p_share.revoked_at, core.walk_ended_at(j) + interval '10 minutes')
from core.journeys as j
where j.journey_id = p_share.journey_id and j.erasing_since is null
$$;

comment on function core.share_closes_at(core.journey_shares) is
'From when on a link shows nothing: it expires, is revoked, or the walk has been over for ten minutes; null where the walk is no more.';
revoke all on function core.share_closes_at(core.journey_shares) from public;
grant execute on function core.share_closes_at(core.journey_shares) to saferoute_api, saferoute_live;

-- source: sql/functions/watch/share_journey.sql sha256:aa4e1d22840d1fead2905a0c59b90872883f17a78ff459f320848d6c65668a82
create or replace function core.share_journey(
    p_user_id uuid, p_journey_id uuid, p_expires_in interval, p_precision text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.hold_journey(p_user_id, p_journey_id);
    v_token text := core.random_token();
    v_share core.journey_shares;
begin
    if core.walk_ended_at(v_journey) is not null then
        perform core.fail('SR095');
    end if;
    if not coalesce(p_expires_in between '1 minute' and '7 days', false) then
        perform core.fail('SR018', 'expires_in is 1 minute to 7 days');
    end if;
    if not coalesce(p_precision in ('exact', 'street', 'area'), false) then
        perform core.fail('SR018', 'precision is exact, street or area');
    end if;
    -- Links that show nothing any more do not count. One walker at a time, or two calls would both find room.
    perform pg_advisory_xact_lock(hashtextextended('core.journey_shares ' || p_journey_id, 0));
    if (
        select count(*) from core.journey_shares as s
        where s.journey_id = p_journey_id and s.revoked_at is null and s.expires_at > now()
    ) >= 20 then
        perform core.fail('SR097', 'a walk has at most 20 links that show it');
    end if;
    insert into core.journey_shares (share_id, journey_id, user_id, digest, precision, created_at, expires_at)
    values (
        core.uuid_v7(), p_journey_id, p_user_id, sha256(convert_to(v_token, 'UTF8')), p_precision, now(), now() + p_expires_in
    )
    returning * into v_share;
    return core.share_summary(v_share)::jsonb || jsonb_build_object(
        'link', (select s.public_url from core.site as s) || '/watch#' || v_token
    );
end
$$;

comment on function core.share_journey(uuid, uuid, interval, text) is
'A link to watch the person''s own walk, good for p_expires_in; the token in it is kept as a digest only. SR095 where the walk has ended, SR097 where it has 20 links already.';
revoke all on function core.share_journey(uuid, uuid, interval, text) from public;
grant execute on function core.share_journey(uuid, uuid, interval, text) to saferoute_api;

-- source: sql/functions/watch/share_summary.sql sha256:ed98eac3c6cb4621291c027f94ef0b70669bb4bbec7b9fa915ed9d0ef5bd1ce1
create or replace function core.share_summary(p_share core.journey_shares) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'share_id', p_share.share_id,
    'journey_id', p_share.journey_id,
    'precision', p_share.precision,
    'created_at', p_share.created_at,
    'expires_at', p_share.expires_at,
    'revoked_at', p_share.revoked_at,
    'is_open', coalesce(core.share_closes_at(p_share) > now(), false)
)
$$;

comment on function core.share_summary(core.journey_shares) is
'A link to a walk as its walker sees it, without the token, which is shown once; is_open says whether it shows anything.';
revoke all on function core.share_summary(core.journey_shares) from public;
grant execute on function core.share_summary(core.journey_shares) to saferoute_api;

-- source: sql/functions/watch/sound_alarm.sql sha256:614a80eed9864bfb8a05009f5b0cfc44b7c2057e1d69d628e2233fb686d6b16c
create or replace function core.sound_alarm(p_now timestamptz) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_now timestamptz := coalesce(p_now, clock_timestamp());
    v_watch core.watches;
begin
    -- Any of them: one that cannot be raised does not stand before the others for ever.
    select w.* into v_watch
    from core.watches as w
    where w.is_alarm_due
    order by random()
    limit 1
    for update skip locked;
    if not found then
        return null;
    end if;
    update core.watches as w set alert_id = core.alarm_id(w)
    where w.journey_id = v_watch.journey_id
    returning w.* into v_watch;
    v_watch := core.move_watch(v_watch, 'alarm', v_watch.reason, v_now, jsonb_build_object('alert_id', v_watch.alert_id));
    perform core.raise_alert(
        v_watch.alert_id, v_watch.user_id, v_watch.journey_id, v_watch.reason,
        st_x(v_watch.last_position), st_y(v_watch.last_position), null, false, false
    );
    return json_build_object('journey_id', v_watch.journey_id, 'alert_id', v_watch.alert_id);
end
$$;

comment on function core.sound_alarm(timestamptz) is
'Raise the alert of one walk for which nothing else is left; which, or null where there is none. One in a transaction: an alert locks the inboxes of those it tells, in order, and two in one would not be in order.';
revoke all on function core.sound_alarm(timestamptz) from public;
grant execute on function core.sound_alarm(timestamptz) to saferoute_tasks;

-- source: sql/functions/watch/state_message.sql sha256:29852ce751a9872f5418a452f4c11a48d728936dde6fecd093718da06534b4dd
create or replace function core.state_message(p_event core.journey_events) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'type', 'state',
    'topic', 'journey:' || p_event.journey_id,
    'seq', p_event.seq,
    'state', p_event.state,
    'reason', p_event.reason,
    'eta', p_event.eta,
    'at', p_event.at
)
$$;

comment on function core.state_message(core.journey_events) is
'What who watches a walk is told of an event that changed its state or its expected arrival.';
revoke all on function core.state_message(core.journey_events) from public;
grant execute on function core.state_message(core.journey_events) to saferoute_api, saferoute_tasks, saferoute_live;

-- source: sql/functions/watch/step_watch.sql sha256:6c20eb3c406cfefb5fcfc5fadfa35674e8b859576688b61da054ca5bead61e31
create or replace function core.step_watch(p_watch core.watches, p_now timestamptz, out watch core.watches, out warning text)
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_next record := core.next_concern(p_watch);
    v_concern text := case when v_next.due_at <= p_now then v_next.cause end;
    v_is_over boolean;
begin
    watch := p_watch;
    -- Nothing that it was to see can come any more.
    v_is_over := p_now > greatest(watch.starts_at, watch.expected_at, watch.checked_in_at, watch.heard_at) + interval '24 hours';
    if watch.state = 'planned' and watch.starts_at <= p_now then
        watch := core.move_watch(watch, 'active', 'started', p_now);
    elsif watch.state = 'alarm' and core.is_alert_over(watch.alert_id) then
        -- Whatever it was raised for is known by now.
        update core.watches as w set
            checked_in_at = p_now, is_straying_known = w.is_straying_known or w.strayed_at is not null, strayed_at = null, crossed_at = null
        where w.journey_id = watch.journey_id
        returning w.* into watch;
        update core.geofences as g set crossed_at = null where g.journey_id = watch.journey_id and g.crossed_at is not null;
        watch := core.move_watch(watch, 'active', 'alert_ended', p_now);
    elsif watch.state in ('active', 'alarm') and v_is_over and (watch.state = 'alarm' or v_concern is null) then
        watch := core.move_watch(watch, 'ended', 'given_up', p_now);
    elsif watch.state = 'active' and v_concern is not null then
        watch := core.move_watch(watch, 'late', v_concern, p_now);
        warning := 'late';
    elsif watch.state in ('late', 'overdue') and v_concern is null then
        watch := core.move_watch(watch, 'active', 'cleared', p_now);
    elsif watch.state = 'late' and p_now >= watch.state_since + watch.grace then
        watch := core.move_watch(watch, 'overdue', v_concern, p_now);
        warning := 'overdue';
    elsif watch.state = 'overdue' and p_now >= watch.state_since + watch.grace and not watch.is_alarm_due then
        update core.watches as w set is_alarm_due = true, reason = v_concern
        where w.journey_id = watch.journey_id
        returning w.* into watch;
    elsif watch.state = 'active' and core.check_in_warning_at(watch) <= p_now
        and core.check_in_warning_at(watch) is distinct from watch.warned_for
    then
        update core.watches as w set warned_for = core.check_in_warning_at(w)
        where w.journey_id = watch.journey_id
        returning w.* into watch;
        watch := core.note_journey_event(watch, 'check_in_due', null, 'check_in', null, p_now);
        warning := 'check_in_due';
    end if;
end
$$;

comment on function core.step_watch(core.watches, timestamptz) is
'One step of a watched walk, which the caller has locked, as docs/reference/watch.md draws: at most one, however late it is, so that the walker always has grace to react to what they were told; the watch as it then is, and what the walker is to be told: check_in_due, late, overdue or nothing.';
revoke all on function core.step_watch(core.watches, timestamptz) from public;
grant execute on function core.step_watch(core.watches, timestamptz) to saferoute_tasks;

-- source: sql/functions/watch/sweep_journeys.sql sha256:57fdc52591449bf62910908c58c8122c033e7fdd230832a4665daafdbb71f311
create or replace function core.sweep_journeys(p_now timestamptz, p_limit integer) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
set jit = off
as $$
declare
    v_now timestamptz := coalesce(p_now, clock_timestamp());
    v_due record;
    v_watch core.watches;
    v_stepped record;
    v_looked integer := 0;
    v_events integer := 0;
    v_quiet uuid [] := '{}';
    v_quiet_until timestamptz [] := '{}';
    v_warnings core.inbox_entries [] := '{}';
begin
    for v_due in
        -- Another sweep has those that it holds, and has moved them on once it lets go of them.
        with due as materialized (
            select w as watch
            from core.watches as w
            where w.next_look_at <= v_now
            order by w.next_look_at
            limit p_limit
            for update skip locked
        )

        select
            d.watch,
            (select array_agg(g order by g.geofence_id) from core.geofences as g where g.journey_id = (d.watch).journey_id) as geofences,
            n.points
        from due as d
        left join lateral (
            select array_agg(f.point order by (f.point).recorded_at, (f.point).cell) as points
            from (
                select p as point
                from core.journeys as j
                cross join lateral unnest(j.cells) as c (cell)
                -- One cell after the other: leaves are pruned by a value, not by an array. The days of v_now prune when
                -- it is planned.
                inner join core.journey_points as p
                    on p.journey_id = j.journey_id and p.cell = c.cell collate "C"
                where j.journey_id = (d.watch).journey_id
                    and (d.watch).state <> 'planned'
                    and j.points_until > coalesce((d.watch).heard_at, (d.watch).starts_at)
                    and p.recorded_at > coalesce((d.watch).heard_at, (d.watch).starts_at)
                    and p.recorded_at > v_now - interval '1 day'
                    and p.recorded_at <= v_now + interval '10 minutes'
                order by p.recorded_at
                limit 1000
            ) as f
        ) as n on true
    loop
        v_looked := v_looked + 1;
        v_watch := v_due.watch;
        if v_due.points is not null then
            v_watch := core.see_points(v_watch, v_due.geofences, v_due.points, v_now);
        end if;
        if v_watch.state <> 'ended' then
            v_stepped := core.step_watch(v_watch, v_now);
            v_watch := v_stepped.watch;
            if v_stepped.warning is not null then
                v_warnings := v_warnings || core.walker_warning(v_watch, v_stepped.warning, v_now);
            end if;
            if v_due.points is null or v_watch.last_seq <> (v_due.watch).last_seq or v_watch.is_alarm_due then
                v_quiet := v_quiet || v_watch.journey_id;
                v_quiet_until := v_quiet_until || case
                    when cardinality(v_due.points) = 1000 then v_now else core.next_look(v_watch, v_now)
                end;
            end if;
        end if;
        v_events := v_events + (v_watch.last_seq <> (v_due.watch).last_seq)::integer;
    end loop;
    update core.watches as w set next_look_at = q.until
    from unnest(v_quiet, v_quiet_until) as q (journey_id, until)
    where w.journey_id = q.journey_id and w.state <> 'ended';
    -- Late, since it locks inboxes until the end of the transaction.
    perform core.add_inbox_entries(v_warnings);
    return json_build_object('looked', v_looked, 'changed', v_events, 'is_more', v_looked >= p_limit);
end
$$;

comment on function core.sweep_journeys(timestamptz, integer) is
'Look at up to p_limit watched walks that are due: read their new positions, and take each at most a step further. Several at once share them out. How many were looked at, of how many something was noted, and whether more may be due.';
revoke all on function core.sweep_journeys(timestamptz, integer) from public;
grant execute on function core.sweep_journeys(timestamptz, integer) to saferoute_tasks;

-- source: sql/functions/watch/walk_ended_at.sql sha256:74af089e3bcc7ae81590318cb1860c594c951e9c2fd98e7646ff06d35d24fedf
create or replace function core.walk_ended_at(p_journey core.journeys) returns timestamptz
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select least(
    p_journey.ended_at,
    (select w.ended_at from core.watches as w where w.journey_id = p_journey.journey_id)
)
$$;

comment on function core.walk_ended_at(core.journeys) is
'When the walk was over: the walker ended the journey, or its watch saw them arrive; null while it goes on.';
revoke all on function core.walk_ended_at(core.journeys) from public;
grant execute on function core.walk_ended_at(core.journeys) to saferoute_api, saferoute_live;

-- source: sql/functions/watch/walker_warning.sql sha256:c57da52a46dff6b7c3c1aea93f7053f589654e0b79340a10ec71513c20872991
create or replace function core.walker_warning(p_watch core.watches, p_warning text, p_now timestamptz)
returns core.inbox_entries
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entry core.inbox_entries;
begin
    v_entry.user_id := p_watch.user_id;
    v_entry.walker_id := p_watch.user_id;
    v_entry.event := p_warning;
    v_entry.told_at := clock_timestamp();
    v_entry.message := jsonb_strip_nulls(jsonb_build_object(
        'type', 'watch',
        'journey_id', p_watch.journey_id,
        'event', p_warning,
        'reason', case when p_warning = 'check_in_due' then 'check_in' else p_watch.reason end,
        'at', p_now,
        'act_before', case
            when p_warning = 'check_in_due' then core.check_in_due_at(p_watch) else p_watch.state_since + p_watch.grace
        end
    ));
    return v_entry;
end
$$;

comment on function core.walker_warning(core.watches, text, timestamptz) is
'What the inbox of a walker is told of the watch of their walk, for core.add_inbox_entries to number: what is not as planned, and until when they can check in before it goes a step further.';
revoke all on function core.walker_warning(core.watches, text, timestamptz) from public;
grant execute on function core.walker_warning(core.watches, text, timestamptz) to saferoute_tasks;

-- source: sql/functions/watch/watch_journey.sql sha256:b6fef76d68309e890a23d7816d8cbc74ef966bd12ee00191e7f72daebfef9bd0
create or replace function core.watch_journey(
    p_user_id uuid,
    p_journey_id uuid,
    p_starts_at timestamptz,
    p_expected_at timestamptz,
    p_check_in_every interval,
    p_silence_after interval,
    p_grace interval,
    p_battery_floor real,
    p_route text,
    p_deviation_m real,
    p_now timestamptz
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.hold_journey(p_user_id, p_journey_id);
    v_old core.watches;
    v_new core.watches;
begin
    -- Locked: it does not end while it comes to be watched.
    select j.* into v_journey from core.journeys as j where j.journey_id = p_journey_id for share;
    if v_journey.ended_at is not null then
        perform core.fail('SR095', format('journey %s', p_journey_id));
    end if;
    -- Of two first calls at once the second waits here, and finds a watch to change.
    insert into core.watches (journey_id, user_id, state, state_since, starts_at, grace, next_look_at)
    values (p_journey_id, p_user_id, 'planned', p_now, coalesce(p_starts_at, p_now), '5 minutes', p_now)
    on conflict (journey_id) do nothing;
    v_old := core.own_watch(p_user_id, p_journey_id);

    v_new := v_old;
    if v_old.state = 'planned' then
        v_new.starts_at := coalesce(p_starts_at, v_old.starts_at);
    end if;
    v_new.expected_at := p_expected_at;
    v_new.check_in_every := p_check_in_every;
    v_new.silence_after := p_silence_after;
    v_new.grace := p_grace;
    v_new.battery_floor := p_battery_floor;
    v_new := core.with_route(v_new, v_journey, p_route, p_deviation_m);
    if v_new is not distinct from v_old and v_old.last_seq > 0 then
        return core.watch_summary(v_old);
    end if;
    perform core.check_watch_settings(v_old, v_new, p_now);

    update core.watches as w set
        starts_at = v_new.starts_at,
        expected_at = v_new.expected_at,
        check_in_every = v_new.check_in_every,
        silence_after = v_new.silence_after,
        grace = v_new.grace,
        battery_floor = v_new.battery_floor,
        deviation_m = v_new.deviation_m,
        route = v_new.route,
        route_m = v_new.route_m,
        destination_m = v_new.destination_m,
        off_route_since = v_new.off_route_since,
        off_route_points = v_new.off_route_points,
        strayed_at = v_new.strayed_at,
        is_straying_known = v_new.is_straying_known
    where w.journey_id = p_journey_id
    returning w.* into v_new;
    if v_old.last_seq > 0 then
        v_new := core.note_journey_event(
            v_new, case when v_new.expected_at is distinct from v_old.expected_at then 'eta' else 'settings' end,
            null, 'settings', null, p_now
        );
    else
        v_new := core.note_journey_event(v_new, 'state', null, 'watched', null, p_now);
        if v_new.starts_at <= p_now then
            v_new := core.move_watch(v_new, 'active', 'started', p_now);
        end if;
    end if;
    return core.watch_summary(core.settle_watch(v_new, 'settings', p_now));
end
$$;

comment on function core.watch_journey(
    uuid, uuid, timestamptz, timestamptz, interval, interval, interval, real, text, real, timestamptz
) is
'Have a walk watched, or change what it is watched for; the same again changes nothing. SR095 where it has ended.';
revoke all on function core.watch_journey(
    uuid, uuid, timestamptz, timestamptz, interval, interval, interval, real, text, real, timestamptz
) from public;
grant execute on function core.watch_journey(
    uuid, uuid, timestamptz, timestamptz, interval, interval, interval, real, text, real, timestamptz
) to saferoute_api;

-- source: sql/functions/watch/watch_summary.sql sha256:57d3f6afd22d101cd224a19887cea4be84e70bd8007186a866e1c2cc4a4d8db3
create or replace function core.watch_summary(p_watch core.watches) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'journey_id', p_watch.journey_id,
    'state', p_watch.state,
    'reason', p_watch.reason,
    'state_since', p_watch.state_since,
    'starts_at', p_watch.starts_at,
    'expected_at', p_watch.expected_at,
    'eta', p_watch.eta,
    'check_in_every', p_watch.check_in_every,
    'checked_in_at', p_watch.checked_in_at,
    'next_check_in_at', core.check_in_due_at(p_watch),
    'silence_after', p_watch.silence_after,
    'heard_at', p_watch.heard_at,
    'grace', p_watch.grace,
    'route', st_asgeojson(p_watch.route, 6)::json,
    'deviation_m', p_watch.deviation_m,
    'is_off_route', p_watch.strayed_at is not null or p_watch.is_straying_known,
    'battery_floor', p_watch.battery_floor,
    'battery_pct', p_watch.battery_pct,
    'is_battery_low', p_watch.is_battery_low,
    'alert_id', p_watch.alert_id,
    'ended_at', p_watch.ended_at
)
$$;

comment on function core.watch_summary(core.watches) is 'The watch of a walk as its walker sees it.';
revoke all on function core.watch_summary(core.watches) from public;
grant execute on function core.watch_summary(core.watches) to saferoute_api;

-- source: sql/functions/watch/with_route.sql sha256:426e5917c43798a5b4494f9b23997813a59ee04ce71ab609d4a60a39ad41645f
create or replace function core.with_route(
    p_watch core.watches, p_journey core.journeys, p_route text, p_deviation_m real
) returns core.watches
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_route geometry;
    v_srid integer;
    v_destination geometry;
begin
    if p_route is not null then
        v_route := core.read_route(p_route);
        if not st_startpoint(v_route)::point <@ core.journey_reach(p_journey) then
            perform core.fail('SR018', 'route begins over 300 km from where the walk did');
        end if;
    end if;
    if p_watch.last_seq = 0 or v_route is distinct from p_watch.route then
        v_srid := core.metric_srid(coalesce(st_startpoint(v_route), p_journey.origin));
        v_destination := coalesce(p_journey.destination, st_endpoint(v_route));
        p_watch.route := v_route;
        -- 2 m are less than any phone knows, and a route of many positions is compared with every point.
        p_watch.route_m := st_simplify(st_transform(v_route, v_srid), 2);
        p_watch.destination_m := st_transform(v_destination, v_srid);
        p_watch.off_route_since := null;
        p_watch.off_route_points := 0;
        p_watch.strayed_at := null;
        p_watch.is_straying_known := false;
    end if;
    p_watch.deviation_m := case when v_route is not null then p_deviation_m end;
    return p_watch;
end
$$;

comment on function core.with_route(core.watches, core.journeys, text, real) is
'A watch with this planned way (GeoJSON or encoded polyline; null: none), also in metres, and with where it leads to: the destination of the walk, or the end of the way where the walk has none.';
revoke all on function core.with_route(core.watches, core.journeys, text, real) from public;
grant execute on function core.with_route(core.watches, core.journeys, text, real) to saferoute_api;

-- source: sql/schema/918_contacts.sql sha256:2def3df22356f8658fd9e72fdf2fc387ea44a44d96f41c634eacb6b29483f970
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

-- source: sql/schema/922_alerts.sql sha256:ede84b2c343552cedd35b72fb12111f2db66771392a2e992d29b3a9be59f2173
-- The second wall around alerts: a walker has their own; who was told of one, in the app or by link, has that one; workers
-- see everybody's, and no app role is a worker.
do $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'alerts', 'alert_deliveries', 'alert_events', 'alert_links', 'alert_settings', 'inboxes', 'inbox_entries',
        'notification_endpoints'
    ] loop
        execute format('alter table core.%I enable row level security', v_table);
        execute format('drop policy if exists own_rows on core.%I', v_table);
        execute format(
            'create policy own_rows on core.%I to saferoute_api using (user_id = (select core.current_user_id()))', v_table
        );
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I to saferoute_tasks using (true)', v_table);
    end loop;
    foreach v_table in array array['contacts', 'journeys', 'journey_points'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I to saferoute_tasks using (true)', v_table);
    end loop;
    foreach v_table in array array['alerts', 'alert_deliveries', 'alert_events'] loop
        execute format('drop policy if exists opened on core.%I', v_table);
        execute format(
            'create policy opened on core.%I to saferoute_api using (alert_id = (select core.opened_alert_id()))', v_table
        );
    end loop;
end
$$;

alter table core.alert_chains enable row level security;
drop policy if exists of_alerts on core.alert_chains;
create policy of_alerts on core.alert_chains to saferoute_api, saferoute_tasks
using (exists (
    select from core.alerts as a
    where a.alert_id = alert_chains.alert_id
));

drop policy if exists by_link on core.alert_links;
create policy by_link on core.alert_links for select to saferoute_api
using (digest = (select core.shown_alert_link()));

-- What a walker's call writes to their contacts: an entry about themselves, in an inbox of a contact of theirs.
drop policy if exists of_contacts on core.inboxes;
create policy of_contacts on core.inboxes to saferoute_api
using (user_id in (
    select c.contact_user_id from core.contacts as c
    where c.user_id = (select core.current_user_id())
));
drop policy if exists told_by_walker on core.inbox_entries;
create policy told_by_walker on core.inbox_entries for insert to saferoute_api
with check (walker_id = (select core.current_user_id()));
drop policy if exists of_contacts on core.notification_endpoints;
create policy of_contacts on core.notification_endpoints for select to saferoute_api
using (user_id in (
    select c.contact_user_id from core.contacts as c
    where c.user_id = (select core.current_user_id())
));

drop policy if exists watched on core.inboxes;
create policy watched on core.inboxes for select to saferoute_live using (true);
drop policy if exists watched on core.inbox_entries;
create policy watched on core.inbox_entries for select to saferoute_live using (true);

-- source: sql/schema/924_deliveries.sql sha256:7dbd6232a3a558541618a065c6eb5715f4757fa826281cbcd5a1a30f9fd2840b
-- Workers send the messages of everybody.
drop policy if exists every_row on core.outbound_messages;
create policy every_row on core.outbound_messages to saferoute_tasks using (true);

-- source: sql/schema/926_watches.sql sha256:353f275bdb33b9d78a9f948a59c15c7539be958de0b11dc5a0e4a509dc99f723
-- The second wall around watched walks: a walker has their own; the sweep looks after everybody's, and the live gateway
-- shows what live.* lets through. No app role calls either.
do $$
declare
    v_table text;
begin
    foreach v_table in array array['watches', 'journey_events', 'journey_shares', 'geofences'] loop
        execute format('alter table core.%I enable row level security', v_table);
        execute format('drop policy if exists own_rows on core.%I', v_table);
        execute format(
            'create policy own_rows on core.%I to saferoute_api using (user_id = (select core.current_user_id()))', v_table
        );
    end loop;
    foreach v_table in array array['watches', 'journey_events', 'geofences'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I to saferoute_tasks using (true)', v_table);
    end loop;
    foreach v_table in array array['journeys', 'journey_points'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I for select to saferoute_tasks using (true)', v_table);
    end loop;
    foreach v_table in array array[
        'watches', 'journey_events', 'journey_shares', 'journeys', 'journey_points', 'contacts', 'alerts'
    ] loop
        execute format('drop policy if exists watched on core.%I', v_table);
        execute format('create policy watched on core.%I for select to saferoute_live using (true)', v_table);
    end loop;
end
$$;

-- source: sql/schema/928_reports.sql sha256:92ec7f707175fb59e3ab34cecc67d6a6cecf5ce4132872ea8bc6a02e9f43a5f3
-- The second wall around reports: a person has their own; workers make everybody's, and no app role calls them.
alter table core.reports enable row level security;
drop policy if exists own_rows on core.reports;
create policy own_rows on core.reports to saferoute_api
using (user_id = (select core.current_user_id()));
drop policy if exists every_row on core.reports;
create policy every_row on core.reports to saferoute_tasks using (true);

-- Of whose walk a report is asked for stands in the report.
do $$
declare
    v_table text;
begin
    foreach v_table in array array['journeys', 'journey_points', 'contacts'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I for select to saferoute_tasks using (true)', v_table);
    end loop;
end
$$;

-- source: sql/schema/933_shown_alerts.sql sha256:65c5867dff356dcb9f772b540b493bd75f726d848e8c251c7bf9fdb82df1feba
-- What an export shows of alerts. One that was cancelled under duress looks like any that was cancelled: whoever made the
-- walker cancel may have them export as well. And where a contact is told by a browser or a webhook is the contact's.
create or replace view core.shown_alerts as
select
    a.alert_id,
    a.user_id,
    a.journey_id,
    a.cause,
    a.is_silent,
    a.is_drill,
    a.geom,
    a.message,
    a.raised_at,
    a.shown_state,
    a.shown_ended_at,
    coalesce(a.shown_state, a.state) as state,
    coalesce(a.shown_ended_at, a.ended_at) as ended_at,
    case when a.acknowledged_at < coalesce(a.shown_ended_at, 'infinity') then a.acknowledged_at end as acknowledged_at
from core.alerts as a;
comment on view core.shown_alerts is 'core.alerts as its walker may see them.';

create or replace view core.shown_alert_deliveries as
select
    d.delivery_id,
    d.alert_id,
    d.user_id,
    d.contact_id,
    d.kind,
    d.channel,
    d.language,
    d.tier,
    d.due_at,
    d.attempts,
    d.provider,
    d.provider_id,
    d.error,
    d.queued_at,
    d.from_name,
    case when d.channel in ('sms', 'voice', 'email') then d.address end as address,
    case
        when d.state = 'failed' then 'failed'
        when (d.sent_at is null and a.shown_ended_at is not null) or d.sent_at >= a.shown_ended_at then 'cancelled'
        when d.state = 'acknowledged' and d.acknowledged_at >= a.shown_ended_at then 'sent'
        else d.state
    end as state,
    case when d.sent_at < coalesce(a.shown_ended_at, 'infinity') then d.sent_at end as sent_at,
    case when d.delivered_at < coalesce(a.shown_ended_at, 'infinity') then d.delivered_at end as delivered_at,
    case when d.read_at < coalesce(a.shown_ended_at, 'infinity') then d.read_at end as read_at,
    case when d.acknowledged_at < coalesce(a.shown_ended_at, 'infinity') then d.acknowledged_at end as acknowledged_at
from core.alert_deliveries as d
inner join core.alerts as a on d.alert_id = a.alert_id
where d.queued_at < coalesce(a.shown_ended_at, 'infinity');
comment on view core.shown_alert_deliveries is 'core.alert_deliveries as the walker may see them, up to what they were shown as the end.';

create or replace view core.shown_alert_events as
select
    e.alert_id,
    e.number,
    e.event,
    e.at,
    e.delivery_id,
    e.user_id,
    e.content
from core.alert_events as e
inner join core.alerts as a on e.alert_id = a.alert_id
where e.at < coalesce(a.shown_ended_at, 'infinity');
comment on view core.shown_alert_events is 'core.alert_events as the walker may see them, up to what they were shown as the end.';

-- source: sql/schema/934_dead_letters.sql sha256:e7e9117b1d58bcce0b7b0018e630f4bc2908903c6cd71b0f9ec3460570699538
create or replace view ops.dead_letters as
select
    d.delivery_id,
    d.alert_id,
    a.cause,
    a.is_drill,
    a.state as alert_state,
    d.kind,
    d.channel,
    d.tier,
    d.provider,
    d.attempts,
    d.error,
    d.queued_at,
    d.next_attempt_at as last_due_at
from core.alert_deliveries as d
inner join core.alerts as a using (alert_id)
where d.is_dead;
comment on view ops.dead_letters is 'Messages about alerts that were given up: refused by the provider, or tried too often. `saferoute alerts replay` has them sent again. To whom is not shown.';
comment on column ops.dead_letters.cause is 'Why the alert was raised.';
comment on column ops.dead_letters.alert_state is 'Of the alert now: one that was resolved or cancelled is seldom worth another message.';
comment on column ops.dead_letters.kind is 'alert, or the later message about it.';
comment on column ops.dead_letters.error is 'Why the last attempt failed.';
comment on column ops.dead_letters.last_due_at is 'When the last attempt was due.';
grant select on ops.dead_letters to operator;

-- source: sql/schema/935_escalation_steps.sql sha256:e35503c59d3c1f9dabd46bbd8c8837e754725779accb9003a8842369795f9fa8
create or replace view ops.escalation_steps as
select
    s.cause,
    s.tier,
    s.after,
    s.who,
    s.channels
from core.escalation_steps as s;
comment on view ops.escalation_steps is 'Who is told of an alert, when and how, until somebody acknowledges it; change the rows here.';
comment on column ops.escalation_steps.cause is 'Of the alert; drill, duress, or * for all without rows of their own.';
comment on column ops.escalation_steps.tier is '1 is told first. A channel in a later tier again is a repetition; after the last nothing is sent.';
comment on column ops.escalation_steps.after is 'How long after the first could be told; rising with tier.';
comment on column ops.escalation_steps.who is 'everyone; first: the contacts of the best priority; others: all but those.';
comment on column ops.escalation_steps.channels is 'live, sms, voice, email, web_push, webhook: as far as a contact has them.';
grant select, insert, update, delete on ops.escalation_steps to operator;

create or replace trigger _100_first_is_kept
after insert or update or delete on core.escalation_steps
for each statement execute function core.tg_escalation_steps__first_is_kept();

-- by hand: last
