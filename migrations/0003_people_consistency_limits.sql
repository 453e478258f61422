-- migration: pre superuser
-- People, consistency, limits.
-- The dispatcher of the release before stays until 0004: its API goes on serving meanwhile.

-- source: sql/schema/000_roles.sql sha256:49ad85e0816280b48b94f98a453474882be449e4fc412b9ecdb216811e37c5fa
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

-- changed: sql/schema/020_schemas.sql sha256:37d699b2bc1cb0d330a275b92fa29364b09fa7ea51d9e6bfa1379dceb05235b7
--| - grant usage on schema api to web_anon, authenticated, authenticator;
--| - grant usage on schema core to saferoute_api, authenticator, operator;
--| - grant usage on schema ops to operator;

-- rest: sql/schema/020_schemas.sql
create schema if not exists auth;
comment on schema auth is 'What the API calls itself to sign people up and in: no app role can. One function per step; they touch no table themselves.';
grant usage on schema api to web_anon, authenticated, integrator, authenticator;
grant usage on schema auth to authenticator;
grant usage, create on schema auth to saferoute_auth;
grant usage on schema core to saferoute_api, saferoute_auth, authenticator, operator;
grant usage, create on schema core to saferoute_ingest;
grant usage on schema api to saferoute_ingest;
grant usage on schema ops to operator, authenticator;
alter default privileges for role saferoute_auth revoke execute on functions from public;

-- changed: sql/schema/030_errors.sql sha256:cebe6bcc25324fa3e43153ce301a149bfbba748c2805fc4e702d8718084b3eb7
--| - grant select on core.error_codes to saferoute_api, authenticator;

-- rest: sql/schema/030_errors.sql
grant select on core.error_codes to saferoute_api, saferoute_auth, authenticator;
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
('SR082', 400, 'The X-Consistency-Token cannot be read.', 'Send what a write has answered with, unchanged, or nothing.')
on conflict (code) do update set
    http_status = excluded.http_status, message = excluded.message, hint = excluded.hint;

