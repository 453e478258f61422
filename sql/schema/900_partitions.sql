-- Premake first: pg_partman then finds its children and only registers the set.
select core.ensure_partitions();
select core.register_partitions(parent) from core.partition_sets;
