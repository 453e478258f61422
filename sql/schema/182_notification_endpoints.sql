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