-- changed: sql/schema/160_erasure.sql sha256:e0a68c8e68a7c233e5ae5ca7cbe03c1603dd76c3df8383dbe4ccf29c88adf5fa
--|   create table if not exists core.user_data (
--| -     description text not null
--| +     description text not null,
--| +     secrets text[] not null default '{}'
alter table core.user_data add column secrets text[] not null default '{}';

-- rest: sql/schema/160_erasure.sql
comment on column core.user_data.secrets is 'Columns that no export shows: whoever finds the file could use them.';

-- source: sql/schema/162_endpoints.sql sha256:cfe3e1d8792b9f44568cfeeb091f850ba8d0d3fdd5b4f2cadb7b6a05d0aa6c92
-- What is called alike is limited, timed and let through alike: every endpoint has a class.
create table if not exists core.endpoint_classes (
    class text primary key check (class ~ '^[a-z_]+$'),
    is_priority boolean not null default false,
    description text not null
);
comment on table core.endpoint_classes is 'Kinds of calls: limits, scopes of API keys and lanes are per class.';
comment on column core.endpoint_classes.is_priority is 'Whether these calls have connections of their own, which reads and other writes never take.';
comment on column core.endpoint_classes.description is 'What the calls have in common.';

create table if not exists core.endpoints (
    endpoint text primary key,
    class text not null references core.endpoint_classes (class) on delete restrict
);
comment on table core.endpoints is 'The class of an endpoint. A function that is not listed is of class `reads`, or `writes` where it is VOLATILE.';
comment on column core.endpoints.endpoint is 'Name of a function of schema api, or a path that begins with /auth/.';
comment on column core.endpoints.class is 'Its class.';
create index if not exists endpoints_class on core.endpoints (class);
grant select on core.endpoint_classes, core.endpoints to authenticator;

insert into core.endpoint_classes (class, is_priority, description) values
('reads', false, 'Everything that only reads and has no class of its own.'),
('writes', false, 'Everything that writes and has no class of its own.'),
('routes', false, 'Route calculation: the dearest reads.'),
('ingest', false, 'Positions of walks.'),
('reports', false, 'Reports by people.'),
('sign_in', true, 'Signing in, and what else tries a password or a code of an account.'),
('sessions', true, 'Renewing, listing and ending sessions.'),
('sign_up', false, 'New accounts.'),
('codes', false, 'Codes and links that are sent to a phone or a mailbox: each costs money.'),
('sos', true, 'A call for help. Never limited.')
on conflict (class) do update set is_priority = excluded.is_priority, description = excluded.description;

insert into core.endpoints (endpoint, class) values
('safe_routes', 'routes'),
('route_safety', 'routes'),
('record_points', 'ingest')
on conflict (endpoint) do update set class = excluded.class;

-- source: sql/schema/164_messages.sql sha256:17decf0e2be7eb51005aed3e897a2f4252f769b7955e63c57ef0d88db595682f
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
    sent_at timestamptz
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
comment on column core.outbound_messages.parameters is 'What the text names: the code or the link. Emptied once it is sent.';
comment on column core.outbound_messages.cost is 'What it costs, estimated from core.message_costs.';
comment on column core.outbound_messages.status is 'queued; claimed by a worker; sent; failed: given up.';
comment on column core.outbound_messages.created_at is 'When it was asked for.';
comment on column core.outbound_messages.not_after is 'It is of no use later and is not sent then.';
comment on column core.outbound_messages.sent_at is 'When the provider took it; null before.';
create index if not exists outbound_messages_queued on core.outbound_messages (created_at) where status = 'queued';
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

-- source: sql/schema/166_accounts.sql sha256:1f238c16776c81a37c88878c09292ba7450fb8ef625d4c1e51b664b3c7ebb430
-- Accounts, and the codes that prove whose an address is. Nothing that is not proven is kept as an account.
create table if not exists core.users (
    user_id uuid primary key,
    phone text unique check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    email text unique check (email = lower(email) and email like '_%@_%'),
    password_hash text not null check (password_hash like '$argon2id$%'),
    phone_verified_at timestamptz,
    email_verified_at timestamptz,
    language text not null check (language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$'),
    created_at timestamptz not null default now(),
    password_changed_at timestamptz not null default now(),
    check (phone is not null or email is not null),
    check ((phone is null) = (phone_verified_at is null)),
    check ((email is null) = (email_verified_at is null))
);
comment on table core.users is 'Accounts of people. Those who come with a token of another issuer have none.';
comment on column core.users.user_id is 'UUIDv7; the `sub` of the person''s tokens.';
comment on column core.users.phone is 'Proven number in E.164; null without one.';
comment on column core.users.email is 'Proven e-mail address in lower case; null without one.';
comment on column core.users.password_hash is 'Argon2id with salt and parameters, as the PHC string.';
comment on column core.users.phone_verified_at is 'When a code sent there came back; null without a number.';
comment on column core.users.email_verified_at is 'When a code sent there came back; null without an e-mail address.';
comment on column core.users.language is 'Language of messages to the person, BCP 47.';
comment on column core.users.created_at is 'When the account was made.';
comment on column core.users.password_changed_at is 'When the password was last set.';
grant select, insert, update on core.users to saferoute_auth;

create table if not exists core.codes (
    purpose text not null check (purpose in ('sign_up', 'reset_password', 'verify')),
    address text not null,
    code_id uuid not null,
    channel text not null check (channel in ('sms', 'email')),
    user_id uuid,
    digest bytea not null,
    tries smallint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    primary key (purpose, address)
);
comment on table core.codes is 'Codes that were sent and can still come back: one per purpose and address, the newest.';
comment on column core.codes.purpose is 'What it is good for: sign_up, reset_password, or verify (another address of somebody who is signed in).';
comment on column core.codes.address is 'Where it went: E.164, or an e-mail address in lower case.';
comment on column core.codes.code_id is 'The salt of the digest.';
comment on column core.codes.channel is 'How it went: sms or email.';
comment on column core.codes.user_id is 'Who asked for it; null for who is not signed in.';
comment on column core.codes.digest is 'SHA-256 of code_id and code: the code itself is only in the message, until that is sent.';
comment on column core.codes.tries is 'Wrong codes so far; after five no code is right.';
comment on column core.codes.created_at is 'When it was made.';
comment on column core.codes.expires_at is 'Ten minutes later.';
create index if not exists codes_user on core.codes (user_id);
create index if not exists codes_expired on core.codes (expires_at);
grant select, insert, update, delete on core.codes to saferoute_auth;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
('core.codes', 'user_id', 31, 'erase_codes', 'Codes sent to you that had not come back.', '{digest}'),
('core.users', 'user_id', 95, null, 'Your account.', '{password_hash}')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

insert into core.endpoints (endpoint, class) values
('/auth/codes', 'codes'),
('/auth/sign-up', 'sign_up'),
('/auth/sign-in', 'sign_in'),
('/auth/refresh', 'sessions'),
('/auth/sign-out', 'sessions'),
('/auth/sessions', 'sessions'),
('/auth/reset-password', 'sign_in'),
('/auth/verify', 'sign_in')
on conflict (endpoint) do update set class = excluded.class;

-- source: sql/schema/168_contacts.sql sha256:975eae1140168d86a7b235c74ed86dd5e3c749cbc98a00023d92158d530d93d0
-- Emergency contacts: people whom a walker names, who agree, and who are told when something goes wrong.
create table if not exists core.site (
    is_only_row boolean primary key default true check (is_only_row),
    public_url text not null check (public_url ~ '^https?://[^/?#\s]+(/[^?#\s]*[^/?#\s])?$')
);
comment on table core.site is 'One row: what messages say of this platform.';
comment on column core.site.public_url is 'Address at which the API is reached from outside, without a slash at its end. Links in messages begin with it.';
insert into core.site (public_url) values ('http://127.0.0.1:18000') on conflict do nothing;
grant select on core.site to saferoute_api;

create table if not exists core.consent_wordings (
    version smallint not null check (version > 0),
    language text not null check (language ~ '^[a-z]{2,3}$'),
    statement text not null,
    primary key (version, language)
);
comment on table core.consent_wordings is 'What a contact agrees to, in every version there has been. A change is a new version in all languages: who agreed before has agreed to the old one.';
comment on column core.consent_wordings.statement is 'Shown before the contact agrees. {from_name} stands for the name by which the walker introduces themselves.';
grant select on core.consent_wordings to saferoute_api;

insert into core.consent_wordings (version, language, statement) values
(1, 'en', '{from_name} asks to name you as an emergency contact. If you agree, you get a message when {from_name} calls for help on a walk, or does not arrive; it can hold where they are. Your name and this address are kept for that and for nothing else. You can withdraw at any time, with this link.'),
(1, 'es', '{from_name} quiere añadirte como contacto de emergencia. Si aceptas, recibirás un mensaje cuando {from_name} pida ayuda durante un paseo o no llegue; puede indicar dónde se encuentra. Tu nombre y esta dirección se guardan solo para eso. Puedes retirarte en cualquier momento con este enlace.'),
(1, 'fr', '{from_name} souhaite vous ajouter comme contact d’urgence. Si vous acceptez, vous recevrez un message lorsque {from_name} appelle à l’aide pendant un trajet à pied ou n’arrive pas ; il peut indiquer sa position. Votre nom et cette adresse ne sont conservés que pour cela. Vous pouvez vous retirer à tout moment avec ce lien.'),
(1, 'de', '{from_name} möchte Sie als Notfallkontakt angeben. Wenn Sie zustimmen, erhalten Sie eine Nachricht, wenn {from_name} unterwegs um Hilfe ruft oder nicht ankommt; sie kann den Standort enthalten. Ihr Name und diese Adresse werden nur dafür gespeichert. Sie können Ihre Zustimmung jederzeit mit diesem Link widerrufen.'),
(1, 'pt', '{from_name} quer indicar você como contato de emergência. Se você aceitar, receberá uma mensagem quando {from_name} pedir ajuda durante uma caminhada ou não chegar; ela pode conter a localização. Seu nome e este endereço são guardados só para isso. Você pode desistir a qualquer momento com este link.'),
(1, 'hi', '{from_name} आपको अपना आपातकालीन संपर्क बनाना चाहते हैं। यदि आप सहमत हैं, तो जब {from_name} पैदल चलते समय मदद माँगेंगे या नहीं पहुँचेंगे, तब आपको संदेश मिलेगा; उसमें उनका स्थान हो सकता है। आपका नाम और यह पता केवल इसी के लिए रखा जाता है। आप इस लिंक से कभी भी अपनी सहमति वापस ले सकते हैं।')
on conflict do nothing;

create table if not exists core.contacts (
    contact_id uuid primary key,
    user_id uuid not null,
    name text not null check (length(name) between 1 and 80),
    from_name text not null check (length(from_name) between 1 and 40),
    channel text not null check (channel in ('sms', 'email')),
    address text not null,
    language text not null,
    priority smallint not null check (priority between 1 and 100),
    state text not null default 'invited' check (state in ('invited', 'accepted', 'declined', 'withdrawn')),
    added_at timestamptz not null default now(),
    invited_at timestamptz not null default now(),
    answered_at timestamptz,
    code_digest bytea,
    code_expires_at timestamptz,
    code_tries smallint not null default 0,
    constraint contacts_address unique (user_id, channel, address)
);
comment on table core.contacts is 'Emergency contacts of walkers. Only those who have accepted are ever alerted.';
comment on column core.contacts.contact_id is 'Made by the client.';
comment on column core.contacts.user_id is 'The walker.';
comment on column core.contacts.name is 'What the walker calls the contact.';
comment on column core.contacts.from_name is 'By which name the walker introduces themselves to the contact: accounts have no names.';
comment on column core.contacts.channel is 'How the contact is reached: sms or email.';
comment on column core.contacts.address is 'A number in E.164, or an e-mail address in lower case.';
comment on column core.contacts.language is 'Language of messages to the contact, one of core.consent_wordings.';
comment on column core.contacts.priority is 'Who is told first: lowest.';
comment on column core.contacts.state is 'invited: has not answered; accepted; declined: said no before, withdrawn: said no after having accepted.';
comment on column core.contacts.added_at is 'When the walker named them.';
comment on column core.contacts.invited_at is 'When the last invitation was sent.';
comment on column core.contacts.answered_at is 'When the contact last said yes or no; null before.';
comment on column core.contacts.code_digest is 'SHA-256 of contact_id and the code of the last invitation. What protects six digits is that five tries are all there are.';
comment on column core.contacts.code_expires_at is 'The code is of no use from then on.';
comment on column core.contacts.code_tries is 'Wrong codes since the last invitation; after five no code is right.';
grant select, insert, update, delete on core.contacts to saferoute_api;

create table if not exists core.contact_links (
    digest bytea primary key check (length(digest) = 32),
    contact_id uuid not null references core.contacts on delete cascade,
    user_id uuid not null,
    made_at timestamptz not null default now()
);
comment on table core.contact_links is 'Links that contacts were sent. Each is good for accepting and withdrawing for as long as the contact is there with that address: one that says no must never fail.';
comment on column core.contact_links.digest is 'SHA-256 of the token in the link: 256 random bits.';
comment on column core.contact_links.contact_id is 'Whom it was sent to.';
comment on column core.contact_links.user_id is 'The walker.';
comment on column core.contact_links.made_at is 'When it was sent.';
create index if not exists contact_links_contact on core.contact_links (contact_id);
create index if not exists contact_links_user on core.contact_links (user_id);
grant select, insert, delete on core.contact_links to saferoute_api;

create table if not exists core.contact_consents (
    consent_id uuid primary key,
    user_id uuid not null,
    contact_id uuid not null,
    event text not null check (event in ('invited', 'given', 'declined', 'withdrawn', 'removed')),
    means text check (means in ('link', 'code')),
    wording_version smallint not null,
    language text not null,
    address_digest bytea not null,
    recorded_at timestamptz not null default clock_timestamp(),
    check ((means is not null) = (event in ('given', 'declined', 'withdrawn')))
);
comment on table core.contact_consents is 'Ledger of what contacts were asked and what they answered. It proves that messages were consented to (GDPR, article 7), and counts invitations, so that nobody is asked again and again by being removed and added anew. Rows are only added; they go three years after their contact was removed, or with the walker.';
comment on column core.contact_consents.consent_id is 'UUIDv7.';
comment on column core.contact_consents.user_id is 'The walker.';
comment on column core.contact_consents.contact_id is 'The contact; no foreign key: the ledger outlives it.';
comment on column core.contact_consents.event is 'invited; given, declined or withdrawn by the contact; removed by the walker, who took the contact away or gave it another address.';
comment on column core.contact_consents.means is 'How the contact answered: link, or code that they read to the walker.';
comment on column core.contact_consents.wording_version is 'What the contact was shown: core.consent_wordings.';
comment on column core.contact_consents.language is 'The language it was shown in.';
comment on column core.contact_consents.address_digest is 'SHA-256 of walker, channel and address: who names their address can be told what was recorded; the address itself goes with the contact.';
comment on column core.contact_consents.recorded_at is 'When it happened.';
create index if not exists contact_consents_address on core.contact_consents (user_id, address_digest, recorded_at);
create index if not exists contact_consents_contact on core.contact_consents (contact_id);
create index if not exists contact_consents_removed on core.contact_consents (recorded_at) where event = 'removed';
grant select, insert on core.contact_consents to saferoute_api;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
('core.contact_links', 'user_id', 40, null, 'Links that your emergency contacts were sent.', '{digest}'),
('core.contacts', 'user_id', 41, null, 'Your emergency contacts.', '{code_digest}'),
('core.contact_consents', 'user_id', 42, null, 'When your emergency contacts were asked, and what they answered.', '{}')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

insert into core.endpoints (endpoint, class) values
('add_contact', 'codes'),
('update_contact', 'codes'),
('resend_contact_invitation', 'codes')
on conflict (endpoint) do update set class = excluded.class;

-- source: sql/schema/170_api_keys.sql sha256:56ad248fcd5a0450eb6017ae746de181c778d51f1f06214a713a2961010ea694
-- Keys of integrators: programs that ask for routes and risk, never for anything of a person.
create table if not exists core.api_keys (
    api_key_id uuid primary key default gen_random_uuid(),
    name text not null check (length(name) between 1 and 100),
    contact text not null check (length(contact) between 1 and 200),
    digest bytea not null unique check (length(digest) = 32),
    scopes text[] not null check (cardinality(scopes) > 0),
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
comment on table core.api_keys is 'API keys. A key is shown once, when it is made; here stands its digest.';
comment on column core.api_keys.api_key_id is 'Public: it stands in the key itself, in claims and in limits.';
comment on column core.api_keys.name is 'Whose program it is.';
comment on column core.api_keys.contact is 'Whom to write to when something is wrong with what it does.';
comment on column core.api_keys.digest is 'SHA-256 of the whole key. The secret in it has 256 random bits, so that no slow or salted hash is needed.';
comment on column core.api_keys.scopes is 'Classes of endpoints (core.endpoint_classes) it may call.';
comment on column core.api_keys.expires_at is 'From then on it is refused; null: never.';
comment on column core.api_keys.revoked_at is 'From then on it is refused; null: never.';
comment on column core.api_keys.last_used_at is 'Within an hour; null: never used.';
-- By column: who they belong to is none of the API's business.
grant select (api_key_id, digest, scopes, expires_at, revoked_at, last_used_at) on core.api_keys to authenticator;
grant update (last_used_at) on core.api_keys to authenticator;

-- source: sql/schema/172_rate_limits.sql sha256:9a139309086dd7d893261b3b5616b07e8fe4c0579254088c363a2cb6941abc94
-- How often calls of each class may be made, and by whom they are counted.
create table if not exists core.rate_limits (
    class text not null references core.endpoint_classes (class) on delete cascade
    constraint sos_is_never_limited check (class <> 'sos'),
    subject text not null check (subject in ('api_key', 'user', 'ip', 'address')),
    api_key_id uuid references core.api_keys (api_key_id) on delete cascade,
    amount integer not null check (amount between 1 and 1000000),
    window_s integer not null check (window_s between 1 and 86400),
    is_hard boolean not null default false,
    unique nulls not distinct (class, subject, api_key_id),
    constraint only_keys_have_their_own check (api_key_id is null or subject = 'api_key'),
    -- Other calls name nobody's address.
    constraint addresses_of_people check (subject <> 'address' or class in ('sign_in', 'sign_up', 'codes')),
    -- The time of each call is kept.
    constraint hard_limits_are_small check (not is_hard or amount <= 1000)
);
comment on table core.rate_limits is 'How often calls may be made. A caller is counted by the API key, else as the person, else by the IP address: by the first of these that the class has a row for. A class without rows is not limited. API processes follow a change within seconds.';
comment on column core.rate_limits.class is 'Kind of calls. Never sos.';
comment on column core.rate_limits.subject is 'What is counted: calls of an API key, of a person (user), from an IP address (of IPv6 the /64), or that name a phone number or e-mail address (address); the last is counted beside the others.';
comment on column core.rate_limits.api_key_id is 'The limit of this key alone, instead of the one of all keys; null: of all that have none of their own.';
comment on column core.rate_limits.amount is 'Calls admitted within window_s.';
comment on column core.rate_limits.window_s is 'Seconds, at most a day.';
comment on column core.rate_limits.is_hard is 'Never more than amount in any window (moving window). Otherwise two windows are counted (sliding-window counter), which is cheaper and may admit up to twice as much where they meet.';
create index if not exists rate_limits_api_key on core.rate_limits (api_key_id) where api_key_id is not null;
grant select on core.rate_limits to authenticator;

-- Amounts are a DBA's: what stands is kept.
insert into core.rate_limits (class, subject, amount, window_s, is_hard) values
('reads', 'api_key', 1200, 60, false),
('reads', 'user', 600, 60, false),
('reads', 'ip', 1200, 60, false),
('writes', 'api_key', 300, 60, false),
('writes', 'user', 120, 60, false),
('writes', 'ip', 240, 60, false),
('routes', 'api_key', 300, 60, false),
('routes', 'user', 60, 60, false),
('routes', 'ip', 120, 60, false),
('ingest', 'api_key', 1200, 60, false),
('ingest', 'user', 600, 60, false),
('ingest', 'ip', 1200, 60, false),
('reports', 'api_key', 60, 3600, false),
('reports', 'user', 20, 3600, false),
('reports', 'ip', 60, 3600, false),
('sign_in', 'ip', 120, 60, true),
('sign_in', 'address', 10, 600, true),
('sessions', 'user', 60, 60, false),
('sign_up', 'ip', 30, 3600, true),
('sign_up', 'address', 5, 3600, true),
('codes', 'ip', 60, 3600, true),
('codes', 'address', 10, 3600, true)
on conflict (class, subject, api_key_id) do nothing;

-- source: sql/schema/174_idempotency.sql sha256:d2a1a9b21386ea24f6acdc8422c823c9c613171519ea5c82e6cfea01962c9642
-- Answers to writes that carried an Idempotency-Key, so that sending one again does not do it again. Kept for a day.
create table if not exists core.idempotency_keys (
    caller_id uuid not null,
    idempotency_key text not null,
    endpoint text not null,
    digest bytea not null,
    body text,
    status text,
    headers text,
    created_at timestamptz not null default now(),
    primary key (caller_id, idempotency_key)
);
comment on table core.idempotency_keys is 'Writes of the last 24 hours that carried an Idempotency-Key, with their answers.';
comment on column core.idempotency_keys.caller_id is 'The person, or the API key, that called.';
comment on column core.idempotency_keys.idempotency_key is 'As the caller made it.';
comment on column core.idempotency_keys.endpoint is 'The function of schema api that was called.';
comment on column core.idempotency_keys.digest is 'SHA-256 of its arguments, byte for byte as they came: the same key with others is refused.';
comment on column core.idempotency_keys.body is 'The answer.';
comment on column core.idempotency_keys.status is 'Its HTTP status, where the function set one.';
comment on column core.idempotency_keys.headers is 'Its headers, where the function set any.';
comment on column core.idempotency_keys.created_at is 'When it was called.';
create index if not exists idempotency_keys_created on core.idempotency_keys (created_at);
grant select, insert, update on core.idempotency_keys to authenticator;

insert into core.user_data (relation, user_column, erase_order, erase_with, description) values
(
    'core.idempotency_keys', 'caller_id', 50, null,
    'What your app was answered in the last 24 hours, where it had asked for the same answer to a retry.'
)
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description;

-- source: sql/partitions/period_times.sql sha256:d97ec8deabfa31675d0cdc2f801163405e4aa39cb625ed1499dd8c7dc1699ff5
create or replace function core.period_times(p_parent regclass) returns tstzmultirange
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(range_agg(tstzrange(p.lower_bound, p.upper_bound)), '{}') from core.periods(p_parent) as p
$$;

comment on function core.period_times(regclass) is
'The times whose rows a partition set takes now: those of its attached periods.';
revoke all on function core.period_times(regclass) from public;
grant execute on function core.period_times(regclass) to saferoute_api, saferoute_ingest;

-- source: sql/partitions/periods.sql sha256:9d81a8661d0a121de5aeeb7444084f06d648afe1dec28bcdb3fcff76aba81a83
create or replace function core.periods(p_parent regclass)
returns table (period regclass, lower_bound timestamptz, upper_bound timestamptz)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select c.oid::regclass, bounds[1]::timestamptz, bounds[2]::timestamptz
from pg_catalog.pg_inherits as i
inner join pg_catalog.pg_class as c on c.oid = i.inhrelid
cross join lateral regexp_match(
    pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
) as bounds
where i.inhparent = p_parent and not i.inhdetachpending and bounds is not null
order by 2
$$;

comment on function core.periods(regclass) is
'The attached periods of a partition set with their bounds (UTC, upper exclusive), read from the catalogue and never from names.';
revoke all on function core.periods(regclass) from public;
grant execute on function core.periods(regclass) to saferoute_api, saferoute_ingest;

-- source: sql/functions/accounts/check_code.sql sha256:d48f19fd05c265bf5b9880540177682789497a6de3c144b902040dfe64412e99
create or replace function core.check_code(
    p_purpose text, p_address text, p_user_id uuid, p_code text
) returns boolean
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_code core.codes;
begin
    select c.* into v_code
    from core.codes as c
    where c.purpose = p_purpose and c.address = p_address and c.user_id is not distinct from p_user_id
        and c.expires_at > clock_timestamp() and c.tries < 5
    for update;
    if not found then
        return false;
    end if;
    if v_code.digest = core.code_digest(v_code.code_id, p_code) then
        return true;
    end if;
    update core.codes as c set tries = c.tries + 1 where c.purpose = p_purpose and c.address = p_address;
    return false;
end
$$;

comment on function core.check_code(text, text, uuid, text) is
'Whether this is the code that was sent for p_purpose to an address, in the last ten minutes, and fewer than five others were tried. A wrong one is counted. p_user_id is who is signed in, or null.';
revoke all on function core.check_code(text, text, uuid, text) from public;
grant execute on function core.check_code(text, text, uuid, text) to saferoute_auth;

-- source: sql/functions/accounts/code_digest.sql sha256:8433a4b69e3a69798aeda5eda425c8ef282e1ad43c4170f92f31e4b5a65c951e
create or replace function core.code_digest(p_code_id uuid, p_code text) returns bytea
language sql immutable strict parallel safe security invoker
as $$
select sha256(convert_to(p_code_id::text || p_code, 'UTF8'))
$$;

comment on function core.code_digest(uuid, text) is
'What is kept of a code: SHA-256 of its id, which salts it, and its digits.';
revoke all on function core.code_digest(uuid, text) from public;
grant execute on function core.code_digest(uuid, text) to saferoute_api, saferoute_auth;

-- source: sql/functions/accounts/find_sign_in.sql sha256:b13705d656dc9d21344880965d1e829f016badb48b0dbcb3a5c518e5be3f3cb3
create or replace function core.find_sign_in(p_address text) returns table (user_id uuid, password_hash text)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select u.user_id, u.password_hash
from core.users as u
where u.phone = p_address or u.email = p_address
$$;

comment on function core.find_sign_in(text) is
'The account of a phone number (E.164) or an e-mail address (lower case), with what its password is checked against; no row where there is none.';
revoke all on function core.find_sign_in(text) from public;
grant execute on function core.find_sign_in(text) to saferoute_auth;

-- source: sql/functions/accounts/has_account.sql sha256:002e3269000585c582ccfefb12fefe3949a16887ce908a3d154dc0b132d3c200
create or replace function core.has_account(p_user_id uuid) returns boolean
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select exists (select from core.users as u where u.user_id = p_user_id)
$$;

comment on function core.has_account(uuid) is
'Whether the person of a session still has an account: it may have been erased.';
revoke all on function core.has_account(uuid) from public;
grant execute on function core.has_account(uuid) to saferoute_auth;

-- source: sql/functions/accounts/password_of.sql sha256:1b438be8d11885806d0d251edd3aa79c48a6dd08a4ebd23cad4047b553f7a66f
create or replace function core.password_of(p_user_id uuid) returns text
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select u.password_hash from core.users as u where u.user_id = p_user_id
$$;

comment on function core.password_of(uuid) is
'What the password of an account is checked against; null where the person has no account here.';
revoke all on function core.password_of(uuid) from public;
grant execute on function core.password_of(uuid) to saferoute_auth;

-- source: sql/functions/accounts/random_code.sql sha256:ff191e572a8facc4bc6b445b8886befd5614ee7ba49e9c8ee37b0d965e9bbcae
create or replace function core.random_code() returns text
language sql volatile parallel safe security invoker
as $$
-- 122 random bits, of which 20 are kept.
select lpad((('x' || left(encode(sha256(uuid_send(gen_random_uuid())), 'hex'), 15))::bit(60)::bigint % 1000000)::text, 6, '0')
$$;

comment on function core.random_code() is
'Six random digits.';
revoke all on function core.random_code() from public;
grant execute on function core.random_code() to saferoute_api, saferoute_auth;

-- source: sql/functions/accounts/replace_password_hash.sql sha256:7e709decf064d7d8fbfd463d6e6416a44a696f6437ae37bcb419bfcc90bd26bb
create or replace function core.replace_password_hash(p_user_id uuid, p_old text, p_new text) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
update core.users as u set password_hash = p_new where u.user_id = p_user_id and u.password_hash = p_old
$$;

comment on function core.replace_password_hash(uuid, text, text) is
'Keep the same password with newer parameters, unless it was changed meanwhile.';
revoke all on function core.replace_password_hash(uuid, text, text) from public;
grant execute on function core.replace_password_hash(uuid, text, text) to saferoute_auth;

-- source: sql/functions/accounts/request_code.sql sha256:03a4041ecfa8b110c21a329d518a96e8c2a2d6cf61e95065bef493d24c9305f3
create or replace function core.request_code(
    p_purpose text, p_channel text, p_address text, p_language text, p_user_id uuid
) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_code_id uuid := gen_random_uuid();
    v_code text := core.random_code();
    v_expires_at timestamptz := clock_timestamp() + interval '10 minutes';
    v_user core.users;
    v_template text := p_purpose;
    v_parameters jsonb := jsonb_build_object('code', v_code, 'expires_at', v_expires_at);
begin
    select u.* into v_user from core.users as u where u.phone = p_address or u.email = p_address;
    -- Whether there is an account is told to the phone or the mailbox only: whoever asks sees the same work done.
    if p_purpose = 'reset_password' and not found then
        v_template := 'no_account';
        v_parameters := v_parameters - 'code';
    end if;
    delete from core.codes as c where c.code_id = any(array(
        select e.code_id from core.codes as e where e.expires_at < now() - interval '1 hour' limit 20 for update skip locked
    ));
    insert into core.codes (purpose, address, code_id, channel, user_id, digest, expires_at)
    values (
        p_purpose, p_address, v_code_id, p_channel, p_user_id, core.code_digest(v_code_id, v_code), v_expires_at
    )
    on conflict (purpose, address) do update set
        code_id = excluded.code_id,
        channel = excluded.channel,
        user_id = excluded.user_id,
        digest = excluded.digest,
        tries = 0,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at;
    -- Raised, so that the code before this one stays good where no message goes out.
    if core.enqueue_message(
        p_user_id, p_channel, p_address, v_template, coalesce(v_user.language, p_language), v_parameters
    ) <> 'queued' then
        perform core.fail('SR046');
    end if;
end
$$;

comment on function core.request_code(text, text, text, text, uuid) is
'Send a code for p_purpose (sign_up, reset_password, verify) to an address, in place of the one before; SR046 where a limit refuses the message. Who asks to reset the password of no account sends a message that says so. p_user_id is who is signed in, or null.';
revoke all on function core.request_code(text, text, text, text, uuid) from public;
grant execute on function core.request_code(text, text, text, text, uuid) to saferoute_auth;

-- source: sql/functions/accounts/reset_password.sql sha256:b97e6452a07fe29fa86a213453ffd9357435e11de8e451dd5ec8375e5263e5b9
create or replace function core.reset_password(
    p_address text, p_code text, p_password_hash text, out user_id uuid, out refusal text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if core.check_code('reset_password', p_address, null, p_code) then
        delete from core.codes as c where c.purpose = 'reset_password' and c.address = p_address;
        update core.users as u
        set password_hash = p_password_hash, password_changed_at = now()
        where u.phone = p_address or u.email = p_address
        returning u.user_id into user_id;
    end if;
    if user_id is null then
        refusal := 'SR042';
    end if;
end
$$;

comment on function core.reset_password(text, text, text) is
'Set a new password for the account of the address that a code was sent to, and use the code up; its user_id, or SR042 where the code is wrong (counted).';
revoke all on function core.reset_password(text, text, text) from public;
grant execute on function core.reset_password(text, text, text) to saferoute_auth;

-- source: sql/functions/accounts/sign_up.sql sha256:417acae17f6ac15c08944b6c5ade8cc767116b4710c36d7fb02fe1c18499582f
create or replace function core.sign_up(
    p_channel text, p_address text, p_code text, p_password_hash text, p_language text, out user_id uuid, out refusal text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not core.check_code('sign_up', p_address, null, p_code) then
        refusal := 'SR042';
        return;
    end if;
    insert into core.users as u (
        user_id, phone, phone_verified_at, email, email_verified_at, password_hash, language
    )
    select
        core.uuid_v7(), n.phone, case when n.phone is not null then now() end,
        n.email, case when n.email is not null then now() end, p_password_hash, p_language
    from (
        values (case p_channel when 'sms' then p_address end, case p_channel when 'email' then p_address end)
    ) as n (phone, email)
    on conflict do nothing
    returning u.user_id into user_id;
    -- The code stays until it expires: a retry whose answer was lost hears that there is an account now.
    if user_id is null then
        refusal := 'SR043';
    end if;
end
$$;

comment on function core.sign_up(text, text, text, text, text) is
'Make an account for the address that a code was sent to; its user_id, or why not: SR042 for a wrong code (counted), SR043 where the address has an account, which nobody learns without the code.';
revoke all on function core.sign_up(text, text, text, text, text) from public;
grant execute on function core.sign_up(text, text, text, text, text) to saferoute_auth;

-- source: sql/functions/accounts/verify_address.sql sha256:0c4f3ce8e6401a78f0d2c08898e51aff4c1e91fbcc21092eacdd0c25daa8d6bd
create or replace function core.verify_address(
    p_user_id uuid, p_channel text, p_address text, p_code text
) returns text
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_user core.users;
    v_before text;
begin
    if not core.check_code('verify', p_address, p_user_id, p_code) then
        return 'SR042';
    end if;
    delete from core.codes as c where c.purpose = 'verify' and c.address = p_address;
    select u.* into v_user from core.users as u where u.user_id = p_user_id for update;
    if not found then
        return 'SR048';
    end if;
    begin
        if p_channel = 'sms' then
            v_before := v_user.phone;
            update core.users as u set phone = p_address, phone_verified_at = now() where u.user_id = p_user_id;
        else
            v_before := v_user.email;
            update core.users as u set email = p_address, email_verified_at = now() where u.user_id = p_user_id;
        end if;
    exception
        when unique_violation then
            return 'SR043';
    end;
    -- Where a thief did this, the owner hears of it; a limit that refuses the message changes nothing.
    if v_before <> p_address then
        perform core.enqueue_message(p_user_id, p_channel, v_before, 'address_changed', v_user.language, '{}');
    end if;
    return null;
end
$$;

comment on function core.verify_address(uuid, text, text, text) is
'Give the account of a person the address that a code was sent to, in place of the one before, which is told; null, or why not: SR042 for a wrong code (counted), SR043 where the address has an account, SR048 where the person has none.';
revoke all on function core.verify_address(uuid, text, text, text) from public;
grant execute on function core.verify_address(uuid, text, text, text) to saferoute_auth;

-- source: sql/functions/api/accept_contact.sql sha256:6ebfe9fee4bd0af8edd4d3c6e819f74a4c0d38cca2bba5f1062f9471e06d16dc
create or replace function api.accept_contact(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.answer_by_link(token, true)
$$;

comment on function api.accept_contact(text) is
'A contact agrees to be alerted, without an account. Also changes an earlier no.';
alter function api.accept_contact(text) owner to saferoute_api;
revoke all on function api.accept_contact(text) from public;
grant execute on function api.accept_contact(text) to web_anon, authenticated;

-- source: sql/functions/api/add_contact.sql sha256:b9083e3170afc99bc900648b3d06d6016d691a407ff793a14cde7021f483bcca
create or replace function api.add_contact(
    contact_id uuid,
    name text,
    channel text,
    address text,
    from_name text,
    priority integer default null,
    language text default 'en'
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.add_contact(core.require_user(), contact_id, name, channel, address, from_name, priority, language)
$$;

comment on function api.add_contact(uuid, text, text, text, text, integer, text) is
'Name an emergency contact under an id the client makes (UUIDv7) and ask them for consent: they get a message with a link and a code, by channel (sms or email). from_name is how you introduce yourself to them. priority (1 first) is after the others where it is not given. The same call again returns the contact and sends nothing.';
alter function api.add_contact(uuid, text, text, text, text, integer, text) owner to saferoute_api;
revoke all on function api.add_contact(uuid, text, text, text, text, integer, text) from public;
grant execute on function api.add_contact(uuid, text, text, text, text, integer, text) to authenticated;

-- source: sql/functions/api/contact_invitation.sql sha256:b2a1623914a2711f7f6c7e16d09dd6feaac06628180a94ecd0c9936c48d3a432
create or replace function api.contact_invitation(token text) returns json
language sql stable parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.contact_invitation(token)
$$;

comment on function api.contact_invitation(text) is
'The invitation that a contact was sent a link to: who asks, the statement they would agree to, and what they have answered. token is what follows # in the link.';
alter function api.contact_invitation(text) owner to saferoute_api;
revoke all on function api.contact_invitation(text) from public;
grant execute on function api.contact_invitation(text) to web_anon, authenticated;

-- source: sql/functions/api/crimes_near.sql sha256:7dc66e8c10c3eca66ddbd16d41602c40739f07ad4e91e14ccfd65af6aa4d811d
create or replace function api.crimes_near(
    lon float8,
    lat float8,
    radius_m float8 default 250,
    since timestamptz default null,
    until timestamptz default null
) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.crimes_near(
    core.position(crimes_near.lon, crimes_near.lat), crimes_near.radius_m, crimes_near.since, crimes_near.until)
$$;

comment on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) is
'Reported crimes within radius_m (at most 5,000) of a position, nearest first, at most 1,000: GeoJSON. Without since and until, those of the last 12 months that the city''s data covers. is_covered false: no source reports there, so none found means nothing.';
alter function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) owner to saferoute_api;
revoke all on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) from public;
grant execute on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) to web_anon, authenticated, integrator;

-- source: sql/functions/api/decline_contact.sql sha256:471502248205f58f27de93aacb8b617c8b66b5c4e4e576c9810e7900d3f99ece
create or replace function api.decline_contact(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.answer_by_link(token, false)
$$;

comment on function api.decline_contact(text) is
'A contact does not want to be one. Who had agreed withdraws with it.';
alter function api.decline_contact(text) owner to saferoute_api;
revoke all on function api.decline_contact(text) from public;
grant execute on function api.decline_contact(text) to web_anon, authenticated;

-- source: sql/functions/api/my_contacts.sql sha256:e5b83f52adb7aa95c1a47e4bc7c25b83600ce053a8b6857e4dacef71be873f4e
create or replace function api.my_contacts() returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_contacts(core.require_user())
$$;

comment on function api.my_contacts() is
'The caller''s emergency contacts in the order in which they are told, each with its state: invited, accepted, declined, withdrawn. Only those who have accepted are alerted.';
alter function api.my_contacts() owner to saferoute_api;
revoke all on function api.my_contacts() from public;
grant execute on function api.my_contacts() to authenticated;

-- source: sql/functions/api/remove_contact.sql sha256:8bff0e8b2699beffb7aba648f032246d051490f405d2fb67041d612b13025754
create or replace function api.remove_contact(contact_id uuid) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.remove_contact(core.require_user(), contact_id)
$$;

comment on function api.remove_contact(uuid) is
'Remove an emergency contact: their name, address and links are gone.';
alter function api.remove_contact(uuid) owner to saferoute_api;
revoke all on function api.remove_contact(uuid) from public;
grant execute on function api.remove_contact(uuid) to authenticated;

-- source: sql/functions/api/reorder_contacts.sql sha256:b718f56af94472f27b305a10b8753001c5cb431af75d5247a6acefedd80af5b9
create or replace function api.reorder_contacts(contact_ids uuid[]) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.reorder_contacts(core.require_user(), contact_ids)
$$;

comment on function api.reorder_contacts(uuid[]) is
'Set who is told first: contact_ids names each of the caller''s contacts once.';
alter function api.reorder_contacts(uuid[]) owner to saferoute_api;
revoke all on function api.reorder_contacts(uuid[]) from public;
grant execute on function api.reorder_contacts(uuid[]) to authenticated;

-- source: sql/functions/api/resend_contact_invitation.sql sha256:b2265420fb11b8317687060cbb0a622e859ca4872f2d6855c5ea9999aad42d7a
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

-- source: sql/functions/api/risk_at.sql sha256:d0f367d110adc55b7f459d6694a8568f4db1dc04664ff9f3c834e436b838dfc4
create or replace function api.risk_at(lon float8, lat float8, at timestamptz default now()) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.risk_at(core.position(risk_at.lon, risk_at.lat), risk_at.at)
$$;

comment on function api.risk_at(float8, float8, timestamptz) is
'Risk (0 to 1) of the street nearest to a position at a time; null, with is_known false, where no source reports.';
alter function api.risk_at(float8, float8, timestamptz) owner to saferoute_api;
revoke all on function api.risk_at(float8, float8, timestamptz) from public;
grant execute on function api.risk_at(float8, float8, timestamptz) to web_anon, authenticated, integrator;

-- source: sql/functions/api/route_safety.sql sha256:a7fd1e6c55b6fad179be3114e4e4bbbcdcfdcccebe52171eb2ac9a72e171edc1
create or replace function api.route_safety(route text, at timestamptz default now()) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.route_safety(route_safety.route, route_safety.at)
$$;

alter function api.route_safety(text, timestamptz) owner to saferoute_api;
comment on function api.route_safety(text, timestamptz) is
'How safe a given walk is at a time. `route` is a GeoJSON LineString, a Feature of one, or an encoded polyline of precision 5 or 6 (told apart by where it lies). Answers score (100 * (1 - risk), higher is safer, null where no source covers any of it), risk (0 to 1), covered_share and segments of 100 m.';
revoke all on function api.route_safety(text, timestamptz) from public;
grant execute on function api.route_safety(text, timestamptz) to web_anon, authenticated, integrator;

-- source: sql/functions/api/safe_routes.sql sha256:40dcce64cd7a094590fed2cede7291477cf2cf7d288c669f9bc45304acfd721f
create or replace function api.safe_routes(
    from_lon float8,
    from_lat float8,
    to_lon float8,
    to_lat float8,
    depart_at timestamptz default now(),
    aversions float8[] default '{0,3,12}'
) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.safe_routes(
    core.position(safe_routes.from_lon, safe_routes.from_lat),
    core.position(safe_routes.to_lon, safe_routes.to_lat),
    safe_routes.depart_at, safe_routes.aversions)
$$;

alter function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) owner to saferoute_api;
comment on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) is
'The walk from one position to another that is best for each aversion: GeoJSON. Cost of a stretch is length * (1 + aversion * risk at depart_at); aversions 0 / 3 / 12 give shortest / balanced / safest. Each feature says length_m, duration_s, exposure (metres weighed with their risk), risk (0 to 1), the differences to the shortest, and covered_share: below 0.8 no walk is called safest.';
revoke all on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) from public;
grant execute on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[])
to web_anon, authenticated, integrator;

