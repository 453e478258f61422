create table if not exists core.installations (
    installed_at timestamptz primary key default clock_timestamp(),
    digest text not null
);
comment on table core.installations is 'Each time the schema was installed or brought up to date.';
comment on column core.installations.digest is 'SHA-256 over the SQL files that were installed.';
