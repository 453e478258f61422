create table if not exists core.partition_sets (
    parent regclass primary key,
    control text not null,
    unit text not null check (unit in ('day', 'month')),
    keep_behind integer not null check (keep_behind >= 0)
);
comment on table core.partition_sets is 'The time x geohash sets. Premake and retention are columns of partman.part_config, the one place for them.';
comment on column core.partition_sets.control is 'The time column of the upper level; cell is the key of the lower.';
comment on column core.partition_sets.unit is 'Length of a period, UTC.';
comment on column core.partition_sets.keep_behind is 'Periods before the current one that core.ensure_partitions makes, for late data; at least part_config.premake, or pg_partman would make them itself when it registers.';

insert into core.partition_sets (parent, control, unit, keep_behind) values
('core.journey_points', 'recorded_at', 'day', 29),
('core.crime_data', 'occurred_at', 'month', 2)
on conflict (parent) do nothing;