-- source: sql/functions/api/update_contact.sql sha256:172f393a123fdf807f1d75a7ec3fa5dfe9d22e090ae247f56a6319ca25685d1d
create or replace function api.update_contact(
    contact_id uuid,
    name text default null,
    channel text default null,
    address text default null,
    from_name text default null,
    language text default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.update_contact(core.require_user(), contact_id, name, channel, address, from_name, language)
$$;

comment on function api.update_contact(uuid, text, text, text, text, text) is
'Change what is given. A new address is asked for consent anew; until it is given the contact is not alerted.';
alter function api.update_contact(uuid, text, text, text, text, text) owner to saferoute_api;
revoke all on function api.update_contact(uuid, text, text, text, text, text) from public;
grant execute on function api.update_contact(uuid, text, text, text, text, text) to authenticated;

-- source: sql/functions/api/verify_contact.sql sha256:e53542e765fe6f30eef3e977d099b1d2b6445e09853b7206ad47609b1e5dbba2
create or replace function api.verify_contact(contact_id uuid, code text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.verify_contact(core.require_user(), contact_id, code)
$$;

comment on function api.verify_contact(uuid, text) is
'The contact accepts by reading the code of their message to the walker, who types it. Five wrong codes void it: resend_contact_invitation sends another.';
alter function api.verify_contact(uuid, text) owner to saferoute_api;
revoke all on function api.verify_contact(uuid, text) from public;
grant execute on function api.verify_contact(uuid, text) to authenticated;

-- source: sql/functions/api/withdraw_contact.sql sha256:c326501e15623fee4836ce59f5aa9b892e4f8da10e89a776ec56cd0b64d8241b
create or replace function api.withdraw_contact(token text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.answer_by_link(token, false)
$$;

comment on function api.withdraw_contact(text) is
'A contact withdraws their consent, at any time, without an account. Who had not agreed declines with it.';
alter function api.withdraw_contact(text) owner to saferoute_api;
revoke all on function api.withdraw_contact(text) from public;
grant execute on function api.withdraw_contact(text) to web_anon, authenticated;

-- source: sql/functions/api_keys/create_api_key.sql sha256:1350e6d3d0c3c9252f77ccc9f44304e65296d4f0a79d2efa9b9d147908ad6a19
create or replace function ops.create_api_key(
    p_name text,
    p_contact text,
    p_scopes text[],
    p_expires_at timestamptz default null,
    out api_key_id uuid,
    out api_key text
) returns record
language plpgsql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
declare
    v_unknown text;
begin
    select string_agg(distinct coalesce(s.scope, 'null'), ', ') into v_unknown
    from unnest(p_scopes) as s (scope)
    where not exists (select from core.endpoint_classes as c where c.class = s.scope);
    if v_unknown is not null or coalesce(cardinality(p_scopes), 0) = 0 then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = coalesce('no such scope: ' || v_unknown, 'a key needs a scope'),
            hint = (select 'There are ' || string_agg(c.class, ', ' order by c.class) from core.endpoint_classes as c);
    end if;
    if not coalesce(length(p_name) between 1 and 100 and length(p_contact) between 1 and 200, false) then
        raise exception using
            errcode = 'invalid_parameter_value', message = 'a key has a name (up to 100 characters) and a contact (up to 200)';
    end if;
    if p_expires_at <= now() then
        raise exception using
            errcode = 'invalid_parameter_value', message = format('%s has passed: the key would never be valid', p_expires_at);
    end if;
    api_key_id := gen_random_uuid();
    api_key := format('sr_%s_%s', replace(api_key_id::text, '-', ''), core.random_token());
    insert into core.api_keys (api_key_id, name, contact, digest, scopes, expires_at)
    values (
        create_api_key.api_key_id, p_name, p_contact, sha256(convert_to(create_api_key.api_key, 'UTF8')),
        array(select distinct s.scope from unnest(p_scopes) as s (scope) order by s.scope), p_expires_at
    );
end
$$;

comment on function ops.create_api_key(text, text, text[], timestamptz) is
'Make an API key for an integrator: p_name says whose program it is, p_contact whom to write to, p_scopes which classes of endpoints (core.endpoint_classes) it may call. The key itself is in this answer and nowhere else.';
revoke all on function ops.create_api_key(text, text, text[], timestamptz) from public;
grant execute on function ops.create_api_key(text, text, text[], timestamptz) to operator;

-- source: sql/functions/api_keys/limit_api_key.sql sha256:f8028abf79c767976124ab28edc405757f732022c536e38d0f6d213708497a78
create or replace function ops.limit_api_key(p_api_key_id uuid, p_class text, p_amount integer, p_window_s integer)
returns void
language plpgsql volatile strict parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
begin
    if not exists (select from core.api_keys as k where k.api_key_id = p_api_key_id) then
        raise exception using errcode = 'no_data_found', message = format('there is no API key %s', p_api_key_id);
    end if;
    insert into core.rate_limits (class, subject, api_key_id, amount, window_s)
    values (p_class, 'api_key', p_api_key_id, p_amount, p_window_s)
    on conflict (class, subject, api_key_id) do update set amount = excluded.amount, window_s = excluded.window_s;
exception when check_violation or foreign_key_violation then
    raise exception using
        errcode = 'invalid_parameter_value',
        message = format('%s=%s/%s is no limit', p_class, p_amount, p_window_s),
        hint = 'A class of core.endpoint_classes other than sos, 1 to 1,000,000 calls, 1 to 86,400 seconds.';
end
$$;

comment on function ops.limit_api_key(uuid, text, integer, integer) is
'Let an API key make p_amount calls of class p_class in p_window_s seconds, instead of what core.rate_limits says of all keys.';
revoke all on function ops.limit_api_key(uuid, text, integer, integer) from public;
grant execute on function ops.limit_api_key(uuid, text, integer, integer) to operator;

-- source: sql/functions/api_keys/live_api_keys.sql sha256:43e7fc9cffab03e87e6627125790c752dd85d11aeeca8cc24148602f574bc3ca
create or replace function core.live_api_keys()
returns table (api_key_id uuid, digest bytea, scopes text[], expires_at timestamptz)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select k.api_key_id, k.digest, k.scopes, k.expires_at
from core.api_keys as k
where k.revoked_at is null and coalesce(k.expires_at > now(), true)
$$;

comment on function core.live_api_keys() is
'Every API key that may be used now. The API reads all of them: so it knows an unknown key without asking, however many are tried.';
revoke all on function core.live_api_keys() from public;
grant execute on function core.live_api_keys() to authenticator;

-- source: sql/functions/api_keys/note_api_key_used.sql sha256:3b462ba81d62c8d7329489b3f2872875d55fadea0844cbbae27c526242a428e5
create or replace function core.note_api_key_used(p_api_key_id uuid) returns void
language sql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
update core.api_keys as k set last_used_at = now()
where k.api_key_id = p_api_key_id and coalesce(k.last_used_at < now() - interval '1 hour', true)
$$;

comment on function core.note_api_key_used(uuid) is
'Remember that an API key is in use: to the hour, so that using it costs no writes.';
revoke all on function core.note_api_key_used(uuid) from public;
grant execute on function core.note_api_key_used(uuid) to authenticator;

-- source: sql/functions/api_keys/revoke_api_key.sql sha256:3ce32895380e1cd8c28ea93634b49e37e05e35c6957c4fe07f310256771fe751
create or replace function ops.revoke_api_key(p_api_key_id uuid) returns timestamptz
language plpgsql volatile strict parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
declare
    v_revoked_at timestamptz;
begin
    update core.api_keys as k set revoked_at = coalesce(k.revoked_at, now())
    where k.api_key_id = p_api_key_id
    returning k.revoked_at into v_revoked_at;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('there is no API key %s', p_api_key_id);
    end if;
    return v_revoked_at;
end
$$;

comment on function ops.revoke_api_key(uuid) is
'End an API key: every API process refuses it at once, one that could not be told within 30 s. Since when it is revoked; a key that is revoked keeps its time.';
revoke all on function ops.revoke_api_key(uuid) from public;
grant execute on function ops.revoke_api_key(uuid) to operator;

-- source: sql/functions/auth/check_code.sql sha256:5f3a6480a08cedf43aa156f11a7eaa79cf1400eb7f2e5bc602dcb929624c26ed
create or replace function auth.check_code(
    p_purpose text, p_address text, p_user_id uuid, p_code text
) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.check_code(p_purpose, p_address, p_user_id, p_code)
$$;

comment on function auth.check_code(text, text, uuid, text) is
'Before a password is hashed, which is dear: see core.check_code.';
alter function auth.check_code(text, text, uuid, text) owner to saferoute_auth;
revoke all on function auth.check_code(text, text, uuid, text) from public;
grant execute on function auth.check_code(text, text, uuid, text) to authenticator;

-- source: sql/functions/auth/find_sign_in.sql sha256:5f000b853748d17f09205a9cf85f9f488d27d985a15bc0e9711625f24cfea19a
create or replace function auth.find_sign_in(p_address text) returns table (user_id uuid, password_hash text)
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select * from core.find_sign_in(p_address)
$$;

comment on function auth.find_sign_in(text) is
'POST /auth/sign-in: see core.find_sign_in.';
alter function auth.find_sign_in(text) owner to saferoute_auth;
revoke all on function auth.find_sign_in(text) from public;
grant execute on function auth.find_sign_in(text) to authenticator;

-- source: sql/functions/auth/has_account.sql sha256:a605dc17b719e4ce653643f78d4d6155b76c0145e3ce5aaae5d1af51b9f09678
create or replace function auth.has_account(p_user_id uuid) returns boolean
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.has_account(p_user_id)
$$;

comment on function auth.has_account(uuid) is
'POST /auth/refresh: see core.has_account.';
alter function auth.has_account(uuid) owner to saferoute_auth;
revoke all on function auth.has_account(uuid) from public;
grant execute on function auth.has_account(uuid) to authenticator;

-- source: sql/functions/auth/password_of.sql sha256:8af1266f04304ff8d18dd54fed74589f3fa4382ff1677f9cea714b693c1e4ad0
create or replace function auth.password_of(p_user_id uuid) returns text
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.password_of(p_user_id)
$$;

comment on function auth.password_of(uuid) is
'POST /auth/verify: see core.password_of.';
alter function auth.password_of(uuid) owner to saferoute_auth;
revoke all on function auth.password_of(uuid) from public;
grant execute on function auth.password_of(uuid) to authenticator;

-- source: sql/functions/auth/replace_password_hash.sql sha256:cd360af1e47c632feac30eaf36796a4d82d072f2c367ec3db3c740fcfdd1f8c1
create or replace function auth.replace_password_hash(p_user_id uuid, p_old text, p_new text) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.replace_password_hash(p_user_id, p_old, p_new)
$$;

comment on function auth.replace_password_hash(uuid, text, text) is
'POST /auth/sign-in: see core.replace_password_hash.';
alter function auth.replace_password_hash(uuid, text, text) owner to saferoute_auth;
revoke all on function auth.replace_password_hash(uuid, text, text) from public;
grant execute on function auth.replace_password_hash(uuid, text, text) to authenticator;

-- source: sql/functions/auth/request_code.sql sha256:9c8b86c861c4ab4deef2800f1d0e33627438388c39cf25805e21900bff677711
create or replace function auth.request_code(
    p_purpose text, p_channel text, p_address text, p_language text, p_user_id uuid
) returns void
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.request_code(p_purpose, p_channel, p_address, p_language, p_user_id)
$$;

comment on function auth.request_code(text, text, text, text, uuid) is
'POST /auth/codes: see core.request_code.';
alter function auth.request_code(text, text, text, text, uuid) owner to saferoute_auth;
revoke all on function auth.request_code(text, text, text, text, uuid) from public;
grant execute on function auth.request_code(text, text, text, text, uuid) to authenticator;

-- source: sql/functions/auth/reset_password.sql sha256:35622ed1fe14c2794e537e2fd9cf6799178089fb7c39a63bf388ff513f52b601
create or replace function auth.reset_password(
    p_address text, p_code text, p_password_hash text, out user_id uuid, out refusal text
) returns record
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select * from core.reset_password(p_address, p_code, p_password_hash)
$$;

comment on function auth.reset_password(text, text, text) is
'POST /auth/reset-password: see core.reset_password.';
alter function auth.reset_password(text, text, text) owner to saferoute_auth;
revoke all on function auth.reset_password(text, text, text) from public;
grant execute on function auth.reset_password(text, text, text) to authenticator;

-- source: sql/functions/auth/sign_up.sql sha256:e4a1d30eacd1b41fb68f185bcfecd0954787749cd2c49e7d3abc3966771fa197
create or replace function auth.sign_up(
    p_channel text, p_address text, p_code text, p_password_hash text, p_language text, out user_id uuid, out refusal text
) returns record
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select * from core.sign_up(p_channel, p_address, p_code, p_password_hash, p_language)
$$;

comment on function auth.sign_up(text, text, text, text, text) is
'POST /auth/sign-up: see core.sign_up.';
alter function auth.sign_up(text, text, text, text, text) owner to saferoute_auth;
revoke all on function auth.sign_up(text, text, text, text, text) from public;
grant execute on function auth.sign_up(text, text, text, text, text) to authenticator;

-- source: sql/functions/auth/verify_address.sql sha256:27aeb0da70236f850e33bea8f0c7d09d49f3f33d38bfa8ded04b091f0be2ac35
create or replace function auth.verify_address(
    p_user_id uuid, p_channel text, p_address text, p_code text
) returns text
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.verify_address(p_user_id, p_channel, p_address, p_code)
$$;

comment on function auth.verify_address(uuid, text, text, text) is
'POST /auth/verify: see core.verify_address.';
alter function auth.verify_address(uuid, text, text, text) owner to saferoute_auth;
revoke all on function auth.verify_address(uuid, text, text, text) from public;
grant execute on function auth.verify_address(uuid, text, text, text) to authenticator;

-- source: sql/functions/common/call.sql sha256:61b141155c9c28214cae3cb6d10b0089aca0d7be96765c4006513670a7ff219c
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
end
$$;

comment on function core.call(text, boolean, text, text, text, text, text, text, json) is
'One request of the API in one statement: become p_role, say who calls and how, run p_statement (text the API built from pg_proc, $1 = p_arguments) and return its one value as body. A function that sets response.status or response.headers (a JSON array of one-key objects) for its transaction answers with these. All that is set ends with the transaction. p_application is the application_name while it runs: it names the request. SECURITY INVOKER: a role cannot be switched inside a definer function.';
revoke all on function core.call(text, boolean, text, text, text, text, text, text, json) from public;
grant execute on function core.call(text, boolean, text, text, text, text, text, text, json) to authenticator;

-- source: sql/functions/common/call_once.sql sha256:d5b4c72a6353dd76a294b693c754356a0d66eaa68b89ed0d56abefd5150a2883
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
        values (v_caller_id, p_key, p_endpoint, v_digest, body, status, headers)
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

-- source: sql/functions/common/current_caller_id.sql sha256:2d76f27b824eb95787072759987e9fe34273d5b8e70c96f6b9dd9fda6d0ffa54
create or replace function core.current_caller_id() returns uuid
language sql stable parallel safe security invoker
as $$
select coalesce(
    core.current_user_id(), (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'api_key_id')::uuid
)
$$;

comment on function core.current_caller_id() is
'The person or the API key that calls; null for an anonymous caller. Inlined, so it has no search_path of its own.';
revoke all on function core.current_caller_id() from public;
grant execute on function core.current_caller_id() to authenticator;

-- source: sql/functions/common/current_user_id.sql sha256:8d2d9dc60a94b0948749d460f31118e25cc3e9354a1edfe44b2a9b723e84382c
create or replace function core.current_user_id() returns uuid
language sql stable parallel safe security invoker
as $$
select nullif(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub', '')::uuid
$$;

comment on function core.current_user_id() is
'The person who calls: the `sub` claim of the verified token, null for an anonymous caller. Inlined, so it has no search_path of its own.';
revoke all on function core.current_user_id() from public;
grant execute on function core.current_user_id() to saferoute_api, authenticator;

-- source: sql/functions/common/fail.sql sha256:2b0231a9d5b00bd984724684446bbde37ea46b29eb830d75198563a11a6d17d9
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
grant execute on function core.fail(text, text) to saferoute_api, saferoute_auth, authenticator;

-- source: sql/functions/common/forget_idempotency_keys.sql sha256:c25c60a7e48f2e98f3ccbd657d19cb6c1cafdc03abc86b28bcdcc5552029d82a
create or replace function core.forget_idempotency_keys(p_limit integer default 1000) returns bigint
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_forgotten bigint;
begin
    delete from core.idempotency_keys as k
    where k.ctid = any(array(
        select o.ctid
        from core.idempotency_keys as o
        where o.created_at < now() - interval '24 hours'
        order by o.created_at
        limit p_limit
        for update skip locked
    ));
    get diagnostics v_forgotten = row_count;
    return v_forgotten;
end
$$;

comment on function core.forget_idempotency_keys(integer) is
'Remove up to p_limit of the answers that have been kept for their 24 hours; how many. 0 means that none is left.';
revoke all on function core.forget_idempotency_keys(integer) from public;

-- source: sql/functions/common/random_token.sql sha256:13664fe111fa151285e45ef24cd4ee4117294f6b24e6a491440d81a8646709ba
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
grant execute on function core.random_token() to saferoute_api;

-- source: sql/functions/common/refuse.sql sha256:398c631b7529f7dfb772830173e1e6d68fc54459e5670b7339f6085bd1799560
create or replace function core.refuse(p_code text, p_detail text default null) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_error core.error_codes;
begin
    select * into strict v_error from core.error_codes where code = p_code;
    perform
        set_config('response.status', v_error.http_status::text, true),
        set_config(
            'response.headers',
            json_build_array(json_build_object('Proxy-Status', 'PostgREST; error=' || v_error.code))::text, true
        );
    return json_build_object(
        'code', v_error.code, 'message', v_error.message, 'details', p_detail, 'hint', v_error.hint
    );
end
$$;

comment on function core.refuse(text, text) is
'One of our own errors as the answer of a call, with its HTTP status and the header that every error has. Unlike core.fail it raises nothing, so what was written (a wrong code counted) stays.';
revoke all on function core.refuse(text, text) from public;
grant execute on function core.refuse(text, text) to saferoute_api, saferoute_auth;

-- source: sql/functions/common/tg_catalogue__notify.sql sha256:f5ec3e79241bcee215e2ed59f1b36a5c7e7a4b454bc3de165a66e51281130bd7
create or replace function core.tg_catalogue__notify() returns trigger
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    notify saferoute_catalogue;
    return null;
end
$$;

comment on function core.tg_catalogue__notify() is
'Tell every API process to read anew what it keeps of the database: classes, limits, API keys.';
revoke all on function core.tg_catalogue__notify() from public;

-- source: sql/functions/common/uuid_v7.sql sha256:bce3b9c4a5a9dbae57a902bbc3ab29141ffae1cf15512e87bfb15df8590575b9
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
grant execute on function core.uuid_v7() to saferoute_api, saferoute_auth;

-- source: sql/functions/contacts/add_contact.sql sha256:b6a7859e07d6777585ec5acefe9d262cec004b3ec1c51d96a1c906b064c1c8d6
create or replace function core.add_contact(
    p_user_id uuid,
    p_contact_id uuid,
    p_name text,
    p_channel text,
    p_address text,
    p_from_name text,
    p_priority integer,
    p_language text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    c_most constant integer := 10;
    v_name text := core.checked_name('name', p_name, 80);
    v_from_name text := core.checked_from_name(p_from_name);
    v_address text := core.contact_address(p_channel, p_address);
    v_language text := core.checked_language(p_language);
    v_contact core.contacts;
    v_others bigint;
    v_last integer;
begin
    if p_contact_id is null then
        perform core.fail('SR018', 'contact_id is null');
    end if;
    if not coalesce(p_priority, 1) between 1 and 100 then
        perform core.fail('SR018', format('priority is 1 to 100, not %s', p_priority));
    end if;
    perform pg_advisory_xact_lock(hashtextextended('saferoute contacts of ' || p_user_id, 0));

    select c.* into v_contact from core.contacts as c where c.contact_id = p_contact_id and c.user_id = p_user_id;
    if found then
        if (v_contact.name, v_contact.from_name, v_contact.channel, v_contact.address, v_contact.language)
            <> (v_name, v_from_name, p_channel, v_address, v_language)
            or v_contact.priority <> p_priority
        then
            perform core.fail('SR051', format('contact %s', p_contact_id));
        end if;
        return core.contact_summary(v_contact);
    end if;

    if exists (
        select from core.contacts as c where c.user_id = p_user_id and c.channel = p_channel and c.address = v_address
    ) then
        perform core.fail('SR052');
    end if;
    select count(*), max(c.priority) into v_others, v_last from core.contacts as c where c.user_id = p_user_id;
    if v_others >= c_most then
        perform core.fail('SR053');
    end if;

    insert into core.contacts (contact_id, user_id, name, from_name, channel, address, language, priority)
    values (
        p_contact_id, p_user_id, v_name, v_from_name, p_channel, v_address, v_language,
        coalesce(p_priority, least(coalesce(v_last, 0) + 1, 100))
    )
    on conflict (contact_id) do nothing
    returning * into v_contact;
    if not found then
        -- A row of another person does not exist here, so its id is refused in the same words.
        perform core.fail('SR051', format('contact %s', p_contact_id));
    end if;
    return core.contact_summary(core.invite_contact(v_contact));
end
$$;

comment on function core.add_contact(uuid, uuid, text, text, text, text, integer, text) is
'Name an emergency contact and ask them for consent. The same call again sends nothing and returns the contact as it is now. SR051 where the id is another contact''s, SR052 where the address is there already, SR053 beyond ten, SR045 and SR046 where nothing can be sent there: then nothing is written.';
revoke all on function core.add_contact(uuid, uuid, text, text, text, text, integer, text) from public;
grant execute on function core.add_contact(uuid, uuid, text, text, text, text, integer, text) to saferoute_api;

-- source: sql/functions/contacts/address_digest.sql sha256:94e5664f8c4bca053a378b367f44e0c32be8214bec5c48e9aa176749e439f86f
create or replace function core.address_digest(p_user_id uuid, p_channel text, p_address text) returns bytea
language sql immutable strict parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
select sha256(convert_to(format('%s %s %s', p_user_id, p_channel, p_address), 'UTF8'))
$$;

comment on function core.address_digest(uuid, text, text) is
'What core.contact_consents knows an address by: other for every walker, so that two ledgers cannot be joined.';
revoke all on function core.address_digest(uuid, text, text) from public;
grant execute on function core.address_digest(uuid, text, text) to saferoute_api;

-- source: sql/functions/contacts/answer_by_link.sql sha256:6f48e9c7cc8ba6f06f62dde52dbe1157dd79dd2b756d7693b5243976ca170c84
create or replace function core.answer_by_link(p_token text, p_agrees boolean) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.contact_of_link(p_token);
begin
    select c.* into v_contact from core.contacts as c where c.contact_id = v_contact.contact_id for update;
    if not found then
        perform core.fail('SR054');
    end if;
    if p_agrees and v_contact.state <> 'accepted' then
        v_contact := core.answer_invitation(v_contact, 'accepted', 'link');
    elsif not p_agrees and v_contact.state in ('invited', 'accepted') then
        v_contact := core.answer_invitation(
            v_contact, case v_contact.state when 'invited' then 'declined' else 'withdrawn' end, 'link'
        );
    end if;
    return core.invitation_summary(v_contact);
end
$$;

comment on function core.answer_by_link(text, boolean) is
'A contact says yes or no with the link they were sent; they need no account. No always means no, whatever was said before, and yes after no is a change of mind. The same answer again changes nothing.';
revoke all on function core.answer_by_link(text, boolean) from public;
grant execute on function core.answer_by_link(text, boolean) to saferoute_api;

-- source: sql/functions/contacts/answer_invitation.sql sha256:1defa23f515e224cea3a4878b63be05927c4e1ea117fc5b8b6b3f1e983ad0ec8
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
'Note what a contact answers: p_state accepted, declined or withdrawn, by p_means link or code. The code of the invitation ends.';
revoke all on function core.answer_invitation(core.contacts, text, text) from public;
grant execute on function core.answer_invitation(core.contacts, text, text) to saferoute_api;

-- source: sql/functions/contacts/check_invitations.sql sha256:a02ce3237c672bca4acaa8970e5b5d0685c9663fdcd43860d86210251ddd3945
create or replace function core.check_invitations(p_contact core.contacts) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_digest bytea := core.address_digest(p_contact.user_id, p_contact.channel, p_contact.address);
    v_yes timestamptz;
    v_refusals bigint;
    v_no timestamptz;
    v_asked bigint;
    v_asked_since_no bigint;
begin
    select max(c.recorded_at) into v_yes
    from core.contact_consents as c
    where c.user_id = p_contact.user_id and c.address_digest = v_digest and c.event = 'given';

    select
        count(*) filter (where c.event <> 'invited'), max(c.recorded_at) filter (where c.event <> 'invited'),
        count(*) filter (where c.event = 'invited' and c.recorded_at > now() - interval '30 days')
    into v_refusals, v_no, v_asked
    from core.contact_consents as c
    where c.user_id = p_contact.user_id and c.address_digest = v_digest
        and c.event in ('invited', 'declined', 'withdrawn') and c.recorded_at > coalesce(v_yes, '-infinity');

    select count(*) into v_asked_since_no
    from core.contact_consents as c
    where c.user_id = p_contact.user_id and c.address_digest = v_digest
        and c.event = 'invited' and c.recorded_at > v_no;

    if v_refusals > 1 or v_asked_since_no > 0 then
        perform core.fail('SR046', 'this contact has said no');
    elsif v_no > now() - interval '30 days' then
        perform core.fail('SR046', 'this contact has said no; they can be asked once more, 30 days later');
    elsif v_asked >= 3 then
        perform core.fail('SR046', 'a contact can be asked 3 times in 30 days');
    end if;
end
$$;

comment on function core.check_invitations(core.contacts) is
'SR046 where this walker has asked this address often enough: three times in 30 days; after a no once more, 30 days later, and then never. Removing a contact and adding it anew changes nothing. A contact who accepts after all begins anew.';
revoke all on function core.check_invitations(core.contacts) from public;
grant execute on function core.check_invitations(core.contacts) to saferoute_api;

-- source: sql/functions/contacts/checked_from_name.sql sha256:0da23c2b1c17bc80156453dce47deb36e3616c8c41b4ea3d29fe8342bb54fcb6
create or replace function core.checked_from_name(p_from_name text) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_name text := core.checked_name('from_name', p_from_name, 40);
begin
    -- It stands in a message to a stranger: phones make links of such words.
    if v_name ~ '[/\\:@<>]' or v_name ~ '\w\.\w{2}' or v_name ~ '\d{5}' then
        perform core.fail('SR018', 'from_name could be taken for a link or a number');
    end if;
    return v_name;
end
$$;

comment on function core.checked_from_name(text) is
'By which name a walker introduces themselves; SR018 where it is no name. Strangers read it, so it holds no link and no number to call.';
revoke all on function core.checked_from_name(text) from public;
grant execute on function core.checked_from_name(text) to saferoute_api;

-- source: sql/functions/contacts/checked_language.sql sha256:333ac2930ec3280e3c095bf97d474c809564edda8c52418d869e3a6e473f6fb8
create or replace function core.checked_language(p_language text) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not exists (select from core.consent_wordings as w where w.language = p_language) then
        perform core.fail('SR018', format(
            'language is one of %s', (select string_agg(distinct w.language, ', ') from core.consent_wordings as w)
        ));
    end if;
    return p_language;
end
$$;

comment on function core.checked_language(text) is
'A language in which a contact can be asked; SR018 where core.consent_wordings has none such.';
revoke all on function core.checked_language(text) from public;
grant execute on function core.checked_language(text) to saferoute_api;

-- source: sql/functions/contacts/checked_name.sql sha256:519c3e91b2e99c324bd6d5ba566359fa3729caed8298321abf8590f2b5ada8e4
create or replace function core.checked_name(p_key text, p_name text, p_longest integer) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_name text := btrim(p_name);
begin
    if not coalesce(length(v_name) between 1 and p_longest, false) or v_name ~ '[[:cntrl:]]' then
        perform core.fail('SR018', format('%s is 1 to %s characters in one line', p_key, p_longest));
    end if;
    return v_name;
end
$$;

comment on function core.checked_name(text, text, integer) is
'A name without the spaces around it; SR018 where it is empty, longer than p_longest or has line breaks. p_key is what the caller calls it.';
revoke all on function core.checked_name(text, text, integer) from public;
grant execute on function core.checked_name(text, text, integer) to saferoute_api;

-- source: sql/functions/contacts/contact_address.sql sha256:4f762d93496a04b216573bc2cb3f416300dbfae597a94f366e16c67cc91b682d
create or replace function core.contact_address(p_channel text, p_address text) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_address text;
begin
    if p_channel = 'sms' then
        v_address := regexp_replace(regexp_replace(p_address, '[\s().–/-]', '', 'g'), '^00', '+');
        if v_address ~ '^\+[1-9][0-9]{6,14}$' then
            return v_address;
        end if;
    elsif p_channel = 'email' then
        v_address := lower(btrim(p_address));
        if length(v_address) <= 254
            and v_address ~ '^[a-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&''*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$'
            and length(split_part(v_address, '@', 1)) <= 64
        then
            return v_address;
        end if;
    else
        perform core.fail('SR018', 'channel is sms or email');
    end if;
    perform core.fail('SR045');
end
$$;

comment on function core.contact_address(text, text) is
'An address of the channel (sms or email) as it is stored: E.164 without spaces and brackets, or lower case. SR045 where it cannot be one. Whether anybody is there, the invitation finds out.';
revoke all on function core.contact_address(text, text) from public;
grant execute on function core.contact_address(text, text) to saferoute_api;

-- source: sql/functions/contacts/contact_invitation.sql sha256:00d049ab469b5acf5e41ea63b9e1cfc21a1377dbb85bf9675f40a2295dca0331
create or replace function core.contact_invitation(p_token text) returns json
language sql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select core.invitation_summary(core.contact_of_link(p_token))
$$;

comment on function core.contact_invitation(text) is 'The invitation that a link opens; SR054 where there is none.';
revoke all on function core.contact_invitation(text) from public;
grant execute on function core.contact_invitation(text) to saferoute_api;

-- source: sql/functions/contacts/contact_of_link.sql sha256:56ef3e77dfb2b830e52dd1ba490b9a31060ca57d58e2bdd62136f89fa8477893
create or replace function core.contact_of_link(p_token text) returns core.contacts
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
begin
    -- Policies read it: whoever has no account sees the one row that their link opens.
    perform set_config('request.contact_link', coalesce(encode(sha256(convert_to(p_token, 'UTF8')), 'hex'), ''), true);
    select c.* into v_contact from core.contacts as c where c.contact_id = (select core.linked_contact_id());
    if not found then
        perform core.fail('SR054');
    end if;
    return v_contact;
end
$$;

comment on function core.contact_of_link(text) is
'The contact to whom the link with this token was sent, also for the policies until the transaction ends; SR054 where there is none, because it never was or because the walker has removed the contact.';
revoke all on function core.contact_of_link(text) from public;
grant execute on function core.contact_of_link(text) to saferoute_api;

-- source: sql/functions/contacts/contact_summary.sql sha256:e7fe34dddcebcceb606a5aebb931bdda08ceee94b881c12e2b18a9900715374f
create or replace function core.contact_summary(p_contact core.contacts) returns json
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'contact_id', p_contact.contact_id,
    'name', p_contact.name,
    'from_name', p_contact.from_name,
    'channel', p_contact.channel,
    'address', p_contact.address,
    'language', p_contact.language,
    'priority', p_contact.priority,
    'state', p_contact.state,
    'invited_at', p_contact.invited_at,
    'answered_at', p_contact.answered_at
)
$$;

comment on function core.contact_summary(core.contacts) is 'A contact as the walker sees it.';
revoke all on function core.contact_summary(core.contacts) from public;
grant execute on function core.contact_summary(core.contacts) to saferoute_api;

-- source: sql/functions/contacts/forget_consents.sql sha256:8bb9f94a770000cc59b583770dc4a3ab6d283afd336b82ebb0c674c03aadceef
create or replace function core.forget_consents() returns bigint
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
with forgotten as (
    delete from core.contact_consents as c
    using core.contact_consents as r
    where r.event = 'removed' and r.recorded_at < now() - interval '3 years'
        and c.contact_id = r.contact_id and c.address_digest = r.address_digest and c.recorded_at <= r.recorded_at
    returning c.consent_id
)

select count(*) from forgotten
$$;

comment on function core.forget_consents() is
'Remove from the ledger what belongs to contacts that were removed, or given another address, three years ago: claims from it lapse then. How many rows; `saferoute partitions maintain` calls it.';
revoke all on function core.forget_consents() from public;

-- source: sql/functions/contacts/invitation_summary.sql sha256:14b659ad59be11ff02ccf38fec772cbe7fdf442d80ea4f265cf8f85baccafa06
create or replace function core.invitation_summary(p_contact core.contacts) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'from_name', p_contact.from_name,
    'state', p_contact.state,
    'language', p_contact.language,
    'statement', replace(w.statement, '{from_name}', p_contact.from_name),
    'wording_version', w.version
)
from core.consent_wordings as w
where w.language = p_contact.language
order by w.version desc
limit 1
$$;

comment on function core.invitation_summary(core.contacts) is
'An invitation as the contact sees it: who asks, for what, and what was answered. No address and not the name the walker gave them: a link may be passed on.';
revoke all on function core.invitation_summary(core.contacts) from public;
grant execute on function core.invitation_summary(core.contacts) to saferoute_api;

-- source: sql/functions/contacts/invite_contact.sql sha256:79ea2791d30a9a1f4c138d616074b1aaa3ac731ca61c6736083639f3b62f4533
create or replace function core.invite_contact(p_contact core.contacts) returns core.contacts
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
    v_token text := core.random_token();
    v_code text := core.random_code();
    v_outcome text;
begin
    perform core.check_invitations(p_contact);
    insert into core.contact_links (digest, contact_id, user_id)
    values (sha256(convert_to(v_token, 'UTF8')), p_contact.contact_id, p_contact.user_id);
    update core.contacts as c set
        state = 'invited',
        invited_at = now(),
        code_digest = core.code_digest(c.contact_id, v_code),
        code_expires_at = now() + interval '7 days',
        code_tries = 0
    where c.contact_id = p_contact.contact_id
    returning c.* into v_contact;
    perform core.record_consent(v_contact, 'invited', null);

    -- Last: what sends messages waits for each other until it commits.
    v_outcome := core.enqueue_message(
        v_contact.user_id, v_contact.channel, v_contact.address, 'contact_invitation', v_contact.language,
        jsonb_build_object(
            'from_name', v_contact.from_name,
            'link', (select s.public_url from core.site as s) || '/contact#' || v_token,
            'code', v_code
        )
    );
    if v_outcome <> 'queued' then
        perform core.fail('SR046', v_outcome);
    end if;
    return v_contact;
end
$$;

comment on function core.invite_contact(core.contacts) is
'Ask a contact for consent: a message with a link of its own and a code. Earlier links stay good; earlier codes do not. SR046, and nothing is written, where there have been too many.';
revoke all on function core.invite_contact(core.contacts) from public;
grant execute on function core.invite_contact(core.contacts) to saferoute_api;

-- source: sql/functions/contacts/linked_contact_id.sql sha256:32dc0de6fcd9af7e2adec53ba8fde7af244c8c3f5365a3ca8121143582631fc8
create or replace function core.linked_contact_id() returns uuid
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select l.contact_id from core.contact_links as l where l.digest = (select core.shown_link())
$$;

comment on function core.linked_contact_id() is 'The contact to whom the link was sent that the caller shows; null without one.';
revoke all on function core.linked_contact_id() from public;
grant execute on function core.linked_contact_id() to saferoute_api;

-- source: sql/functions/contacts/my_contacts.sql sha256:07db4ed318bec37aa95534ffef33c50b51111e411640b9dd3ff25af07fb3dbbe
create or replace function core.my_contacts(p_user_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(core.contact_summary(c) order by c.priority, c.added_at, c.contact_id), '[]')
from core.contacts as c
where c.user_id = p_user_id
$$;

comment on function core.my_contacts(uuid) is 'The person''s emergency contacts, whatever they have answered, in the order in which they are told.';
revoke all on function core.my_contacts(uuid) from public;
grant execute on function core.my_contacts(uuid) to saferoute_api;

-- source: sql/functions/contacts/own_contact.sql sha256:534c724328895c2d7ec06c2550d36104e8bdbecdfe99c4748697356dcdba3e44
create or replace function core.own_contact(p_user_id uuid, p_contact_id uuid) returns core.contacts
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts;
begin
    select c.* into v_contact
    from core.contacts as c
    where c.contact_id = p_contact_id and c.user_id = p_user_id
    for update;
    if not found then
        perform core.fail('SR050', format('contact %s', coalesce(p_contact_id::text, 'null')));
    end if;
    return v_contact;
end
$$;

comment on function core.own_contact(uuid, uuid) is
'The contact with this id, locked, if it is the person''s own; SR050 where it is not, whether or not it is somebody else''s.';
revoke all on function core.own_contact(uuid, uuid) from public;
grant execute on function core.own_contact(uuid, uuid) to saferoute_api;

-- source: sql/functions/contacts/record_consent.sql sha256:d2d58b64c9e08cfaecfe284252b6fe5ed6dfe0ddcb3fb4d7a14864a6ab43939c
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
grant execute on function core.record_consent(core.contacts, text, text) to saferoute_api;

-- source: sql/functions/contacts/remove_contact.sql sha256:2c6e9d6335722acee9a45c15900146dd2d0cb29a2a9335b723c8c96ad3d7fe48
create or replace function core.remove_contact(p_user_id uuid, p_contact_id uuid) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.own_contact(p_user_id, p_contact_id);
begin
    perform core.record_consent(v_contact, 'removed', null);
    delete from core.contacts as c where c.contact_id = p_contact_id;
end
$$;

comment on function core.remove_contact(uuid, uuid) is
'Remove a contact: name, address, links and code are gone, the ledger of consents stays for as long as its comment says.';
revoke all on function core.remove_contact(uuid, uuid) from public;
grant execute on function core.remove_contact(uuid, uuid) to saferoute_api;

-- source: sql/functions/contacts/reorder_contacts.sql sha256:4fd2a023e5b58f5697a8687159957435b2352b1dbc02f595ec2473702f02b0e6
create or replace function core.reorder_contacts(p_user_id uuid, p_contact_ids uuid[]) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_unknown text;
begin
    perform pg_advisory_xact_lock(hashtextextended('saferoute contacts of ' || p_user_id, 0));
    select coalesce(i.contact_id::text, 'null') into v_unknown
    from unnest(p_contact_ids) as i (contact_id)
    where not exists (select from core.contacts as c where c.contact_id = i.contact_id and c.user_id = p_user_id)
    limit 1;
    if v_unknown is not null then
        perform core.fail('SR050', format('contact %s', v_unknown));
    end if;
    if cardinality(p_contact_ids) is distinct from (select count(*) from core.contacts as c where c.user_id = p_user_id)
        or (select count(distinct i.contact_id) < count(*) from unnest(p_contact_ids) as i (contact_id))
    then
        perform core.fail('SR018', 'contact_ids names each of your contacts once');
    end if;
    update core.contacts as c set priority = i.priority
    from unnest(p_contact_ids) with ordinality as i (contact_id, priority)
    where c.contact_id = i.contact_id and c.user_id = p_user_id;
    return core.my_contacts(p_user_id);
end
$$;

comment on function core.reorder_contacts(uuid, uuid[]) is
'Give the person''s contacts the priorities 1, 2, 3... in this order, which names each of them once: SR050 for one that is not theirs, SR018 where one is missing or comes twice.';
revoke all on function core.reorder_contacts(uuid, uuid[]) from public;
grant execute on function core.reorder_contacts(uuid, uuid[]) to saferoute_api;

-- source: sql/functions/contacts/resend_contact_invitation.sql sha256:4e18636545485b8f61508762415d25e241e269831cb2a5802695a7dccc63634c
create or replace function core.resend_contact_invitation(p_user_id uuid, p_contact_id uuid) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.own_contact(p_user_id, p_contact_id);
begin
    if v_contact.state <> 'accepted' then
        v_contact := core.invite_contact(v_contact);
    end if;
    return core.contact_summary(v_contact);
end
$$;

comment on function core.resend_contact_invitation(uuid, uuid) is
'Ask a contact again, with a new link and a new code; one who has accepted is not bothered. SR046 as core.check_invitations and core.enqueue_message tell.';
revoke all on function core.resend_contact_invitation(uuid, uuid) from public;
grant execute on function core.resend_contact_invitation(uuid, uuid) to saferoute_api;

-- source: sql/functions/contacts/shown_link.sql sha256:d4ec7469eaabbe8d7a6985f172c80702a641f5b27f9589b175a10bc07070a59e
create or replace function core.shown_link() returns bytea
language sql stable parallel safe security invoker
as $$
select decode(nullif(current_setting('request.contact_link', true), ''), 'hex')
$$;

comment on function core.shown_link() is
'Digest of the link that the caller shows, noted by core.contact_of_link; null without one. Inlined, so it has no search_path of its own.';
revoke all on function core.shown_link() from public;
grant execute on function core.shown_link() to saferoute_api;

-- source: sql/functions/contacts/update_contact.sql sha256:c7aee23120717791181ac76acedc1053261afa41a369ccf27ea2b019336fbfd4
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
        update core.contacts as c set answered_at = null
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

-- source: sql/functions/contacts/verify_contact.sql sha256:85b027ebae019504f6e4b02f7ed6dcde2712f4ed1cb65fa3b52a621d00e154c9
create or replace function core.verify_contact(p_user_id uuid, p_contact_id uuid, p_code text) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_contact core.contacts := core.own_contact(p_user_id, p_contact_id);
begin
    if v_contact.state = 'accepted' then
        return core.contact_summary(v_contact);
    end if;
    -- Who has said no has no code any more: one that was read out before does not outweigh it.
    if v_contact.code_expires_at <= now() or v_contact.code_tries >= 5 then
        return core.refuse('SR042');
    end if;
    if v_contact.code_digest is distinct from core.code_digest(p_contact_id, p_code) then
        update core.contacts as c set code_tries = c.code_tries + 1 where c.contact_id = p_contact_id;
        return core.refuse('SR042');
    end if;
    return core.contact_summary(core.answer_invitation(v_contact, 'accepted', 'code'));
end
$$;

comment on function core.verify_contact(uuid, uuid, text) is
'The walker types the code that the contact has read to them: that is the contact''s consent. SR042 where it is wrong, older than a week, or the contact has said no; five wrong ones, counted although refused, void it.';
revoke all on function core.verify_contact(uuid, uuid, text) from public;
grant execute on function core.verify_contact(uuid, uuid, text) to saferoute_api;

-- source: sql/functions/erasure/describe_user_data.sql sha256:0906da43beb5df62f41fc07320ed5b75aa0575ddcc096dc267e4db9fda9623a6
create or replace function core.describe_user_data()
returns table (relation regclass, name text, has_geometry boolean, description text, fields json)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select
    d.relation,
    c.relname,
    core.geometry_column(d.relation) is not null,
    d.description,
    (
        select json_object_agg(a.attname, pg_catalog.col_description(a.attrelid, a.attnum) order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = d.relation and a.attnum > 0 and not a.attisdropped and a.attname <> all(d.secrets)
    )
from core.user_data as d
inner join pg_catalog.pg_class as c on d.relation = c.oid
order by d.erase_order desc
$$;

comment on function core.describe_user_data() is
'The tables of an export with the meaning of their fields, which is that of the column comments.';
revoke all on function core.describe_user_data() from public;

-- source: sql/functions/erasure/erase_codes.sql sha256:7a967788629a723d6232e185a94352797c4a69d948ffe8a644a1b1ce33d5b078
create or replace function core.erase_codes(p_user_id uuid, p_limit bigint)
returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.codes'::regclass;
    delete from core.codes as c
    where c.code_id = any(array(
        select o.code_id from core.codes as o
        where o.user_id = p_user_id or o.address = any(array(select core.user_addresses(p_user_id)))
        limit p_limit
    ));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_codes(uuid, bigint) is
'Remove up to p_limit codes that a person asked for, or that went to the phone or the mailbox of their account.';
revoke all on function core.erase_codes(uuid, bigint) from public;

-- source: sql/functions/erasure/erase_messages.sql sha256:dc6ecb1c386689cbda6589a2c61180c53c456639b408e2d0c5a745238827338e
create or replace function core.erase_messages(p_user_id uuid, p_limit bigint)
returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    leaf := 'core.outbound_messages'::regclass;
    -- What was sent before there was an account has its address only. An array lets both indexes be used: of a million
    -- messages 0.2 ms, with `in` 229.
    delete from core.outbound_messages as m
    where m.message_id = any(array(
        select o.message_id from core.outbound_messages as o
        where o.user_id = p_user_id or o.address = any(array(select core.user_addresses(p_user_id)))
        limit p_limit
    ));
    get diagnostics removed = row_count;
    return next;
end
$$;

comment on function core.erase_messages(uuid, bigint) is
'Remove up to p_limit messages that a person caused, or that went to the phone or the mailbox of their account.';
revoke all on function core.erase_messages(uuid, bigint) from public;

-- source: sql/functions/erasure/export_user_data.sql sha256:0eece6770ae2ba26ce9f1f55bf5908d9f5f622417222688897df67e80cd192a3
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
        'select %s from (select %s, $2 as archive from only %s as x where x.%I = $1) as t',
        case when v_geometry is null then 'row_to_json(t)::text' else format('st_asgeojson(t, %L, 9)', v_geometry) end,
        v_columns, p_table, p_user_column
    ) using p_user_id, p_archive;
end
$$;

comment on function core.export_user_data(regclass, text, uuid, text) is
'The rows of a person in one table, each as JSON: a GeoJSON Feature (WGS 84, longitude first) where the table has a geometry, an object where not. Without the columns that are secrets. Each has a key `archive`: the file it stands in, null where it stands in the database.';
revoke all on function core.export_user_data(regclass, text, uuid, text) from public;

-- source: sql/functions/erasure/user_addresses.sql sha256:0cca15e324b5017dba0666ada8bbff7b4369f2d27ea827f077782cd2e2e4a7f5
create or replace function core.user_addresses(p_user_id uuid) returns setof text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select a.address
from core.users as u cross join lateral (values (u.phone), (u.email)) as a (address)
where u.user_id = p_user_id and a.address is not null
$$;

comment on function core.user_addresses(uuid) is
'The phone number and the e-mail address of a person''s account, as far as it has them.';
revoke all on function core.user_addresses(uuid) from public;

-- source: sql/functions/journeys/ingest.sql sha256:b4caacf5d5183170189789bf87aa292dec7a4ae459ecfcb8e649836b5c6a6308
create or replace function core.ingest(
    p_user_id uuid, p_journey_id uuid, p_points json, p_since timestamptz, p_until timestamptz, p_near box
) returns bigint
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_stored record;
begin
    -- In order of their keys, or two uploads of the same points could wait for each other for ever.
    -- ON CONFLICT looks every key up twice, a third of the time of a batch that has no duplicates.
    begin
        with stored as (
            insert into core.journey_points
            select s.* from core.storable_points(p_user_id, p_journey_id, p_points, p_since, p_until, p_near) as s
            order by s.recorded_at, s.cell
            returning recorded_at, cell
        )

        select count(*) as points, min(s.recorded_at) as since, max(s.recorded_at) as until, array_agg(distinct s.cell) as cells
        into v_stored from stored as s;
    exception when unique_violation then
        with stored as (
            insert into core.journey_points
            select s.* from core.storable_points(p_user_id, p_journey_id, p_points, p_since, p_until, p_near) as s
            order by s.recorded_at, s.cell
            on conflict do nothing
            returning recorded_at, cell
        )

        select count(*) as points, min(s.recorded_at) as since, max(s.recorded_at) as until, array_agg(distinct s.cell) as cells
        into v_stored from stored as s;
    end;

    if v_stored.points > 0 then
        perform core.widen_journey(p_journey_id, v_stored.since, v_stored.until, v_stored.cells);
    end if;
    return v_stored.points;
end
$$;

comment on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) is
'Store those points of one journey that lie in [p_since, p_until) and p_near, and widen the journey''s days and cells where they go beyond them; how many were new. Idempotent.';
revoke all on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) from public;
grant execute on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) to saferoute_api;

