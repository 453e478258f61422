-- Some leaves of a period are replaced by others that hold the same rows, while they are read and written.
create table if not exists core.repartitions (
    repartition_id bigint generated always as identity primary key,
    parent regclass not null references core.partition_sets on delete cascade,
    period regclass not null,
    lower_bound timestamptz not null,
    old_leaves regclass[] not null,
    prefixes text[] not null,
    has_default boolean not null,
    state text not null default 'copying' check (state in ('copying', 'done', 'abandoned')),
    row_count bigint not null default 0,
    began_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);
comment on table core.repartitions is 'One row per period and attempt to replace leaves: splits, merges, rows that leave a default leaf. Until it is done, the set is as it was but for triggers.';
comment on column core.repartitions.lower_bound is 'Of the period, UTC.';
comment on column core.repartitions.old_leaves is 'What is replaced; dropped once it is done.';
comment on column core.repartitions.prefixes is 'The new leaves: one per prefix.';
comment on column core.repartitions.has_default is 'Whether the default leaf is among the old ones, and so among the new.';
comment on column core.repartitions.state is 'copying: at work, or killed (the next command abandons it); done: the new leaves are in the set; abandoned: undone.';
comment on column core.repartitions.row_count is 'Rows copied, before what changed meanwhile.';
create index if not exists repartitions_period on core.repartitions (parent, lower_bound);
create unique index if not exists repartitions_at_work on core.repartitions (period) where state = 'copying';
