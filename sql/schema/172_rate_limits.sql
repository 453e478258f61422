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
