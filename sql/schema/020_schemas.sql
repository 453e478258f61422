create schema if not exists api;
create schema if not exists auth;
create schema if not exists live;
create schema if not exists tasks;
create schema if not exists core;
create schema if not exists analytics;
create schema if not exists ops;

comment on schema api is 'What apps may call: one function per RPC endpoint. Its wrappers touch no table themselves.';
comment on schema auth is 'What the API calls itself to sign people up and in: no app role can. One function per step; they touch no table themselves.';
comment on schema live is 'What the live gateway calls itself, for many watchers at once: no app role can. They touch no table themselves.';
comment on schema tasks is 'What workers call, and the API for outside services that call back: no app role can. They touch no table themselves.';
comment on schema core is 'Tables and internal functions. App roles have no rights on its tables.';
comment on schema analytics is 'Views for analysts.';
comment on schema ops is 'Views and procedures for DBAs.';

grant usage on schema api to web_anon, authenticated, integrator, authenticator;
grant usage, create on schema api to saferoute_api;
grant usage on schema auth to authenticator;
grant usage, create on schema auth to saferoute_auth;
grant usage on schema live to authenticator;
grant usage, create on schema live to saferoute_live;
grant usage on schema tasks to worker, authenticator;
grant usage, create on schema tasks to saferoute_tasks;
grant usage on schema core to saferoute_api, saferoute_auth, saferoute_live, saferoute_tasks, authenticator, operator;
grant usage, create on schema core to saferoute_ingest; -- create: or it could not own its function
grant usage on schema api to saferoute_ingest;
grant usage on schema analytics to analyst;
grant usage on schema ops to operator, authenticator;

-- A new function is closed until its file opens it.
alter default privileges revoke execute on functions from public;
alter default privileges for role saferoute_api revoke execute on functions from public;
alter default privileges for role saferoute_auth revoke execute on functions from public;
alter default privileges for role saferoute_live revoke execute on functions from public;
alter default privileges for role saferoute_tasks revoke execute on functions from public;
