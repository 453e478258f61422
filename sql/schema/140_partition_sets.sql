create table if not exists core.partition_sets (
    parent regclass primary key,
    control text not null,
    unit text not null check (unit in ('day', 'month')),
    keep_behind integer not null check (keep_behind >= 0),
    logical_key text[]
);
comment on table core.partition_sets is 'The time x geohash sets. Premake and retention are columns of partman.part_config, the one place for them.';
comment on column core.partition_sets.control is 'The time column of the upper level; cell is the key of the lower.';
comment on column core.partition_sets.unit is 'Length of a period, UTC.';
comment on column core.partition_sets.keep_behind is 'Periods before the current one that core.ensure_partitions makes, for late data; at least part_config.premake, or pg_partman would make them itself when it registers.';
comment on column core.partition_sets.logical_key is 'Columns that no two rows share, although PostgreSQL can only enforce it together with the partition keys; null where the primary key says it all. `saferoute partitions tool check_unique_constraint` checks it.';

insert into core.partition_sets (parent, control, unit, keep_behind, logical_key) values
('core.journey_points', 'recorded_at', 'day', 29, null),
('core.crime_data', 'occurred_at', 'month', 2, '{source,source_id}')
on conflict (parent) do nothing;
-- Autovacuum never looks at a table so small; without this the planner takes 800 sets for granted and compiles
-- the views over them, for 8 s.
analyze core.partition_sets;
