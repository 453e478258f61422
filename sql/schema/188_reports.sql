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
insert into core.endpoints (endpoint, class, is_repeatable) values
('request_report', 'documents', true)
on conflict (endpoint) do update set class = excluded.class, is_repeatable = excluded.is_repeatable;
