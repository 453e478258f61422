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
    class text not null references core.endpoint_classes (class) on delete restrict,
    is_repeatable boolean not null default false
);
comment on table core.endpoints is 'The class of an endpoint. A function that is not listed is of class `reads`, or `writes` where it is VOLATILE.';
comment on column core.endpoints.endpoint is 'Name of a function of schema api, or a path that begins with /auth/.';
comment on column core.endpoints.class is 'Its class.';
comment on column core.endpoints.is_repeatable is 'Of a function that writes: whether the same call twice does no more than once, and is answered alike. The API sends it again itself where the primary was lost.';
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

insert into core.endpoints (endpoint, class, is_repeatable) values
('safe_routes', 'routes', false),
('route_safety', 'routes', false),
('record_points', 'ingest', true),
('start_journey', 'writes', true),
('end_journey', 'writes', true),
('watch_journey', 'writes', true)
on conflict (endpoint) do update set class = excluded.class, is_repeatable = excluded.is_repeatable;