-- source: sql/functions/journeys/read_points.sql sha256:392885904edb51c5925d267959cf88fa0bb015b60565b42cc0732ee3aaef3d60
create or replace function core.read_points(p_points json)
returns table (
    nth bigint,
    recorded_at timestamptz,
    lon float8,
    lat float8,
    speed_mps real,
    accuracy_m real,
    battery_pct real
)
language sql stable parallel safe security invoker
as $$
select
    p.nth,
    -- Without a zone a time could be any of 24: it is no time. LIKE is the quick test of the usual form.
    case
        when p.recorded_at like '____-__-__T__:__:__%Z'
            or p.recorded_at ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)? ?(Z|z|[+-]\d\d(:?\d\d)?)$'
            then p.recorded_at::timestamptz
    end,
    p.lon,
    p.lat,
    case when p.speed_mps between 0 and 1000 then p.speed_mps end,
    case when p.accuracy_m between 0 and 1000000 then p.accuracy_m end,
    case when p.battery_pct between 0 and 100 then p.battery_pct end
from rows from (json_to_recordset(p_points) as (
    recorded_at text, lon float8, lat float8, speed_mps real, accuracy_m real, battery_pct real
)) with ordinality as p (recorded_at, lon, lat, speed_mps, accuracy_m, battery_pct, nth)
-- Keeps it a subquery: inlined further, the time would be read once for each place that uses it.
offset 0
$$;

