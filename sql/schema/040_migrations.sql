create table if not exists core.migrations (
    number integer primary key check (number > 0),
    name text not null,
    checksum text not null,
    began_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
comment on table core.migrations is 'The migrations this database has. Where the schema was installed whole, all are noted at the time of that.';
comment on column core.migrations.checksum is 'SHA-256 of the file as it was applied.';
comment on column core.migrations.finished_at is 'Null while it is at work, and where one that runs without a transaction was interrupted: it then runs again.';
