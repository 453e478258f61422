-- What upkeep has to remember beyond the catalogue: a table that has left its set no longer says which time it held.
create table if not exists core.known_periods (
    parent regclass not null references core.partition_sets on delete cascade,
    lower_bound timestamptz not null,
    upper_bound timestamptz not null,
    period regclass not null,
    primary key (parent, lower_bound)
);
comment on table core.known_periods is 'Every period that has been part of a partition set and whose table has not been dropped: attached, or detached by upkeep or by hand.';
comment on column core.known_periods.lower_bound is 'UTC, as the catalogue said while it was attached.';
comment on column core.known_periods.upper_bound is 'UTC, exclusive.';

create table if not exists core.partition_archives (
    archive_id bigint generated always as identity primary key,
    parent regclass not null references core.partition_sets on delete restrict,
    lower_bound timestamptz not null,
    upper_bound timestamptz not null,
    file_name text not null unique,
    file_digest text not null,
    file_bytes bigint not null,
    row_count bigint not null,
    leaf_rows jsonb not null,
    archived_at timestamptz not null default now(),
    dropped_at timestamptz,
    restored_at timestamptz,
    restored_as regclass,
    keep_until timestamptz,
    superseded_by bigint references core.partition_archives on delete set null,
    content_digest numeric
);
comment on table core.partition_archives is 'One row per verified archive of a period. Nothing is dropped before its row stands here.';
comment on column core.partition_archives.file_name is 'pg_dump -Fc of every leaf, within the archive directory.';
comment on column core.partition_archives.file_digest is 'SHA-256 of the file, lower-case hexadecimal; checked before it is read again.';
comment on column core.partition_archives.leaf_rows is 'Rows of each leaf, by table name: counted in the archive and equal to the table''s.';
comment on column core.partition_archives.dropped_at is 'When the table was dropped; null while it still stands.';
comment on column core.partition_archives.restored_at is 'When its rows were last brought back; null while they are only in the file.';
comment on column core.partition_archives.restored_as is 'The table that holds them beside the set; null where they are back in the set.';
comment on column core.partition_archives.keep_until is 'A restored period is not retired again before this.';
comment on column core.partition_archives.superseded_by is 'A later archive that holds all its rows that are to be kept; the file is gone.';
comment on column core.partition_archives.content_digest is 'Sum of core.leaf_contents when it was archived: a table that differs is archived anew before it is dropped.';
create index if not exists partition_archives_period on core.partition_archives (parent, lower_bound);
create index if not exists partition_archives_superseded on core.partition_archives (superseded_by);

create table if not exists core.maintenance_runs (
    run_id bigint generated always as identity primary key,
    parent regclass not null references core.partition_sets on delete cascade,
    began_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    premade integer,
    retired integer,
    replayed bigint,
    problem text
);
comment on table core.maintenance_runs is 'One row per partition set and run of `saferoute partitions maintain`.';
comment on column core.maintenance_runs.ended_at is 'Null while it runs, and for ever where it was killed.';
comment on column core.maintenance_runs.replayed is 'Quarantined rows that found their period and were stored.';
comment on column core.maintenance_runs.problem is 'Why the set was not maintained to the end; null where it was.';
create index if not exists maintenance_runs_parent on core.maintenance_runs (parent, began_at desc);