comment on function core.read_points(json) is
'The points of a JSON array, numbered from 1. A time that is not ISO 8601 with a zone is null, and so are speed, accuracy and battery outside their range. A value that cannot be cast raises a data exception. json_to_recordset takes 2 us for a point, ->> for each key 10. Inlined, so it has no search_path of its own.';
revoke all on function core.read_points(json) from public;
grant execute on function core.read_points(json) to saferoute_api, saferoute_ingest;

-- source: sql/functions/journeys/readable_calls.sql sha256:7ded7fa66174249cdeece533fd5fe4ff689545323dd53351f3e2ec20e320263d
create or replace function core.readable_calls(p_calls json) returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_call json;
    v_readable json [] := '{}';
begin
    for v_call in select e.call from json_array_elements(p_calls) as e (call) loop
        begin
            perform p.recorded_at, p.lon, p.lat, p.speed_mps, p.accuracy_m, p.battery_pct
            from json_to_record(v_call) as c (journey_id uuid, points json)
            cross join lateral core.read_points(c.points) as p;
            v_readable := v_readable || v_call;
        exception when data_exception then
            -- An empty object holds its place, so that the others keep their numbers.
            v_readable := v_readable || '{}'::json;
        end;
    end loop;
    return to_json(v_readable);
end
$$;

comment on function core.readable_calls(json) is
'An array of calls of record_points with every call that cannot be read replaced by an empty object. One subtransaction for each call: only for those that have failed together.';
revoke all on function core.readable_calls(json) from public;
grant execute on function core.readable_calls(json) to saferoute_ingest;

-- source: sql/functions/journeys/record_points_together.sql sha256:04214bbf25e3472ff66c8290e70167836bea7e2ca990ee8b1bb979cfe057ff0c
create or replace function core.record_points_together(p_user_ids uuid[], p_calls json) returns text[]
language plpgsql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
declare
    v_user_ids uuid [];
    v_calls json := p_calls;
    v_is_read boolean := false;
    v_times tstzmultirange;
    v_found_times tstzmultirange;
    v_answers text [];
    v_widened json;
begin
    if not has_function_privilege('authenticated', 'api.record_points(uuid, json)', 'execute') then
        return array_fill(null::text, array[cardinality(p_user_ids)]);
    end if;
    perform
        -- Positions need not wait for a standby. Here and not in a SET clause, which ends before the commit.
        set_config('synchronous_commit', 'local', true),
        -- Nobody's lock holds up the others: what cannot go on fails, and each call goes the ordinary way.
        set_config('lock_timeout', '500ms', true);
    -- As in core.hold_journey, before the journeys are read; but who is being erased has no call here.
    select array_agg(case when pg_try_advisory_xact_lock_shared(core.uploads_key(u.user_id)) then u.user_id end order by u.nth)
    into v_user_ids
    from unnest(p_user_ids) with ordinality as u (user_id, nth);
    -- Nearly always all goes in at once; another round leaves out what the last has stumbled over.
    loop
        begin
            select s.answers, s.widened into v_answers, v_widened
            from core.store_calls(v_user_ids, v_calls, v_times) as s;
            exit;
        exception
            when check_violation then -- a row finds no period
                v_found_times := core.period_times('core.journey_points');
                if v_times = v_found_times then
                    raise;
                end if;
                v_times := v_found_times;
            when data_exception then
                if v_is_read then
                    raise;
                end if;
                v_calls := core.readable_calls(p_calls);
                v_is_read := true;
        end;
    end loop;
    -- In the order of their ids, or two of these would wait for each other's journeys for ever.
    perform core.widen_journey(w.journey_id, w.since, w.until, w.cells)
    from json_to_recordset(v_widened) as w (journey_id uuid, since timestamptz, until timestamptz, cells text []);
    return v_answers;
end
$$;

comment on function core.record_points_together(uuid[], json) is
'Many small calls of api.record_points in one transaction: p_calls is an array of their JSON bodies, p_user_ids says who each is from. The answer of each as JSON text; null for a call with anything that is not plain (no journey of theirs, a point to quarantine, nothing readable), of which nothing is stored: it has to go the ordinary way. SECURITY DEFINER, since row security compares with one caller: its owner, saferoute_ingest, may add points and widen journeys and nothing else; only the API may call it, which can become any caller anyway; every call is joined with the journey of its own user.';
alter function core.record_points_together(uuid[], json) owner to saferoute_ingest;
revoke all on function core.record_points_together(uuid[], json) from public;
grant execute on function core.record_points_together(uuid[], json) to authenticator;

-- source: sql/functions/journeys/store_calls.sql sha256:c56237c4407cd9c22eef83c519485eb1b477716a1345f55a944899d604a4cbe7
create or replace function core.store_calls(
    p_user_ids uuid[], p_calls json, p_times tstzmultirange, out answers text[], out widened json
)
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    with calls as materialized (
        select
            c.nth, c.points, j.journey_id, j.user_id, j.ended_at, j.points_from, j.points_until, j.cells,
            st_x(j.origin) as lon, st_y(j.origin) as lat
        from rows from (
            json_to_recordset(p_calls) as (journey_id uuid, points json), unnest(p_user_ids)
        ) with ordinality as c (journey_id, points, user_id, nth)
        cross join lateral (
            select i.*
            from core.journeys as i
            where i.journey_id = c.journey_id
            -- One look-up for each call: a join would be planned as a hash of all journeys.
            offset 0
        ) as j
        where j.user_id = c.user_id and j.erasing_since is null
    ),

    points as materialized (
        select
            c.nth, c.journey_id, c.user_id, p.recorded_at, p.lon, p.lat, p.speed_mps, p.accuracy_m, p.battery_pct,
            coalesce(
                p.recorded_at >= now() - interval '29 days'
                and p.recorded_at < least(now() + interval '10 minutes', c.ended_at + interval '1 microsecond')
                and (p_times is null or p_times @> p.recorded_at)
                -- This square lies within core.journey_reach, which takes far longer to make.
                and abs(p.lon - c.lon) < 2.5 and abs(p.lat - c.lat) < 2.5
                and abs(p.lon) <= 180 and abs(p.lat) <= 90,
                false
            ) as is_plain
        from calls as c
        cross join lateral core.read_points(c.points) as p
    ),

    -- In one order, or two of these would wait for each other's keys for ever.
    plain as materialized (
        select distinct on (u.journey_id, u.recorded_at, u.cell) u.*
        from (
            select p.*, st_geohash(st_makepoint(p.lon, p.lat), 5) collate "C" as cell
            from points as p
            where p.nth not in (select o.nth from points as o where not o.is_plain)
        ) as u
        order by u.journey_id, u.recorded_at, u.cell, u.nth
    ),

    stored as (
        insert into core.journey_points (
            journey_id, recorded_at, cell, user_id, geom, speed_mps, accuracy_m, battery_pct
        )
        select
            p.journey_id, p.recorded_at, p.cell, p.user_id, st_point(p.lon, p.lat, 4326),
            p.speed_mps, p.accuracy_m, p.battery_pct
        from plain as p
        on conflict do nothing
        returning journey_id, recorded_at, cell
    ),

    answered as (
        select p.nth, json_build_object(
            'accepted', coalesce(max(s.points), 0), 'duplicates', count(*) - coalesce(max(s.points), 0), 'quarantined', '[]'::json
        )::text as answer
        from points as p
        left join (
            select l.nth, count(*) as points
            from plain as l
            inner join stored as s using (journey_id, recorded_at, cell)
            group by l.nth
        ) as s on p.nth = s.nth
        group by p.nth
        having bool_and(p.is_plain)
    ),

    wider as (
        select s.journey_id, min(s.recorded_at) as since, max(s.recorded_at) as until, array_agg(distinct s.cell) as cells
        from stored as s
        inner join (
            select distinct on (c.journey_id) c.journey_id, c.points_from, c.points_until, c.cells from calls as c
        ) as j on s.journey_id = j.journey_id
        where not coalesce(j.points_from <= s.recorded_at and j.points_until > s.recorded_at and s.cell = any(j.cells), false)
        group by s.journey_id
    )

    select
        (
            select array_agg(a.answer order by n.nth)
            from generate_series(1, cardinality(p_user_ids)) as n (nth)
            left join answered as a on n.nth = a.nth
        ),
        (select json_agg(w order by w.journey_id) from wider as w)
    into answers, widened;
end
$$;

comment on function core.store_calls(uuid[], json, tstzmultirange) is
'Store the points of many calls of record_points at once, in one statement: see core.record_points_together. answers: of each call the JSON text, or null where anything about it is not plain; its points are then not stored. widened: journeys whose days and cells do not hold all that was stored, in order. p_times: those of the existing periods, null where every point should find its own.';
revoke all on function core.store_calls(uuid[], json, tstzmultirange) from public;
grant execute on function core.store_calls(uuid[], json, tstzmultirange) to saferoute_ingest;

-- source: sql/functions/journeys/uploads_key.sql sha256:b1759ae8bbcd015b3926a893b133d484a4353d3192b5185bf52b64cd4de30304
create or replace function core.uploads_key(p_user_id uuid) returns bigint
language sql immutable strict parallel safe security invoker
as $$
select uuid_hash_extended(p_user_id, 52)
$$;

comment on function core.uploads_key(uuid) is
'The advisory lock that uploads of a person share, and their erasure takes alone for a moment. Inlined, so it has no search_path of its own.';
revoke all on function core.uploads_key(uuid) from public;
grant execute on function core.uploads_key(uuid) to saferoute_api, saferoute_ingest;

-- source: sql/functions/journeys/widen_journey.sql sha256:84700890b36c60252b0b6189873e51d2063e7be1f953b79f15d5db587463f8aa
create or replace function core.widen_journey(
    p_journey_id uuid, p_since timestamptz, p_until timestamptz, p_cells text[]
) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
begin
    -- Whole days and new cells only: most batches leave the journey's row alone.
    update core.journeys as j set
        points_from = least(j.points_from, date_trunc('day', p_since)),
        points_until = greatest(j.points_until, date_trunc('day', p_until) + interval '1 day'),
        cells = (select array_agg(distinct u.cell) from unnest(j.cells || p_cells) as u (cell))
    where j.journey_id = p_journey_id
        and not coalesce(j.points_from <= p_since and j.points_until > p_until and j.cells @> p_cells, false);
end
$$;

comment on function core.widen_journey(uuid, timestamptz, timestamptz, text[]) is
'Let the days and cells of a journey hold points recorded from p_since to p_until (inclusive) in p_cells.';
revoke all on function core.widen_journey(uuid, timestamptz, timestamptz, text[]) from public;
grant execute on function core.widen_journey(uuid, timestamptz, timestamptz, text[]) to saferoute_api, saferoute_ingest;

-- source: sql/functions/messages/calling_code.sql sha256:7d16ac9e44b474e9a52481fa695628d210ecb6a9c901b7179d9acba44bd4ab3d
create or replace function core.calling_code(p_number text) returns text
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(
    substring(p_number from '^\+([17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])'),
    substring(p_number from '^\+([1-9][0-9]{2})')
)
$$;

comment on function core.calling_code(text) is
'The calling code that an E.164 number begins with, without +: 1 and 7, the two-digit codes of ITU-T E.164, else three digits.';
revoke all on function core.calling_code(text) from public;
grant execute on function core.calling_code(text) to saferoute_api, saferoute_auth;

-- source: sql/functions/messages/enqueue_message.sql sha256:4ab66016132ca4bf9b2bce3838ce17de96298e736ad55a38a7cfeaa60338ff50
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
        core.uuid_v7(), p_user_id, p_channel, p_address, v_country, v_prefix, p_template, p_language, p_parameters,
        v_cost, coalesce((p_parameters ->> 'expires_at')::timestamptz, v_now + interval '1 day')
    );

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
'Write a message (p_channel sms or email, p_address in E.164 or in lower case) for the worker to send, unless a limit refuses it: queued, or the scope of that limit: number, prefix, country, spend. A refused one is not counted. p_parameters is what the text names; its `expires_at`, else a day, says until when the message is of use. Calls wait for each other until they commit: make it the last thing a transaction does.';
revoke all on function core.enqueue_message(uuid, text, text, text, text, jsonb) from public;
grant execute on function core.enqueue_message(uuid, text, text, text, text, jsonb) to saferoute_api, saferoute_auth;

-- source: sql/functions/messages/limits_of_message.sql sha256:1241c3e92e83e7a1407956143acd176a6218a5d45f8d7e9f3aef824f3c3b3413
create or replace function core.limits_of_message(p_channel text, p_address text, p_country text, p_prefix text, p_cost numeric)
returns table (scope text, subject text, period interval, amount numeric, counted numeric)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
with subjects (n, scope, subject, counted) as (
    values
    (1, 'number', encode(sha256(convert_to(p_address, 'UTF8')), 'hex'), 1),
    (2, 'prefix', p_prefix, 1),
    (3, 'country', p_country, 1),
    (4, 'spend', '*', p_cost)
)

select s.scope, s.subject, l.period, l.amount, s.counted
from subjects as s
inner join core.message_limits as l
    on l.channel = p_channel and s.scope = l.scope and l.subject = (
        select m.subject from core.message_limits as m
        where m.channel = p_channel and m.scope = s.scope and m.subject in ('*', s.subject)
        order by m.subject = '*'
        limit 1
    )
order by s.n, l.period
$$;

comment on function core.limits_of_message(text, text, text, text, numeric) is
'The limits a message has to pass, in the order in which they refuse: how much there is in which period, under what it is counted, and how much it takes.';
revoke all on function core.limits_of_message(text, text, text, text, numeric) from public;
grant execute on function core.limits_of_message(text, text, text, text, numeric) to saferoute_api, saferoute_auth;

-- source: sql/functions/messages/message_country.sql sha256:db4a5537f6d7ba03ff680eda1f043aa0a9d0bba2b9fa6d1b5bece422cb852929
create or replace function core.message_country(p_number text) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(
    (
        select c.country from core.message_costs as c
        where c.channel = 'sms' and starts_with(p_number, '+' || c.country)
        order by length(c.country) desc
        limit 1
    ),
    core.calling_code(p_number)
)
$$;

comment on function core.message_country(text) is
'What an E.164 number is counted and paid under: the longest row of core.message_costs it begins with, else its calling code.';
revoke all on function core.message_country(text) from public;
grant execute on function core.message_country(text) to saferoute_api, saferoute_auth;

-- source: sql/functions/messages/message_prefix.sql sha256:55a337f5ce85684569b37d66fac175bbacbde35b4fa9f8bff4ff9e3159fd82ac
create or replace function core.message_prefix(p_channel text, p_address text) returns text
language sql immutable strict parallel safe security invoker
as $$
select case p_channel when 'sms' then left(p_address, -4) else substring(p_address from '@[^@]*$') end
$$;

comment on function core.message_prefix(text, text) is
'What an address has in common with its neighbours: a number without its last four digits, @ and the domain of an e-mail address.';
revoke all on function core.message_prefix(text, text) from public;
grant execute on function core.message_prefix(text, text) to saferoute_api, saferoute_auth;

-- source: sql/functions/ops/wal_position.sql sha256:3e6147ceac7cf431076a3e9579d44fff19ffc774f7b73538814b4c26f20c30ad
create or replace function ops.wal_position(
    out is_standby boolean, out timeline integer, out lsn pg_lsn
) returns record
language plpgsql volatile parallel restricted security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    is_standby := pg_is_in_recovery();
    if not is_standby then
        lsn := pg_current_wal_flush_lsn();
        timeline := ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::integer;
        return;
    end if;
    lsn := pg_last_wal_replay_lsn();
    -- Each may trail what is replayed, none leads it: the receiver asks for a timeline once replay has accepted it as
    -- the continuation of its own, and without a receiver the control file still tells of the last restart point.
    timeline := greatest(
        (select r.received_tli from pg_stat_wal_receiver as r),
        (select c.timeline_id from pg_control_checkpoint() as c),
        (select c.min_recovery_end_timeline from pg_control_recovery() as c)
    );
end
$$;

comment on function ops.wal_position() is
'How far this server is: on a primary its timeline and the WAL that is flushed, on a standby the WAL that is replayed and the timeline that it belongs to. SECURITY DEFINER: the WAL receiver tells its timeline to members of pg_read_all_stats only.';
revoke all on function ops.wal_position() from public;
grant execute on function ops.wal_position() to authenticator, operator;

-- source: sql/functions/routing/geojson_line.sql sha256:6049e90cfbcf5fa7aa45c2abe898edd3635d840adc22f073f00ac4ed71fa82df
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
grant execute on function core.geojson_line(text) to saferoute_api;

-- source: sql/schema/914_messages.sql sha256:f535c741ce3f9218756277cb8ca5c1f2aa1554db91b672cc06fdb7f5613ea5e3
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

-- source: sql/schema/916_accounts.sql sha256:5a034d4e58cc3e2fd3aeb34b3b974d76650f8efd00dfe9305062d7b7ffde71f7
-- Accounts are looked up before anybody is signed in, so their policies cannot name a person: the wall is that only
-- saferoute_auth, whose functions no app can call, has any rights here. saferoute_api has no policy and no grant.
alter table core.users enable row level security;
drop policy if exists signing_in on core.users;
create policy signing_in on core.users to saferoute_auth using (true) with check (true);

alter table core.codes enable row level security;
drop policy if exists signing_in on core.codes;
create policy signing_in on core.codes to saferoute_auth using (true) with check (true);

-- source: sql/schema/918_contacts.sql sha256:a11d9e9913ef55df0212c45e711758ea049e299a8877fe858cf895b5a831746a
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

-- source: sql/schema/918_ingest.sql sha256:77035478e697f712f3ccde35eb82f1174c60a23d7e6831d8c02379c5b6e7b85c
-- The points of many callers in one transaction: no single caller whose rows a policy could compare with. What stands
-- instead is how little the role may do, and core.record_points_together, all that it runs.
drop policy if exists together on core.journeys;
create policy together on core.journeys to saferoute_ingest using (true);
grant select, update (points_from, points_until, cells) on core.journeys to saferoute_ingest;

drop policy if exists together on core.journey_points;
create policy together on core.journey_points to saferoute_ingest using (true);
grant select (journey_id, recorded_at, cell), insert on core.journey_points to saferoute_ingest;

-- source: sql/schema/919_idempotency.sql sha256:64693bf0f9925b296a7783b26ca85284e9ff4c67f59ea7d69c8bf4a0bb50d2a2
-- Read and written by the API itself, around the call: the rows of the caller it has just named, and no others.
alter table core.idempotency_keys enable row level security;
drop policy if exists own_rows on core.idempotency_keys;
create policy own_rows on core.idempotency_keys to authenticator
using (caller_id = (select core.current_caller_id()));

-- source: sql/schema/938_api_keys.sql sha256:4d4826dfa4adbf86b98da81ca22b3a2fe52867e9f1b89ca71b10025bd9d8b46e
create or replace view ops.api_keys as
select
    k.api_key_id,
    'sr_' || left(replace(k.api_key_id::text, '-', ''), 8) as prefix,
    k.name,
    k.contact,
    k.scopes,
    case
        when k.revoked_at is not null then 'revoked'
        when k.expires_at <= now() then 'expired'
        else 'valid'
    end as state,
    k.created_at,
    k.expires_at,
    k.revoked_at,
    k.last_used_at,
    array(
        select format('%s=%s/%s', l.class, l.amount, l.window_s)
        from core.rate_limits as l
        where l.api_key_id = k.api_key_id
        order by l.class
    ) as limits
from core.api_keys as k;
comment on view ops.api_keys is 'Every API key there has been. ops.create_api_key makes one, ops.limit_api_key limits it, ops.revoke_api_key ends it.';
comment on column ops.api_keys.prefix is 'How the key begins: tells it where one is found in a log or a repository.';
comment on column ops.api_keys.limits is 'Limits of its own, class=calls/seconds; core.rate_limits has those of all keys.';
comment on column ops.api_keys.state is 'valid, expired or revoked.';
grant select on ops.api_keys to operator;

drop trigger if exists _100_notify on core.api_keys;
create trigger _100_notify
after insert or delete or update of digest, scopes, expires_at, revoked_at on core.api_keys
for each statement execute function core.tg_catalogue__notify();

-- source: sql/schema/939_rate_limits.sql sha256:35a06e3b5a9fc469c97f98e9d30a00c5ae6c3f3114792f28a8d02b36c14f32f1
create or replace view ops.rate_limits as
select
    class,
    subject,
    api_key_id,
    amount,
    window_s,
    is_hard
from core.rate_limits;
comment on view ops.rate_limits is 'How often calls may be made: core.rate_limits, for operators to change.';
comment on column ops.rate_limits.class is 'Kind of calls. Never sos.';
comment on column ops.rate_limits.subject is 'What is counted: api_key, user, ip or address.';
comment on column ops.rate_limits.api_key_id is 'The key that has this limit of its own; null: all others.';
comment on column ops.rate_limits.amount is 'Calls admitted within window_s.';
comment on column ops.rate_limits.window_s is 'Seconds.';
comment on column ops.rate_limits.is_hard is 'Never more than amount in any window.';
grant select, insert, update, delete on ops.rate_limits to operator;

create or replace trigger _100_notify
after insert or update or delete on core.rate_limits
for each statement execute function core.tg_catalogue__notify();

create or replace trigger _100_notify
after insert or update or delete on core.endpoints
for each statement execute function core.tg_catalogue__notify();

create or replace trigger _100_notify
after insert or update or delete on core.endpoint_classes
for each statement execute function core.tg_catalogue__notify();

-- by hand: last
