-- migration: pre superuser
-- Partition upkeep.
-- The functions that are dropped are internal, and made again at once with other arguments; the tables that get an index
-- without CONCURRENTLY hold only what could not be stored.
-- squawk-ignore-file ban-drop-function, require-concurrent-index-creation

-- source: sql/schema/000_roles.sql sha256:30bfa6f0edc3f27352e25fc90be3d895b73271e47ec22bdf91ba466126905feb
-- Roles of the cluster. Least privilege: an app role reaches tables only through api.* functions.
do $$
declare
    v_role record;
begin
    for v_role in
        select *
        from (values
            ('saferoute_owner', 'login', 'owns tables and internal functions; imports and upkeep'),
            ('saferoute_api', 'nologin', 'owns the api.* functions: not a table owner, no BYPASSRLS'),
            ('authenticator', 'login noinherit', 'login of the API; becomes the role of the token'),
            ('web_anon', 'nologin', 'a caller without a token'),
            ('authenticated', 'nologin', 'a signed-in person'),
            ('worker', 'login', 'background tasks'),
            ('replicator', 'login replication', 'streams to the standbys; reads no table'),
            ('analyst', 'login', 'k-anonymous views on a standby'),
            ('operator', 'login', 'views and procedures of schema ops')
        ) as roles (name, attributes, meaning)
    loop
        if not exists (select from pg_catalog.pg_roles where rolname = v_role.name) then
            execute format('create role %I %s', v_role.name, v_role.attributes);
        end if;
        execute format('comment on role %I is %L', v_role.name, v_role.meaning);
    end loop;
end
$$;

grant web_anon to authenticator;
grant authenticated to authenticator;
-- The owner replaces api.* functions; saferoute_api gains nothing from the owner.
grant saferoute_api to saferoute_owner;

-- Replay lag and sizes, for upkeep and for those who watch it.
grant pg_read_all_stats to saferoute_owner, operator;

-- How long a call may take, unless a DBA has set it. PostgreSQL applies a role's setting at login only: the one of
-- authenticator is the ceiling, the API reads the others and keeps them itself. An analyst may set another one for a
-- session: what ends every query is max_standby_streaming_delay of the analysts' standby.
do $$
declare
    v_role record;
begin
    for v_role in
        select *
        from (values
            ('web_anon', '5s'), ('authenticated', '10s'), ('authenticator', '15s'), ('analyst', '1h')
        ) as t (name, timeout)
    loop
        if not exists (
            select from pg_catalog.pg_roles as r, unnest(r.rolconfig) as c (setting)
            where r.rolname = v_role.name and c.setting like 'statement_timeout=%'
        ) then
            execute format('alter role %I set statement_timeout = %L', v_role.name, v_role.timeout);
        end if;
    end loop;
end
$$;
-- The detail of an error may hold a position, which no log may keep.
alter role authenticator set log_error_verbosity = 'terse';
-- And so may the parameters of a slow statement, or name a person.
alter role authenticator set log_parameter_max_length = 0;
alter role saferoute_owner set log_parameter_max_length = 0;
-- Views over the catalogue: compiling them took 8 s, running them 0.4 s.
alter role operator set jit = off;

-- A standby writes nothing anyway; this says so before a query is planned, and wherever else the role might come to be.
alter role analyst set default_transaction_read_only = 'on';
-- A session forgotten in a transaction would hold the replay of its standby back for hours.
alter role analyst set idle_in_transaction_session_timeout = '10min';
alter role analyst set search_path = 'analytics', 'public';

-- Only signed-in roles of this product connect.
do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format(
        'grant connect on database %I to authenticator, worker, analyst, operator', current_database()
    );
    execute format('grant connect, create, temporary on database %I to saferoute_owner', current_database());
end
$$;

-- Days and months are UTC's. pg_partman names and bounds what it makes by the clock of the session, so that in New York
-- it makes a Sunday of Monday and lets months begin on the 31st; this is what a session has that asks for nothing else.
do $$
begin
    if not exists (
        select from pg_catalog.pg_db_role_setting as s, unnest(s.setconfig) as c (setting)
        where s.setrole = 0 and c.setting ilike 'timezone=%'
            and s.setdatabase = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
    ) then
        execute format('alter database %I set timezone = ''UTC''', current_database());
    end if;
end
$$;

-- role: saferoute_owner
set local role saferoute_owner;

-- by hand: first

-- changed: sql/schema/020_schemas.sql sha256:4c12bdd7ee4d1feff1ad3d742da3564bb232064f9cd3030bf779dc732ef86286
--| - grant usage on schema core to saferoute_api, authenticator;

-- rest: sql/schema/020_schemas.sql
grant usage on schema core to saferoute_api, authenticator, operator;

-- source: sql/schema/040_migrations.sql sha256:416ddc6d6d4cd5ef9e9b2648dadc22e4599f05f8c4b1581ceab775eb656fc004
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

-- changed: sql/schema/120_crimes.sql sha256:5b015e6691e38f15351f099a64731e89c0d08ef1fd902e2cfc707ab76632c71f
--|   create table if not exists core.crime_loads (
--| -     loaded_at timestamptz not null default now()
--| +     loaded_at timestamptz not null default now(),
--| +     publisher text,
--| +     header text[],
--| +     columns jsonb,
--| +     srid integer,
--| +     time_zone text,
--| +     is_day_first boolean
--|   create table if not exists core.crime_rejects (
--| -     content jsonb not null
--| +     content jsonb not null,
--| +     fixed text[],
--| +     settled_at timestamptz,
--| +     replayed_source text,
--| +     replayed_as text
alter table core.crime_loads
add publisher text,
add header text[],
add columns jsonb,
add srid integer,
add time_zone text,
add is_day_first boolean;
alter table core.crime_rejects
add fixed text[],
add settled_at timestamptz,
add replayed_source text,
add replayed_as text;

-- rest: sql/schema/120_crimes.sql
comment on column core.crime_data.source_id is 'The publisher''s id, or a digest of the content where there is none, then @ the month it was published for and #n, its occurrence in that month; #fixed and the number of the reject for a row that an operator has made loadable.';
comment on column core.crime_loads.publisher is 'This and what follows says how the file was read, so that a rejected row can be read again.';
comment on column core.crime_loads.columns is 'Role (id, time, reported, lon, lat, category, area, force) to position in the header, from 1.';
comment on column core.crime_loads.srid is 'EPSG of its coordinates.';
comment on column core.crime_loads.time_zone is 'Of its times that state none.';
comment on column core.crime_loads.is_day_first is 'Whether 3/2/2017 is a day of February in it.';
comment on table core.crime_rejects is 'Rows of crime files that could not be loaded, whole, with the reason. A row stays when it is settled, so that the next file that brings it does not reject it again.';
comment on column core.crime_rejects.content is 'As it came: header to field, or {"fields": [...]} where their numbers differ.';
comment on column core.crime_rejects.fixed is 'The fields, in the order of the header, as an operator has fixed them; null where nobody has.';
comment on column core.crime_rejects.settled_at is 'When it was replayed or discarded; null while it waits.';
comment on column core.crime_rejects.replayed_source is 'The source of the crime it has become.';
comment on column core.crime_rejects.replayed_as is 'The source_id of the crime it has become, which a file that still has the rejected row does not remove; null where it waits or was discarded.';

-- changed: sql/schema/130_journeys.sql sha256:00b938ceb143d90d996da7bf96152d40babcec29fa28b51aaf09cd9084acc069
--|   create table if not exists core.journeys (
--| +     erasing_since timestamptz,
--|   create table if not exists core.point_quarantine (
--| -     reason text not null check (reason in ('unreadable', 'time', 'ended', 'position', 'far')),
--| +     reason text not null check (reason in ('unreadable', 'time', 'ended', 'position', 'far', 'period')),
--| +     fixed json,
--| +     recorded_at timestamptz,
alter table core.journeys add erasing_since timestamptz;
alter table core.point_quarantine
-- squawk-ignore ban-drop-constraint
drop constraint point_quarantine_reason_check,
-- squawk-ignore constraint-missing-not-valid
add constraint point_quarantine_reason_check
check (reason in ('unreadable', 'time', 'ended', 'position', 'far', 'period')),
add fixed json,
add recorded_at timestamptz;

-- rest: sql/schema/130_journeys.sql
comment on column core.journeys.journey_id is 'Made by the app.';
comment on column core.journeys.user_id is 'Whose walk it is.';
comment on column core.journeys.started_at is 'As the app said, or when the server heard of it.';
comment on column core.journeys.ended_at is 'Null while it goes on.';
comment on column core.journeys.origin is 'Where it began, WGS 84.';
comment on column core.journeys.destination is 'Where it was to lead, WGS 84; null where the app did not say.';
comment on column core.journeys.created_at is 'When the server first heard of it.';
comment on column core.journeys.erasing_since is 'When the erasure of its person began: from then on no call of theirs finds it, and nothing is added to it.';
comment on column core.journey_points.journey_id is 'The walk it belongs to.';
comment on column core.journey_points.recorded_at is 'By the clock of the phone.';
comment on column core.journey_points.geom is 'WGS 84.';
comment on column core.journey_points.speed_mps is 'Metres per second, as the phone said.';
comment on column core.journey_points.accuracy_m is 'Metres, as the phone said.';
comment on column core.journey_points.battery_pct is 'Charge of the phone, per cent.';
comment on column core.point_quarantine.quarantine_id is 'A running number.';
comment on column core.point_quarantine.journey_id is 'The walk it was sent for.';
comment on column core.point_quarantine.user_id is 'Who sent it.';
comment on column core.point_quarantine.received_at is 'When the server got it.';
comment on column core.point_quarantine.reason is 'unreadable: a value has no meaning; time: none, without zone, over 29 days old or over 10 minutes ahead; ended: after the end of the journey; position: off the Earth; far: over 300 km from its origin, as when longitude and latitude are swapped; period: its day has no partition, because upkeep has not run for days or because it is older than what is kept.';
comment on column core.point_quarantine.fixed is 'What an operator has made of it, which is what a replay stores; null where nobody has.';
comment on column core.point_quarantine.recorded_at is 'The time in the point, or in what it was fixed to; null where there is none that can be read.';
create index if not exists point_quarantine_reason on core.point_quarantine (reason, quarantine_id);

-- changed: sql/schema/140_partition_sets.sql sha256:976b22582e01bed67cc6f0c4430d883de34a620ffbb24a8cebf6222951532f39
--|   create table if not exists core.partition_sets (
--| -     keep_behind integer not null check (keep_behind >= 0)
--| +     keep_behind integer not null check (keep_behind >= 0),
--| +     logical_key text[]
alter table core.partition_sets add logical_key text[];
update core.partition_sets set logical_key = '{source,source_id}' where parent = 'core.crime_data'::regclass;

-- rest: sql/schema/140_partition_sets.sql
comment on column core.partition_sets.logical_key is 'Columns that no two rows share, although PostgreSQL can only enforce it together with the partition keys; null where the primary key says it all. `saferoute partitions tool check_unique_constraint` checks it.';
insert into core.partition_sets (parent, control, unit, keep_behind, logical_key) values
('core.journey_points', 'recorded_at', 'day', 29, null),
('core.crime_data', 'occurred_at', 'month', 2, '{source,source_id}')
on conflict (parent) do nothing;
analyze core.partition_sets;

-- source: sql/schema/145_upkeep.sql sha256:1a3165328e562b5f7addca5363b11f7c1574df06b3dd44b04dae6d87bc3d4696
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

-- source: sql/schema/146_repartitions.sql sha256:bfac907ee81bf3e77e4f6e055755c69f38a6a79aeec9bc7c6fb491ae1d6c2ecb
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

-- changed: sql/schema/150_risk.sql sha256:b98859cd6211f7384f388761a5716afab170f662f1065a8010798eec1cb3146e
--|   create table if not exists core.city_risk (
--| -     refreshed_at timestamptz not null default now()
--| +     refreshed_at timestamptz not null default now(),
--| +     absent_periods timestamptz[] not null default '{}'
alter table core.city_risk add absent_periods timestamptz[] not null default '{}';

-- rest: sql/schema/150_risk.sql
comment on column core.city_risk.absent_periods is 'core.absent_periods of the crimes: a month that is retired or restored comes and goes without a trigger.';

-- source: sql/schema/160_erasure.sql sha256:0f60660f3cf124997d8c9ccc53f89b330de25cc655043979e212073bec1c6fae
-- What is kept of people, and the record of what was erased. A new table with a user column needs a row here: a test
-- looks for tables that have none, and erase and export then reach it.
create table if not exists core.user_data (
    relation regclass primary key,
    user_column text not null,
    erase_order integer not null unique,
    erase_with text,
    description text not null
);
comment on table core.user_data is 'Every table that holds data of people. Erase and export go through it.';
comment on column core.user_data.user_column is 'Whose row it is: a uuid.';
comment on column core.user_data.erase_order is 'Lowest first: what leads to other rows (a journey to its points) after them.';
comment on column core.user_data.erase_with is 'The function of schema core that removes up to p_limit rows of p_user_id and returns (leaf, removed); null: rows are found by the user column, which is indexed.';
comment on column core.user_data.description is 'What it is, in the words of the person who gets an export.';

insert into core.user_data (relation, user_column, erase_order, erase_with, description) values
('core.journey_points', 'user_id', 10, 'erase_points', 'Positions that your phone sent while you walked. Kept 30 days, then in archives.'),
('core.point_quarantine', 'user_id', 20, null, 'Positions that could not be stored with your walks, as they were sent, and why.'),
('core.journeys', 'user_id', 90, null, 'Your walks: where and when each began and ended.')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description;

create table if not exists core.erasures (
    erasure_id uuid primary key default gen_random_uuid(),
    user_digest text not null,
    began_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    removed jsonb not null,
    archives jsonb not null default '{}',
    lsn pg_lsn,
    proof jsonb,
    digest text,
    check ((finished_at is null) = (digest is null))
);
comment on table core.erasures is 'One receipt per erasure of a person. It stays open until the erasure is proven everywhere; running it again goes on with it.';
comment on column core.erasures.user_digest is 'SHA-256 of the user id as text (lower case, with hyphens), hexadecimal. The id itself stands nowhere.';
comment on column core.erasures.removed is 'Rows removed, by table.';
comment on column core.erasures.archives is 'By file name: period, result (pending, not in it, rewriting, rewritten, superseded, out of reach) and rows removed, of every archive that could hold the person.';
comment on column core.erasures.lsn is 'A replica that has replayed this has nothing left of the person.';
comment on column core.erasures.proof is 'Rows found afterwards (0) on the primary and on each replica that was asked, and how far the others have replayed.';
comment on column core.erasures.digest is 'SHA-256 of the receipt, hexadecimal: a copy can be checked against it.';
create unique index if not exists erasures_open on core.erasures (user_digest) where finished_at is null;
create index if not exists erasures_user on core.erasures (user_digest);
-- Quarantined points are found by their person when they are erased.
create index if not exists point_quarantine_user on core.point_quarantine (user_id);

-- source: sql/partitions/abandon_repartition.sql sha256:16137f59b0b6cb23a6f418a52b30210cd7837ddb9526e46f4a4fd03e3fbca332
create or replace function core.abandon_repartition(p_repartition_id bigint) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_repartition core.repartitions;
    v_leaf regclass;
begin
    select * into strict v_repartition from core.repartitions as r
    where r.repartition_id = p_repartition_id and r.state = 'copying';
    for v_leaf in
        select c.oid from unnest(v_repartition.old_leaves) as u (leaf) inner join pg_catalog.pg_class as c on c.oid = u.leaf
    loop
        execute format('drop trigger if exists _900_log_change on %s', v_leaf);
    end loop;
    for v_leaf in
        select c.conrelid from core.leaves(v_repartition.period) as l
        inner join pg_catalog.pg_constraint as c on c.conrelid = l.leaf
        where l.lower_cell is null and c.conname = 'repartition_guard'
    loop
        execute format('alter table %s drop constraint repartition_guard', v_leaf);
    end loop;
    execute format('drop function if exists core.repartition_%s_log()', p_repartition_id);
    execute format('drop table if exists core.repartition_%1$s, core.repartition_%1$s_log', p_repartition_id);
    update core.repartitions as r set state = 'abandoned', ended_at = clock_timestamp()
    where r.repartition_id = p_repartition_id;
end
$$;

comment on function core.abandon_repartition(bigint) is
'Undo a repartition that has not been swapped: the old leaves have never stopped being the set''s.';
revoke all on function core.abandon_repartition(bigint) from public;

-- source: sql/partitions/absent_periods.sql sha256:0def1d33dd07f8ed0110a7685084e65a848e1b5db3ee9bf6424b6c8164d6e9c4
create or replace function core.absent_periods(p_parent regclass) returns timestamptz[]
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(array_agg(distinct absent.lower_bound order by absent.lower_bound), '{}')
from (
    select a.lower_bound
    from core.partition_archives as a
    where a.parent = p_parent
        and a.superseded_by is null
        and a.dropped_at is not null
        and (a.restored_at is null or a.restored_as is not null)
    union all
    select k.lower_bound
    from core.known_periods as k
    where k.parent = p_parent
        and not exists (select from core.periods(p_parent) as p where p.period = k.period)
) as absent
$$;

comment on function core.absent_periods(regclass) is
'Lower bounds of the periods whose rows, or some of them, have left a partition set: detached, or only in an archive.';
revoke all on function core.absent_periods(regclass) from public;

-- source: sql/partitions/add_city_regions.sql sha256:7bf0bed2d3c2f89e7411260230fb0c64f14a8d041162f6c6a4895d86a92551b3
create or replace function core.add_city_regions(p_city_id integer) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_added bigint;
begin
    select * into strict v_city from core.cities where city_id = p_city_id;
    -- No leaves here: an import would hold their locks to its end. New periods get them, core.fill_plan names the others.
    insert into core.regions (prefix, label)
    select u.prefix, v_city.name
    from unnest(core.geohash_cover(v_city.walkable_bounds, 4)) as u (prefix)
    where not exists (
        select from core.regions as r
        where starts_with(r.prefix, u.prefix) or starts_with(u.prefix, r.prefix)
    );
    get diagnostics v_added = row_count;
    return v_added;
end
$$;

comment on function core.add_city_regions(integer) is
'Add the geohash-4 cover of a city''s walkable bounds to core.regions; how many were new. Rows already there stay in default leaves until `saferoute partitions regions fill`.';
revoke all on function core.add_city_regions(integer) from public;

-- source: sql/partitions/add_leaf.sql sha256:a8c6efb2d11e9ce9606929a909baa2bc262e4725a9af074cef52b5cbb61ee5c8
create or replace function core.add_leaf(p_period regclass, p_prefix text) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner' -- whoever calls: what a superuser made, the owner could not archive
set lock_timeout = '5s'
as $$
declare
    v_schema text;
    v_name text;
    v_default regclass;
    v_moved bigint := 0;
begin
    if p_prefix !~ '^[0-9b-hjkmnp-z]{1,5}$' then
        raise exception using errcode = 'invalid_parameter_value', message = format('%L is not a geohash prefix', p_prefix);
    end if;
    if exists (
        select from core.leaves(p_period) as l
        where p_prefix collate "C" >= l.lower_cell collate "C" and p_prefix collate "C" < l.upper_cell collate "C"
    ) then
        return 0;
    end if;
    select n.nspname, c.relname into v_schema, v_name
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_period;
    select l.leaf into v_default from core.leaves(p_period) as l where l.lower_cell is null;

    execute format(
        'create table %1$I.%2$I (like %1$I.%3$I including defaults including constraints including storage)',
        v_schema, v_name || '_' || p_prefix, v_name
    );
    if v_default is not null then
        -- The period and not only the leaf: an insert that has looked up its leaf before the attach would fail the
        -- default leaf's new constraint after it.
        execute format('lock table only %s in access exclusive mode', p_period);
        execute format('lock table %s in access exclusive mode', v_default);
        execute format(
            'with moved as (delete from %1$s where cell >= $1 and cell < $2 returning *) insert into %2$I.%3$I select * from moved',
            v_default, v_schema, v_name || '_' || p_prefix
        ) using p_prefix, p_prefix || '~';
        get diagnostics v_moved = row_count;
    end if;
    execute format(
        'alter table %s attach partition %I.%I for values from (%L) to (%L)',
        p_period, v_schema, v_name || '_' || p_prefix, p_prefix, p_prefix || '~'
    );
    return v_moved;
end
$$;

comment on function core.add_leaf(regclass, text) is
'Give a period a leaf for the cells that begin with p_prefix, and move their rows out of its default leaf; the number of rows moved. Changes nothing where a leaf already holds them. Who reads or writes the period waits to the end of the transaction: for periods nobody uses yet; others are for `saferoute partitions regions fill`.';
revoke all on function core.add_leaf(regclass, text) from public;

-- source: sql/partitions/adopt_period.sql sha256:14288fa7af5cbcf2f192e199f913d53f07064511306421451a7bec102595f913
create or replace function core.adopt_period(p_parent regclass, p_plain regclass) returns regclass
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner'
set timezone = 'UTC'
as $$
declare
    v_set core.partition_sets;
    v_lower timestamptz;
    v_upper timestamptz;
    v_schema text;
    v_base text;
    v_name text;
    v_period regclass;
    v_is_empty boolean;
    v_has_row boolean;
begin
    select * into strict v_set from core.partition_sets as s where s.parent = p_parent;
    select p.lower_bound, p.upper_bound into strict v_lower, v_upper
    from core.periods(p_parent) as p where p.period = p_plain;
    select n.nspname, c.relname into v_schema, v_base
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    v_name := v_base || core.period_suffix(p_parent, v_lower);

    -- Everything that takes time comes before the lock. A table with rows begins as the only leaf: rows of a region
    -- are moved out of it later, as out of every default leaf.
    execute format(
        'create table %1$I.%2$I (like %1$I.%3$I including defaults including constraints including storage) partition by range (cell)',
        v_schema, v_name, v_base
    );
    v_period := format('%I.%I', v_schema, v_name)::regclass;
    execute format('select not exists (select from %s)', p_plain) into v_is_empty;
    if v_is_empty then
        perform core.add_leaf(v_period, u.prefix) from unnest(core.prefixes_in_use(p_parent)) as u (prefix);
    end if;

    -- The set before its leaf, in the order of inserts: the other way round we would deadlock with them.
    execute format('lock table %s in access exclusive mode', p_parent);
    execute format('select exists (select from %s)', p_plain) into v_has_row;
    if v_is_empty and v_has_row then
        raise exception using errcode = 'lock_not_available',
        message = format('%s got its first row while it was adopted', p_plain), hint = 'Try again.';
    end if;
    execute format('alter table %s detach partition %s', p_parent, p_plain);
    execute format('alter table %s attach partition %s default', v_period, p_plain);
    execute format('alter table %s attach partition %s for values from (%L) to (%L)', p_parent, v_period, v_lower, v_upper);
    execute format('alter table %s drop constraint if exists adoption', p_plain);
    perform core.note_periods(p_parent);
    return v_period;
end
$$;

comment on function core.adopt_period(regclass, regclass) is
'Put a period with leaves in the place of a plain one, which becomes its default leaf with all its rows; after core.prepare_adoption. Takes ACCESS EXCLUSIVE on the set for milliseconds, so call it with a short lock_timeout.';
revoke all on function core.adopt_period(regclass, regclass) from public;

-- source: sql/partitions/attach_period.sql sha256:2cb78ea53979061e420a49758bf67a31d919e7f8ce64bca2f6823a83d276204a
create or replace function core.attach_period(p_parent regclass, p_lower timestamptz, p_table regclass) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_upper timestamptz := coalesce(
        (select k.upper_bound from core.known_periods as k where k.parent = p_parent and k.period = p_table),
        (select p_lower + ('1 ' || s.unit)::interval from core.partition_sets as s where s.parent = p_parent)
    );
begin
    perform core.rename_period(p_table, core.period_name(p_parent, p_lower));
    execute format(
        'alter table %s attach partition %s for values from (%L) to (%L)', p_parent, p_table, p_lower, v_upper
    );
    execute format('alter table %s drop constraint if exists period_bounds', p_table);
    insert into core.known_periods as k (parent, lower_bound, upper_bound, period)
    values (p_parent, p_lower, v_upper, p_table)
    on conflict (parent, lower_bound) do update set period = excluded.period
    where not exists (select from pg_catalog.pg_class as c where c.oid = k.period);
end
$$;

comment on function core.attach_period(regclass, timestamptz, regclass) is
'Make a table that stands apart (of core.build_period, or detached) the period of its set that begins at p_lower, under the name such a period has.';
revoke all on function core.attach_period(regclass, timestamptz, regclass) from public;

-- source: sql/partitions/begin_repartition.sql sha256:0887dd496d5b56dd41fc5d4b2530be850d816801c14f76dfc40e479533f69fab
create or replace function core.begin_repartition(p_period regclass, p_old_leaves regclass[], p_prefixes text[])
returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner'
set timezone = 'UTC'
as $$
declare
    v_parent regclass;
    v_lower timestamptz;
    v_has_default boolean;
    v_id bigint;
    v_parts record;
    v_leaf regclass;
    v_writer name;
begin
    select s.parent, p.lower_bound into strict v_parent, v_lower
    from core.partition_sets as s, core.periods(s.parent) as p where p.period = p_period;
    select coalesce(bool_or(l.lower_cell is null), false) into v_has_default
    from core.leaves(p_period) as l where l.leaf = any(p_old_leaves);
    insert into core.repartitions (parent, period, lower_bound, old_leaves, prefixes, has_default)
    values (v_parent, p_period, v_lower, p_old_leaves, p_prefixes, v_has_default)
    returning repartition_id into v_id;
    select * into v_parts from core.repartition_parts(v_id);

    execute format('create table %s (like %s) partition by range (cell)', v_parts.staging, p_period);
    execute format('comment on table %s is %L', v_parts.staging, format('New leaves of %s, until they take their place.', p_period));
    perform core.stage_leaf(v_id, u.prefix) from unnest(p_prefixes) as u (prefix);
    if v_has_default then
        perform core.stage_leaf(v_id, '');
    end if;

    -- Not unlogged: a crash would empty it and lose the changes since.
    execute format('create table %s as select %s from %s with no data', v_parts.log, v_parts.key, v_parent);
    execute format('comment on table %s is %L', v_parts.log, format('Keys of rows of %s that changed while its leaves are replaced.', p_period));
    for v_writer in
        select distinct r.rolname
        from pg_catalog.pg_class as c
        cross join lateral pg_catalog.aclexplode(c.relacl) as a
        inner join pg_catalog.pg_roles as r on r.oid = a.grantee
        where c.oid = v_parent and a.privilege_type in ('INSERT', 'UPDATE', 'DELETE') and a.grantee <> c.relowner
    loop
        execute format('grant insert on %s to %I', v_parts.log, v_writer);
    end loop;

    -- Made for the key of this set and without SET clauses: it adds 6 us to the 12 us a row takes, one function for all
    -- sets, with EXECUTE and a search_path, 52 us. Every name in it is qualified.
    execute format(
        'create function %1$s() returns trigger language plpgsql volatile security invoker as $body$
        begin
            if tg_op <> ''INSERT'' then insert into %1$s select %2$s; end if;
            if tg_op <> ''DELETE'' then insert into %1$s select %3$s; end if;
            return null;
        end $body$',
        v_parts.log,
        (select string_agg('old.' || k, ', ') from unnest(string_to_array(v_parts.key, ', ')) as k),
        (select string_agg('new.' || k, ', ') from unnest(string_to_array(v_parts.key, ', ')) as k)
    );
    execute format('comment on function %s() is %L', v_parts.log, format('Log the key of a changed row of %s.', p_period));
    execute format('revoke all on function %s() from public', v_parts.log);

    -- Last, since writers wait from here to the commit. Who is writing ends first: all he wrote will be copied.
    foreach v_leaf in array p_old_leaves loop
        execute format(
            'create trigger _900_log_change after insert or update or delete on %s for each row execute function %s()',
            v_leaf, v_parts.log
        );
    end loop;
    return v_id;
end
$$;

comment on function core.begin_repartition(regclass, regclass[], text[]) is
'Begin to replace leaves of a period by one leaf per prefix (and a new default leaf where it is among them): make those empty and apart, and log what changes in the old ones from now on. The id of the repartition.';
revoke all on function core.begin_repartition(regclass, regclass[], text[]) from public;

-- source: sql/partitions/bring_back.sql sha256:64f2470a3171eab5fee5345a2ae9d9b5732f6084ad88a8f9239ccee51df5e3bb
create or replace function core.bring_back(
    p_archive_id bigint, p_table regclass, p_keep interval, p_is_beside boolean,
    out erased bigint, out superseded bigint, out already_there bigint, out brought_back bigint, out stands_as regclass
)
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_archive core.partition_archives;
begin
    select * into strict v_archive from core.partition_archives where archive_id = p_archive_id;
    superseded := 0;
    erased := core.remove_erased(p_table);
    if p_is_beside then
        select c.oid into stands_as
        from core.partition_archives as a inner join pg_catalog.pg_class as c on c.oid = a.restored_as
        where a.parent = v_archive.parent and a.lower_bound = v_archive.lower_bound;
    else
        if v_archive.parent = 'core.crime_data'::regclass then
            -- No import corrects a crime between the look at its key and its return.
            perform pg_advisory_xact_lock(hashtext('saferoute import'));
            superseded := core.remove_superseded_crimes(p_table);
        end if;
        execute format('lock table %s in share update exclusive mode', v_archive.parent);
        select p.period into stands_as from core.periods(v_archive.parent) as p where p.lower_bound = v_archive.lower_bound;
    end if;
    execute format('select count(*) from %s', p_table) into brought_back;
    already_there := brought_back;

    if stands_as is not null then
        -- Through the parent, whose triggers tell the risk.
        execute format(
            'insert into %s select * from %s on conflict do nothing',
            case when p_is_beside then stands_as else v_archive.parent end, p_table
        );
        get diagnostics brought_back = row_count;
        execute format('drop table %s', p_table);
    else
        stands_as := p_table;
        if p_is_beside then
            perform core.rename_period(p_table, core.period_name(v_archive.parent, v_archive.lower_bound) || '_restored');
        else
            perform core.attach_period(v_archive.parent, v_archive.lower_bound, p_table);
        end if;
    end if;
    already_there := already_there - brought_back;

    update core.partition_archives as a
    set
        restored_at = now(),
        restored_as = case when p_is_beside then stands_as end,
        keep_until = now() + p_keep
    where a.archive_id = p_archive_id;
    if not p_is_beside then
        perform core.drop_beside(v_archive.restored_as);
    end if;
end
$$;

comment on function core.bring_back(bigint, regclass, interval, boolean) is
'Let the rows of an archive, loaded into p_table, be part of their set again or stand beside it, without those of people erased since and, in the set, of crimes corrected since. Where such a table stands, rows that it lacks join it. Counts rows removed and rows that were there already.';
revoke all on function core.bring_back(bigint, regclass, interval, boolean) from public;

-- source: sql/partitions/build_period.sql sha256:5d227df81a27bbe48d8624009945ab4ebae055a4b73c105bceedd7a033bbf685
create or replace function core.build_period(
    p_parent regclass, p_lower timestamptz, p_name text, p_prefixes text[]
) returns regclass
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner'
set timezone = 'UTC'
as $$
declare
    v_set core.partition_sets;
    v_schema text;
    v_base text;
    v_period regclass;
    v_foreign_key record;
begin
    select * into strict v_set from core.partition_sets where parent = p_parent;
    select n.nspname, c.relname into v_schema, v_base
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    -- With its keys and bounds from the start: to attach it, full, reads nothing and builds nothing.
    execute format(
        'create table %1$I.%2$I (
            like %1$I.%3$I including defaults including constraints including storage including indexes,
            constraint period_bounds check (%4$I >= %5$L and %4$I < %6$L)
        ) partition by range (cell)',
        v_schema, p_name, v_base, v_set.control, p_lower, p_lower + ('1 ' || v_set.unit)::interval
    );
    v_period := format('%I.%I', v_schema, p_name)::regclass;
    for v_foreign_key in
        select k.conname, pg_catalog.pg_get_constraintdef(k.oid) as definition
        from pg_catalog.pg_constraint as k where k.conrelid = p_parent and k.contype = 'f'
    loop
        execute format('alter table %s add constraint %I %s', v_period, v_foreign_key.conname, v_foreign_key.definition);
    end loop;
    execute format('create table %1$I.%2$I partition of %1$I.%3$I default', v_schema, p_name || '_default', p_name);
    perform core.add_leaf(v_period, u.prefix) from unnest(p_prefixes) as u (prefix);
    return v_period;
end
$$;

comment on function core.build_period(regclass, timestamptz, text, text[]) is
'A table with the structure of a period, a default leaf and a leaf for each prefix, apart from its set: core.attach_period makes it part of it.';
revoke all on function core.build_period(regclass, timestamptz, text, text[]) from public;

-- source: sql/partitions/catch_up.sql sha256:52b3d3fc505b4e0fcc479d566f05bb5e6179ca68cda34de3f852c3d2ed16b850
create or replace function core.catch_up(p_repartition_id bigint, p_limit integer default 10000, p_alone boolean default false)
returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set jit = off
-- Few keys against large tables, some of them without statistics: always by index.
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
    v_parts record;
    v_marks tid [];
    v_leaf regclass;
begin
    select * into v_parts from core.repartition_parts(p_repartition_id);
    if p_alone then
        for v_leaf in
            select u.leaf from core.repartitions as r, unnest(r.old_leaves) as u (leaf) where r.repartition_id = p_repartition_id
        loop
            execute format('lock table %s in share row exclusive mode', v_leaf);
        end loop;
    end if;
    -- Log rows are never updated, so a ctid names one until this transaction has deleted it. An identity column would
    -- cost every writer more than its key does.
    execute format('select array(select l.ctid from %s as l limit $1)', v_parts.log) into v_marks using p_limit;
    if v_marks = '{}' then
        return 0;
    end if;
    -- What the row is now counts, not what happened to it: so order does not matter, and twice is as good as once.
    -- Read through the period, which finds the leaf of a key; a union of 32 leaves looks each key up 32 times.
    execute format(
        'delete from %s as t using %s as l where l.ctid = any ($1) and %s', v_parts.staging, v_parts.log, v_parts.key_matches
    ) using v_marks;
    execute format(
        'insert into %1$s (%2$s) select %7$s from (select distinct %3$s from %4$s where ctid = any ($1)) as l inner join %5$s as t on %6$s',
        v_parts.staging, v_parts.columns, v_parts.key, v_parts.log, v_parts.period, v_parts.key_matches,
        (select string_agg('t.' || c, ', ') from unnest(string_to_array(v_parts.columns, ', ')) as c)
    ) using v_marks;
    execute format('delete from %s where ctid = any ($1)', v_parts.log) using v_marks;
    return cardinality(v_marks);
end
$$;

comment on function core.catch_up(bigint, integer, boolean) is
'Bring up to p_limit logged changes of the old leaves into the new ones; how many log entries that were. Writers of the old leaves wait meanwhile where p_alone.';
revoke all on function core.catch_up(bigint, integer, boolean) from public;

-- source: sql/partitions/check_prefix.sql sha256:1fb88b22e5a15bc3d056b9e1059af45271cb32d49e7702c45b826864df335990
create or replace function core.check_prefix(p_prefix text, p_longest integer) returns void
language plpgsql immutable security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_prefix is null or p_prefix !~ '^[0-9b-hjkmnp-z]+$' then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%s is not a geohash prefix: it is written in 0-9 and b-z without i, l and o', coalesce(p_prefix, 'null'));
    elsif length(p_prefix) > p_longest then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%s has %s characters, and cells end at five: it has no children', p_prefix, length(p_prefix));
    end if;
end
$$;

comment on function core.check_prefix(text, integer) is
'Refuse what is no geohash prefix of at most p_longest characters.';
revoke all on function core.check_prefix(text, integer) from public;

-- source: sql/partitions/checked_leaves.sql sha256:0e16157097fc151628616417a08fc01d86beb55a1f6fa63b701d598786f15216
create or replace function core.checked_leaves() returns setof regclass
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
select c.conrelid::regclass
from core.partition_sets as s
cross join lateral core.periods(s.parent) as p
inner join pg_catalog.pg_inherits as i on i.inhparent = p.period
inner join pg_catalog.pg_constraint as c on c.conrelid = i.inhrelid
where c.conname = 'repartition_bounds'
$$;

comment on function core.checked_leaves() is
'Leaves that came by a repartition and still have the check that let ATTACH not read them.';
revoke all on function core.checked_leaves() from public;

-- source: sql/partitions/child_prefixes.sql sha256:cbd9ba86cbf352b09492cd9a7643ac8aabf3f0042325294be97f81cbe96b59ac
create or replace function core.child_prefixes(p_prefix text) returns text[]
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select array_agg(p_prefix || c order by c collate "C")
from unnest(string_to_array('0123456789bcdefghjkmnpqrstuvwxyz', null)) as c
$$;

comment on function core.child_prefixes(text) is 'The 32 geohash prefixes that are one character longer.';
revoke all on function core.child_prefixes(text) from public;

-- source: sql/partitions/copy_into_leaf.sql sha256:bd4c91e19346aea82c9b2c2db136d1f52b88973963950e13e7f8f59fc979aaf9
create or replace function core.copy_into_leaf(p_repartition_id bigint, p_leaf regclass) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_parts record;
    v_lower text;
    v_upper text;
    v_prefixes text [];
    v_rows bigint;
    v_part record;
begin
    select * into v_parts from core.repartition_parts(p_repartition_id);
    select l.lower_cell, l.upper_cell into strict v_lower, v_upper
    from core.leaves(v_parts.staging::regclass) as l where l.leaf = p_leaf;
    if v_lower is not null then
        execute format(
            'insert into %1$s (%2$s) select t.* from %3$s as t where t.cell >= $1 and t.cell < $2',
            p_leaf, v_parts.columns, v_parts.source
        ) using v_lower, v_upper;
    else
        select r.prefixes into v_prefixes from core.repartitions as r where r.repartition_id = p_repartition_id;
        execute format(
            'insert into %1$s (%2$s) select t.* from %3$s as t where not exists (select from unnest($1) as u (prefix) where starts_with(t.cell, u.prefix))',
            p_leaf, v_parts.columns, v_parts.source
        ) using v_prefixes;
    end if;
    get diagnostics v_rows = row_count;
    update core.repartitions as r set row_count = r.row_count + v_rows where r.repartition_id = p_repartition_id;

    -- After the rows, which is twice as fast, and as the period has them: ATTACH takes them over and builds nothing.
    for v_part in
        select format('add %s', pg_catalog.pg_get_constraintdef(c.oid)) as definition
        from pg_catalog.pg_constraint as c where c.conrelid = v_parts.period and c.contype in ('p', 'u', 'f')
        order by c.contype desc, c.conname
    loop
        execute format('alter table %s %s', p_leaf, v_part.definition);
    end loop;
    for v_part in
        select pg_catalog.pg_get_indexdef(i.indexrelid) as definition, i.indisunique
        from pg_catalog.pg_index as i
        where i.indrelid = v_parts.period
            and not exists (select from pg_catalog.pg_constraint as c where c.conindid = i.indexrelid)
    loop
        execute format(
            'create %s index on %s %s', case when v_part.indisunique then 'unique' end, p_leaf,
            substr(v_part.definition, position(' USING ' in v_part.definition))
        );
    end loop;
    return v_rows;
end
$$;

comment on function core.copy_into_leaf(bigint, regclass) is
'Copy the rows of a new leaf from the old ones, then give it the keys and indexes of its period; the number of rows. Changes since the beginning are in the log and come with core.catch_up.';
revoke all on function core.copy_into_leaf(bigint, regclass) from public;

-- source: sql/partitions/drop_archived.sql sha256:1987439f79869cd9fa4759fdb23f3a4f65cc086525ea06964be9cdefb9e67e79
create or replace function core.drop_archived(p_archive_id bigint, p_period regclass) returns boolean
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_archive core.partition_archives;
    v_is_archived boolean;
begin
    if exists (select from pg_catalog.pg_inherits as i where i.inhrelid = p_period) then
        raise exception using errcode = 'object_not_in_prerequisite_state', message = format('%s has not been detached', p_period);
    end if;
    select * into strict v_archive from core.partition_archives where archive_id = p_archive_id for update;
    execute format('lock table %s in access exclusive mode', p_period);
    select
        sum(c.digest) = v_archive.content_digest
        and jsonb_object_agg(c.leaf, c.row_count) = v_archive.leaf_rows
        and v_archive.dropped_at is null
        and v_archive.superseded_by is null
    into v_is_archived
    from core.leaf_contents(p_period) as c;
    if v_is_archived is not true then
        return false;
    end if;
    delete from core.known_periods as k where k.period = p_period;
    execute format('drop table %s', p_period);
    update core.partition_archives set dropped_at = now() where archive_id = p_archive_id;
    return true;
end
$$;

comment on function core.drop_archived(bigint, regclass) is
'Drop a detached period whose rows are, one and all, those of this archive; false, and nothing done, where they are not.';
revoke all on function core.drop_archived(bigint, regclass) from public;

-- source: sql/partitions/drop_beside.sql sha256:35f607a42ffad95cb3f25408cdd1e79350c44a373c45704b36346fab914a5822
create or replace function core.drop_beside(p_table regclass) returns boolean
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_table is null or exists (select from core.partition_archives as a where a.restored_as = p_table) then
        return false;
    end if;
    if exists (select from pg_catalog.pg_class as c where c.oid = p_table) then
        execute format('drop table %s', p_table);
    end if;
    return true;
end
$$;

comment on function core.drop_beside(regclass) is
'Drop a table that stood beside its set once no archive says any more that its rows are there; whether it is gone.';
revoke all on function core.drop_beside(regclass) from public;

-- source: sql/partitions/ensure_partitions.sql sha256:1e8bbc2708042a0bfe5d6844e4d7b671266322b151e3ce8d8d758f9c873da656
create or replace function core.ensure_partitions() returns integer
language sql volatile security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(sum(core.premake(s.parent)), 0)::integer from core.partition_sets as s
$$;

comment on function core.ensure_partitions() is
'core.premake for every partition set; how many periods were made. Run it at least daily.';
revoke all on function core.ensure_partitions() from public;

-- source: sql/partitions/fill_plan.sql sha256:e0ce1e2cc502dc17dc6f93110ae3eeb18c9b75e9b3646247aa9d4cc6740973f5
create or replace function core.fill_plan()
returns table (parent regclass, period regclass, lower_bound timestamptz, old_leaves regclass[], prefixes text[])
language plpgsql stable security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_default regclass;
begin
    for parent, period, lower_bound, v_default in
        select s.parent, p.period, p.lower_bound, l.leaf
        from core.partition_sets as s
        cross join lateral core.periods(s.parent) as p
        cross join lateral core.leaves(p.period) as l
        where l.lower_cell is null and pg_catalog.pg_relation_size(l.leaf) > 0
        order by s.parent::text, p.lower_bound
    loop
        execute format(
            'select array_agg(r.prefix order by r.prefix) from core.regions as r
             where exists (select from %s as t where t.cell >= r.prefix and t.cell < r.prefix || ''~'')
                 and not exists (
                     select from core.leaves($1) as l
                     where l.lower_cell < r.prefix || ''~'' and l.upper_cell > r.prefix)',
            v_default
        ) into prefixes using period;
        old_leaves := array[v_default];
        if prefixes is not null then
            return next;
        end if;
    end loop;
end
$$;

comment on function core.fill_plan() is
'The periods whose default leaf has rows of regions, and the regions that should have a leaf there.';
revoke all on function core.fill_plan() from public;

-- source: sql/partitions/guard_default_leaf.sql sha256:adb39dc4d6584a463f14024200f23f3933bf110060bcd79dc896812d72aea23a
create or replace function core.guard_default_leaf(p_repartition_id bigint) returns regclass
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_default regclass;
    v_condition text;
begin
    select
        l.leaf,
        string_agg(format('(cell < %L or cell >= %L)', u.prefix, u.prefix || '~'), ' and ' order by u.prefix)
    into v_default, v_condition
    from core.repartitions as r
    cross join lateral unnest(r.prefixes) as u (prefix)
    cross join lateral core.leaves(r.period) as l
    where r.repartition_id = p_repartition_id and not r.has_default and l.lower_cell is null
        and pg_catalog.pg_relation_size(l.leaf) > 0
    group by l.leaf;
    if v_default is not null then
        execute format('alter table %s add constraint repartition_guard check (%s) not valid', v_default, v_condition);
    end if;
    return v_default;
end
$$;

comment on function core.guard_default_leaf(bigint) is
'Let the default leaf, where it has rows and is not itself replaced, state that it holds none of the new leaves'': once validated, they are attached without reading it. The default leaf, or null where there is nothing to validate.';
revoke all on function core.guard_default_leaf(bigint) from public;

-- source: sql/partitions/hold_off_vacuum.sql sha256:c079c5e5fcea02fe2e012ee31eb40f472772c902001b7e18c61a3e9f68f39e1f
create or replace function core.hold_off_vacuum(p_leaves regclass[]) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set lock_timeout = '5s'
as $$
declare
    v_leaf regclass;
begin
    foreach v_leaf in array p_leaves loop
        execute format('lock table %s in share update exclusive mode', v_leaf);
    end loop;
end
$$;

comment on function core.hold_off_vacuum(regclass[]) is
'Keep vacuum and analyze away from these leaves to the end of the transaction. Autovacuum yields only to who waits for deadlock_timeout, longer than anybody may wait for a strong lock; nobody else queues behind this one.';
revoke all on function core.hold_off_vacuum(regclass[]) from public;

-- source: sql/partitions/leaf_contents.sql sha256:366366f685a849253f8ab45583643e1068bce8e5402f2638eebf1277b7b3d1c1
create or replace function core.leaf_contents(p_table regclass)
returns table (leaf name, row_count bigint, digest numeric)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_leaf record;
begin
    for v_leaf in
        select c.oid::regclass as leaf, c.relname
        from pg_catalog.pg_class as c
        where c.relkind = 'r'
            and (c.oid = p_table or c.oid in (select t.relid from pg_catalog.pg_partition_tree(p_table) as t))
        order by c.relname
    loop
        leaf := v_leaf.relname;
        -- Binary form: 1.6 s for a million points where the text form takes 2.7 s, and no setting changes it.
        execute format(
            'select count(*), coalesce(sum(hash_array_extended(array[record_send(t)], 0)), 0) from only %s as t', v_leaf.leaf
        ) into row_count, digest;
        return next;
    end loop;
end
$$;

comment on function core.leaf_contents(regclass) is
'Rows of every leaf of a table (of itself where it has none), and a sum of hashes over them that shows any change of their content, in whatever order they stand.';
revoke all on function core.leaf_contents(regclass) from public;

-- source: sql/partitions/leaves.sql sha256:f1fbe3da179e9dfe57f53a9ab98483fec8baee27fa1e7074bbbe1e77a0ef155a
create or replace function core.leaves(p_period regclass)
returns table (leaf regclass, lower_cell text, upper_cell text)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select c.oid::regclass, bounds[1], bounds[2]
from pg_catalog.pg_inherits as i
inner join pg_catalog.pg_class as c on c.oid = i.inhrelid
left join lateral regexp_match(
    pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
) as bounds on true
where i.inhparent = p_period and not i.inhdetachpending
order by 2 nulls last
$$;

comment on function core.leaves(regclass) is
'The geohash leaves of a period: cells in [lower_cell, upper_cell), both null for the default leaf, which comes last.';
revoke all on function core.leaves(regclass) from public;
grant execute on function core.leaves(regclass) to operator;

-- source: sql/partitions/logical_key.sql sha256:952b854b735356ae0ff9476f1d310a5807db6d31b00e09d6008741b2e396bc50
create or replace function core.logical_key(p_parent regclass) returns text[]
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(s.logical_key, (
    select array_agg(a.attname::text order by u.n)
    from pg_catalog.pg_index as i
    cross join lateral unnest(i.indkey::smallint[]) with ordinality as u (attnum, n)
    inner join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = u.attnum
    where i.indrelid = s.parent and i.indisprimary
))
from core.partition_sets as s
where s.parent = p_parent
$$;

comment on function core.logical_key(regclass) is
'The columns that no two rows of a partition set share: where the set states none, those of its primary key.';
revoke all on function core.logical_key(regclass) from public;

-- source: sql/partitions/make_period.sql sha256:3286b6867128ba81b2ad84776db8abe32c87d05e8339133978e3c60c0770a933
create or replace function core.make_period(p_parent regclass, p_at timestamptz, p_prefixes text[] default '{}')
returns regclass
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
set lock_timeout = '5s'
as $$
declare
    v_unit text;
    v_lower timestamptz;
    v_period regclass;
begin
    select s.unit into strict v_unit from core.partition_sets as s where s.parent = p_parent;
    v_lower := date_trunc(v_unit, p_at);
    perform pg_advisory_xact_lock(p_parent::oid::integer, 0);
    select p.period into v_period from core.periods(p_parent) as p where p.lower_bound = v_lower;

    if v_period is null then
        -- Complete before it is attached: an insert never meets a period without a default leaf.
        v_period := core.build_period(p_parent, v_lower, core.period_name(p_parent, v_lower), p_prefixes);
        perform core.attach_period(p_parent, v_lower, v_period);
    else
        perform core.add_leaf(v_period, u.prefix) from unnest(p_prefixes) as u (prefix);
    end if;
    return v_period;
end
$$;

comment on function core.make_period(regclass, timestamptz, text[]) is
'The period of a partition set that holds p_at, made under pg_partman''s name where it is missing, with a default leaf and a leaf for each prefix.';
revoke all on function core.make_period(regclass, timestamptz, text[]) from public;

-- source: sql/partitions/merge_plan.sql sha256:6571cbc32a811aa5f5afd7ed790abb4b0814698535471cb96856ef76ef35ef3c
create or replace function core.merge_plan(p_prefix text)
returns table (parent regclass, period regclass, lower_bound timestamptz, old_leaves regclass[], prefixes text[])
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
select
    s.parent,
    p.period,
    p.lower_bound,
    -- Where not every child has a leaf, rows of the others may stand in the default leaf.
    case when o.children = 32 then o.leaves else o.leaves || d.leaf end,
    array[p_prefix]
from core.partition_sets as s
cross join lateral core.periods(s.parent) as p
cross join lateral (
    select array_agg(l.leaf order by l.lower_cell) as leaves, count(*) as children
    from core.leaves(p.period) as l
    where l.lower_cell = any(core.child_prefixes(p_prefix))
) as o
inner join lateral core.leaves(p.period) as d on d.lower_cell is null
where o.children > 0
order by s.parent::text, p.lower_bound
$$;

comment on function core.merge_plan(text) is
'The periods that have leaves of children of this prefix, and what one leaf for all of them would replace.';
revoke all on function core.merge_plan(text) from public;

-- source: sql/partitions/merge_region.sql sha256:511d9e8bb1f4801c5001c82b810cb527656bab35abe94927d097d700d9d53390
create or replace function core.merge_region(p_prefix text) returns boolean
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_children text [] := core.child_prefixes(p_prefix);
    v_below text;
    v_label text;
begin
    perform core.check_prefix(p_prefix, 4);
    select min(b.prefix) into v_below
    from (
        select r.prefix from core.regions as r
        union all
        select l.lower_cell from core.partition_sets as s, core.periods(s.parent) as p, core.leaves(p.period) as l
    ) as b
    where starts_with(b.prefix, p_prefix) and length(b.prefix) > length(p_prefix) + 1;
    if v_below is not null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%s cannot be merged while its child %s is split: merge that first', p_prefix, left(v_below, length(p_prefix) + 1));
    end if;

    select string_agg(distinct r.label, ', ' order by r.label) into v_label
    from core.regions as r where r.prefix = any(v_children);
    if v_label is not null then
        delete from core.regions as r where r.prefix = any(v_children);
        insert into core.regions (prefix, label) values (p_prefix, v_label);
        return true;
    elsif exists (select from core.merge_plan(p_prefix)) then
        return false;
    elsif exists (select from core.regions as r where r.prefix = p_prefix) then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s is one region already', p_prefix);
    end if;
    raise exception using errcode = 'invalid_parameter_value', message = format('%s has no regions below it', p_prefix);
end
$$;

comment on function core.merge_region(text) is
'Replace the children of a prefix by the prefix itself in core.regions; false where that was done before and some leaves are still to follow.';
revoke all on function core.merge_region(text) from public;

-- source: sql/partitions/note_periods.sql sha256:c7a32d637a8b7b1bb32d3f041d4b947f933e82c48d24f662b4a66cc04491e0f7
create or replace function core.note_periods(p_parent regclass) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
begin
    delete from core.known_periods as k
    where k.parent = p_parent and not exists (select from pg_catalog.pg_class as c where c.oid = k.period);
    -- A table that stands outside the set is kept in mind until it is dropped, whatever took its place.
    insert into core.known_periods as k (parent, lower_bound, upper_bound, period)
    select p_parent, p.lower_bound, p.upper_bound, p.period from core.periods(p_parent) as p
    on conflict (parent, lower_bound) do update
    set upper_bound = excluded.upper_bound, period = excluded.period
    where (k.upper_bound, k.period) is distinct from (excluded.upper_bound, excluded.period)
        and exists (select from pg_catalog.pg_inherits as i where i.inhrelid = k.period);
end
$$;

comment on function core.note_periods(regclass) is
'Bring core.known_periods up to date: note what is attached, whoever made it, and forget tables that are gone.';
revoke all on function core.note_periods(regclass) from public;

-- source: sql/partitions/part_config.sql sha256:a751f3c104d7e1a125f706bcc3dabf4aa221a2b0576eb5f475a47565bd2aa9c5
create or replace function ops.part_config()
returns table (parent regclass, premake integer, retention interval)
language sql stable parallel safe security definer
rows 2
set search_path = core, public, pg_temp
as $$
select c.parent_table::regclass, c.premake, c.retention::interval
from partman.part_config as c
inner join core.partition_sets as s on s.parent = c.parent_table::regclass
$$;

comment on function ops.part_config() is
'What pg_partman''s table says of our sets. Views read it here: pg_partman 5 drops the table of 4.7 when it is updated, which it could not if a view named it.';
revoke all on function ops.part_config() from public;
grant execute on function ops.part_config() to operator;

-- source: sql/partitions/partman_bookkeeping.sql sha256:1a9917a3a64cce4ee0be2caf343f7e8389943fb1d0cad0ff4553b6cacd9b1a50
create or replace function core.partman_bookkeeping(p_parent regclass) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_parent text;
    v_retention text;
    v_premake integer;
    v_attached timestamptz [];
begin
    select c.parent_table, c.retention, c.premake into strict v_parent, v_retention, v_premake
    from partman.part_config as c where c.parent_table::regclass = p_parent for update;
    select array_agg(p.lower_bound order by p.lower_bound) into v_attached
    from ops.partition_periods as p
    where p.parent = p_parent and p.is_due and p.state in ('attached', 'detaching');
    if v_attached is not null then
        raise exception using errcode = 'object_not_in_prerequisite_state',
        message = format('pg_partman is not run for %s: %s due periods still stand in it, the first of %s',
            p_parent, cardinality(v_attached), to_char(v_attached[1], 'YYYY-MM-DD')),
        hint = 'Retire them first; pg_partman would detach them under an ACCESS EXCLUSIVE lock on the whole set.';
    end if;
    -- A period that pg_partman makes has no leaves, and it makes one more than premake in the second half of each
    -- period, as it counts in rounded periods. And restored periods that are kept for a while are not due, but
    -- pg_partman knows nothing of them. So while it runs it finds nothing to make and no retention.
    perform core.premake(p_parent);
    update partman.part_config set retention = null, premake = 1 where parent_table = v_parent;
    perform partman.run_maintenance(p_parent_table := v_parent, p_analyze := false);
    update partman.part_config set retention = v_retention, premake = v_premake where parent_table = v_parent;
end
$$;

comment on function core.partman_bookkeeping(regclass) is
'Run pg_partman''s maintenance (4.7 or 5.x) for a set that core.premake and retirement have left it nothing to make or detach in; an error where something due is still attached.';
revoke all on function core.partman_bookkeeping(regclass) from public;

-- source: sql/partitions/period_name.sql sha256:1ac77ff534cdae849dd6ec8bc23f97f673e70985356f640fa2f58c23e43b5a89
create or replace function core.period_name(p_parent regclass, p_lower timestamptz) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select c.relname || core.period_suffix(p_parent, p_lower) from pg_catalog.pg_class as c where c.oid = p_parent
$$;

comment on function core.period_name(regclass, timestamptz) is
'The name, without schema, of the period of a set that begins at p_lower: the one pg_partman gives.';
revoke all on function core.period_name(regclass, timestamptz) from public;

-- removed: sql/partitions/period_suffix.sql
drop function if exists core.period_suffix;

-- source: sql/partitions/period_suffix.sql sha256:777912c3d99141146cf12beef5a5bc09b4084a994fb2b30672419a981ced065f
create or replace function core.period_suffix(p_parent regclass, p_lower timestamptz) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select '_p' || to_char(p_lower, coalesce(c.datetime_string, case
    when split_part(e.extversion, '.', 1)::integer >= 5 then 'YYYYMMDD'
    when s.unit = 'day' then 'YYYY_MM_DD'
    else 'YYYY_MM'
end))
from core.partition_sets as s
cross join pg_catalog.pg_extension as e
left join partman.part_config as c on c.parent_table::regclass = s.parent
where s.parent = p_parent and e.extname = 'pg_partman'
$$;

comment on function core.period_suffix(regclass, timestamptz) is
'What pg_partman appends to a parent''s name for the period that begins at p_lower: as the set is registered (4.7 and 5.x differ, and a set keeps its pattern when 4.7 becomes 5), otherwise as the installed version would register it.';
revoke all on function core.period_suffix(regclass, timestamptz) from public;

-- source: sql/partitions/period_times.sql sha256:bcc3d35ec203a2430a7f48499711ece866b7f28ffd875a2312230e9558a59bd1
create or replace function core.period_times(p_parent regclass) returns tstzmultirange
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(range_agg(tstzrange(p.lower_bound, p.upper_bound)), '{}') from core.periods(p_parent) as p
$$;

comment on function core.period_times(regclass) is
'The times whose rows a partition set takes now: those of its attached periods.';
revoke all on function core.period_times(regclass) from public;
grant execute on function core.period_times(regclass) to saferoute_api;

-- source: sql/partitions/periods.sql sha256:34ecd892735ce71c4ae84d94ef89e03ad2ba877f865a7c267b85257d5aa33cf0
create or replace function core.periods(p_parent regclass)
returns table (period regclass, lower_bound timestamptz, upper_bound timestamptz)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select c.oid::regclass, bounds[1]::timestamptz, bounds[2]::timestamptz
from pg_catalog.pg_inherits as i
inner join pg_catalog.pg_class as c on c.oid = i.inhrelid
cross join lateral regexp_match(
    pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
) as bounds
where i.inhparent = p_parent and not i.inhdetachpending and bounds is not null
order by 2
$$;

comment on function core.periods(regclass) is
'The attached periods of a partition set with their bounds (UTC, upper exclusive), read from the catalogue and never from names.';
revoke all on function core.periods(regclass) from public;
grant execute on function core.periods(regclass) to saferoute_api;

-- source: sql/partitions/prefixes_in_use.sql sha256:d709eadb34045bf25a5107f64f118ac452677ea6751ded409ea98a1ed5bc504b
create or replace function core.prefixes_in_use(p_parent regclass) returns text[]
language plpgsql stable strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_step interval;
    v_now timestamptz;
    v_newest timestamptz;
begin
    select ('1 ' || s.unit)::interval, date_trunc(s.unit, now()) into strict v_step, v_now
    from core.partition_sets as s where s.parent = p_parent;
    -- After a long time without maintenance, the last days that could be stored say which.
    select least(v_now, max(p.lower_bound)) into v_newest from core.periods(p_parent) as p;
    return core.regions_with_data(p_parent, v_newest - 7 * v_step, v_now + v_step);
end
$$;

comment on function core.prefixes_in_use(regclass) is
'The regions that a new period of a set gets leaves for: those with rows in the last seven periods. A leaf for each region would be too many: regions x periods grows fast.';
revoke all on function core.prefixes_in_use(regclass) from public;

-- source: sql/partitions/premake.sql sha256:e44e07b2b5ae592275586c1dc225de618158a1214b03451dfa5e5e13ba958b67
create or replace function core.premake(p_parent regclass) returns integer
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_set record;
    v_step interval;
    v_now timestamptz;
    v_at timestamptz;
    v_prefixes text [];
    v_name text;
    v_made integer := 0;
begin
    select
        s.unit, s.keep_behind, c.retention::interval as retention,
        -- Two at least: with one, pg_partman's rounding would have it make a second.
        greatest(coalesce(c.premake, case s.unit when 'day' then 7 else 2 end), 2) as premake
    into strict v_set
    from core.partition_sets as s
    left join partman.part_config as c on c.parent_table::regclass = s.parent
    where s.parent = p_parent;
    select format('%I.%I', n.nspname, c.relname) into v_name
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    -- Two runs at once take turns, and the second finds nothing to do.
    perform pg_advisory_xact_lock(p_parent::oid::integer, 0);
    perform core.note_periods(p_parent);

    v_step := ('1 ' || v_set.unit)::interval;
    v_now := date_trunc(v_set.unit, now());
    for v_at in
        select g.at
        from generate_series(v_now - v_set.keep_behind * v_step, v_now + v_set.premake * v_step, v_step) as g (at)
        -- Past its retention it would only be made to be retired.
        where coalesce(g.at + v_step > now() - v_set.retention, true)
            -- One that stands outside the set, or only in an archive, is restored and not begun anew beside its rows.
            and not exists (
                select from core.known_periods as k
                where k.parent = p_parent and k.lower_bound < g.at + v_step and k.upper_bound > g.at
            )
            and not exists (
                select from core.partition_archives as a
                where a.parent = p_parent and a.lower_bound = g.at and a.superseded_by is null
                    and a.dropped_at is not null
            )
    loop
        -- The name of a missing period may be taken: pg_partman names them by the clock of the session. Adoption sorts
        -- that out; until then this one stays missing, which ops.partition_health shows, and the others are made.
        if to_regclass(v_name || core.period_suffix(p_parent, v_at)) is null then
            v_prefixes := coalesce(v_prefixes, core.prefixes_in_use(p_parent));
            perform core.make_period(p_parent, v_at, v_prefixes);
            v_made := v_made + 1;
        end if;
    end loop;
    return v_made;
end
$$;

comment on function core.premake(regclass) is
'Make the missing periods of a partition set, from keep_behind before now (but none that is past part_config.retention) to part_config.premake ahead, and bring core.known_periods up to date; how many were made.';
revoke all on function core.premake(regclass) from public;

-- source: sql/partitions/prepare_adoption.sql sha256:4c866061d406eafbbbd472ab2599d4944ce591aa05b1fc9a83b9b64e6e9fbbdd
create or replace function core.prepare_adoption(p_parent regclass, p_plain regclass) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_control text;
    v_lower timestamptz;
    v_upper timestamptz;
    v_name text;
begin
    select s.control into strict v_control from core.partition_sets as s where s.parent = p_parent;
    select p.lower_bound, p.upper_bound into strict v_lower, v_upper
    from core.periods(p_parent) as p where p.period = p_plain;
    select c.relname || core.period_suffix(p_parent, v_lower) || '_default' into v_name
    from pg_catalog.pg_class as c where c.oid = p_parent;

    if exists (select from pg_catalog.pg_class as c where c.oid = p_plain and c.relname <> v_name) then
        execute format('alter table %s rename to %I', p_plain, v_name);
    end if;
    if not exists (select from pg_catalog.pg_constraint as c where c.conrelid = p_plain and c.conname = 'adoption') then
        execute format(
            'alter table %1$s add constraint adoption check (%2$I >= %3$L and %2$I < %4$L) not valid',
            p_plain, v_control, v_lower, v_upper
        );
    end if;
end
$$;

comment on function core.prepare_adoption(regclass, regclass) is
'Name a plain period as the default leaf it will be, whatever pg_partman called it, and add the constraint that spares core.adopt_period a scan under lock once it is validated.';
revoke all on function core.prepare_adoption(regclass, regclass) from public;

-- source: sql/partitions/realign_periods.sql sha256:6de6efb977e4f3fda8dd421872230148fededc7ea9e0da4edc24d65aa4500a1c
create or replace function core.realign_periods(p_parent regclass) returns integer
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_unit text;
    v_step interval;
    v_odd regclass [];
    v_table regclass;
    v_prefixes text [];
begin
    select s.unit, ('1 ' || s.unit)::interval into strict v_unit, v_step
    from core.partition_sets as s where s.parent = p_parent;
    select array_agg(p.period) into v_odd
    from core.periods(p_parent) as p
    inner join pg_catalog.pg_class as c on c.oid = p.period
    where c.relkind = 'r'
        and (p.lower_bound <> date_trunc(v_unit, p.lower_bound) or p.upper_bound <> p.lower_bound + v_step);
    if v_odd is null then
        return 0;
    end if;
    perform core.note_periods(p_parent);
    v_prefixes := core.prefixes_in_use(p_parent);

    execute format('lock table %s in access exclusive mode', p_parent);
    foreach v_table in array v_odd loop
        execute format('alter table %s detach partition %s', p_parent, v_table);
        execute format('alter table %s rename to %I', v_table, 'odd_period_' || v_table::oid);
    end loop;
    perform core.make_period(p_parent, u.at, v_prefixes)
    from (
        select distinct g.at
        from core.known_periods as k,
            generate_series(date_trunc(v_unit, k.lower_bound), k.upper_bound - interval '1 microsecond', v_step) as g (at)
        where k.period = any(v_odd)
    ) as u;
    foreach v_table in array v_odd loop
        execute format('insert into %s select * from %s', p_parent, v_table);
        execute format('drop table %s', v_table);
    end loop;
    perform core.note_periods(p_parent);
    return cardinality(v_odd);
end
$$;

comment on function core.realign_periods(regclass) is
'Replace plain periods whose bounds are no whole days or months of UTC, as pg_partman makes them from a session in another time zone, and move their rows; how many. The set is locked while rows move.';
revoke all on function core.realign_periods(regclass) from public;

-- source: sql/partitions/regions_of.sql sha256:fbade7820fe24c06b65b786a0b68680d9278d7f4ec16cf14d73cf98ec3f362cf
create or replace function core.regions_of(p_cells text[]) returns text[]
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(array_agg(r.prefix order by r.prefix), '{}')
from core.regions as r
where exists (select from unnest(p_cells) as u (cell) where starts_with(u.cell, r.prefix))
$$;

comment on function core.regions_of(text[]) is 'The prefixes of core.regions that hold one of these cells.';
revoke all on function core.regions_of(text[]) from public;

-- source: sql/partitions/rename_period.sql sha256:66cef37daff93af6ca8f22731c5bf64488da9f24ec42deb5b2e732c8938c9c5d
create or replace function core.rename_period(p_period regclass, p_name text) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_old_name text := (select c.relname from pg_catalog.pg_class as c where c.oid = p_period);
    v_relation record;
begin
    if v_old_name = p_name then
        return;
    end if;
    for v_relation in
        with tables (oid) as (
            select p_period::oid
            union all
            select l.leaf from core.leaves(p_period) as l
            union all
            select x.indexrelid
            from pg_catalog.pg_index as x
            where x.indrelid = p_period or x.indrelid in (select l.leaf from core.leaves(p_period) as l)
        )

        select
            c.oid::regclass as relation,
            p_name || substr(c.relname, length(v_old_name) + 1) as new_name,
            case when c.relkind in ('i', 'I') then 'index' else 'table' end as kind
        from tables as t inner join pg_catalog.pg_class as c on c.oid = t.oid
        where starts_with(c.relname, v_old_name)
    loop
        execute format('alter %s %s rename to %I', v_relation.kind, v_relation.relation, v_relation.new_name);
    end loop;
end
$$;

comment on function core.rename_period(regclass, text) is
'Give a period another name, and its leaves and indexes theirs, which begin with it.';
revoke all on function core.rename_period(regclass, text) from public;

-- source: sql/partitions/repartition_differences.sql sha256:cadbae60ffe0d8e7f0f06dccda7dd48555c4945ab40bba0367cf677118dbbb56
create or replace function core.repartition_differences(p_repartition_id bigint) returns bigint
language plpgsql stable strict security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_parts record;
    v_differences bigint;
begin
    select * into v_parts from core.repartition_parts(p_repartition_id);
    -- One statement, so one moment: a change and its log entry are both seen or both not.
    execute format(
        'select count(*) from %1$s as o full join %2$s as n using (%3$s)
         where row(%4$s) is distinct from row(%5$s)
             and not exists (select from %6$s as l where (%7$s) = (%3$s))',
        v_parts.source, v_parts.staging, v_parts.key,
        (select string_agg('o.' || c, ', ') from unnest(string_to_array(v_parts.columns, ', ')) as c),
        (select string_agg('n.' || c, ', ') from unnest(string_to_array(v_parts.columns, ', ')) as c),
        v_parts.log,
        (select string_agg('l.' || c, ', ') from unnest(string_to_array(v_parts.key, ', ')) as c)
    ) into v_differences;
    return v_differences;
end
$$;

comment on function core.repartition_differences(bigint) is
'How many rows differ between the old and the new leaves although the log does not explain it: none, or the old leaves must stay.';
revoke all on function core.repartition_differences(bigint) from public;

-- source: sql/partitions/repartition_parts.sql sha256:294012b5705513af1150edcc80fac854e2ac0ca0e8a07f10509bfd729dcbe04e
create or replace function core.repartition_parts(
    p_repartition_id bigint,
    out period regclass, out staging text, out log text, out source text, out columns text, out key text,
    out key_matches text
)
language plpgsql stable strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_repartition core.repartitions;
begin
    select * into strict v_repartition from core.repartitions as r where r.repartition_id = p_repartition_id;
    period := v_repartition.period;
    staging := format('core.repartition_%s', p_repartition_id);
    log := format('core.repartition_%s_log', p_repartition_id);

    select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into columns
    from pg_catalog.pg_attribute as a
    where a.attrelid = v_repartition.parent and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';

    select
        string_agg(quote_ident(a.attname), ', ' order by k.n),
        string_agg(format('t.%1$I = l.%1$I', a.attname), ' and ' order by k.n)
    into strict key, key_matches
    from pg_catalog.pg_index as i
    cross join lateral unnest(i.indkey::smallint []) with ordinality as k (attnum, n)
    inner join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = v_repartition.parent and i.indisprimary;

    select '(' || string_agg(format('select %s from %s', columns, u.leaf), ' union all ') || ')' into source
    from unnest(v_repartition.old_leaves) as u (leaf);
end
$$;

comment on function core.repartition_parts(bigint) is
'What the statements of one repartition are built of: the period, the table that holds the new leaves until the swap, the log, the old leaves as a subquery, the columns, the primary key, and the condition that t and l have the same key.';
revoke all on function core.repartition_parts(bigint) from public;

-- source: sql/partitions/rows_in_default_leaves.sql sha256:ee24b7a6db5cead880428da55e4b2e54c729602ffb551a6aa43dece7bd492943
create or replace function ops.rows_in_default_leaves(p_parent regclass) returns bigint
language plpgsql stable strict security definer
set search_path = core, public, pg_temp
as $$
declare
    v_leaf regclass;
    v_counted bigint;
    v_total bigint := 0;
begin
    for v_leaf in
        select d.partdefid::regclass
        from core.partition_sets as s
        inner join pg_catalog.pg_inherits as i on i.inhparent = s.parent
        inner join pg_catalog.pg_partitioned_table as d on d.partrelid = i.inhrelid
        -- What somebody else has made cannot be read; ops.partition_health names it.
        where s.parent = p_parent and d.partdefid <> 0 and has_table_privilege(d.partdefid, 'select')
    loop
        execute format('select count(*) from (select from %s limit 1000) as t', v_leaf) into v_counted;
        v_total := v_total + v_counted;
    end loop;
    return v_total;
end
$$;

comment on function ops.rows_in_default_leaves(regclass) is
'How many rows of a partition set stand in default leaves, each counted to 1,000 at most. Counts only, so that operators need no right to read positions.';
revoke all on function ops.rows_in_default_leaves(regclass) from public;
grant execute on function ops.rows_in_default_leaves(regclass) to operator;

-- source: sql/partitions/split_plan.sql sha256:a4d51f8f59ee6cb0681ecdaa27d10d1fac038607e76d9b7aecef3ea86235d0d8
create or replace function core.split_plan(p_prefix text)
returns table (parent regclass, period regclass, lower_bound timestamptz, old_leaves regclass[], prefixes text[])
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
select s.parent, p.period, p.lower_bound, array[l.leaf], core.child_prefixes(p_prefix)
from core.partition_sets as s
cross join lateral core.periods(s.parent) as p
cross join lateral core.leaves(p.period) as l
where l.lower_cell = p_prefix
order by s.parent::text, p.lower_bound
$$;

comment on function core.split_plan(text) is
'The periods that have a leaf of this prefix, and what its 32 children would replace.';
revoke all on function core.split_plan(text) from public;

-- source: sql/partitions/split_region.sql sha256:a20ca3bbf7fda7cc96bed674669ce191328c110c4730aa80aec4c73365a0095a
create or replace function core.split_region(p_prefix text) returns boolean
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_label text;
begin
    perform core.check_prefix(p_prefix, 4);
    delete from core.regions as r where r.prefix = p_prefix returning r.label into v_label;
    if found then
        insert into core.regions (prefix, label) select u.prefix, v_label from unnest(core.child_prefixes(p_prefix)) as u (prefix);
        return true;
    elsif exists (select from core.split_plan(p_prefix)) then
        return false;
    elsif exists (select from core.regions as r where starts_with(r.prefix, p_prefix)) then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s has been split already', p_prefix);
    end if;
    raise exception using errcode = 'invalid_parameter_value', message = format('%s is not a region', p_prefix);
end
$$;

comment on function core.split_region(text) is
'Replace a region by its 32 children in core.regions; false where that was done before and some leaves are still to follow.';
revoke all on function core.split_region(text) from public;

-- source: sql/partitions/stage_leaf.sql sha256:c42040089c3f519457f005639c312f404e14e5a0f39535882c24d09112b891c5
create or replace function core.stage_leaf(p_repartition_id bigint, p_prefix text) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner'
set timezone = 'UTC'
as $$
declare
    v_parts record;
    v_control text;
    v_lower timestamptz;
    v_upper timestamptz;
    v_schema text;
    v_name text;
    v_cells text;
begin
    select * into v_parts from core.repartition_parts(p_repartition_id);
    select s.control, p.lower_bound, p.upper_bound into strict v_control, v_lower, v_upper
    from core.repartitions as r
    inner join core.partition_sets as s on s.parent = r.parent
    cross join lateral core.periods(r.parent) as p
    where r.repartition_id = p_repartition_id and p.period = r.period;
    select n.nspname, c.relname || '_' || coalesce(nullif(p_prefix, ''), 'default_' || p_repartition_id)
    into v_schema, v_name
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = v_parts.period;

    -- Equal to its bounds, so that ATTACH need not read it while it holds the period.
    if p_prefix <> '' then
        v_cells := format('cell >= %L and cell < %L', p_prefix, p_prefix || '~');
    else
        select
            'not (cell is not null and ('
            || string_agg(format('(cell >= %L and cell < %L)', l.lower_cell, l.upper_cell), ' or ' order by l.lower_cell)
            || '))'
        into v_cells
        from (
            select e.lower_cell, e.upper_cell from core.leaves(v_parts.period) as e
            inner join core.repartitions as r on r.repartition_id = p_repartition_id
            where e.leaf <> all(r.old_leaves) and e.lower_cell is not null
            union all
            select u.prefix, u.prefix || '~' from core.repartitions as r, unnest(r.prefixes) as u (prefix)
            where r.repartition_id = p_repartition_id
        ) as l (lower_cell, upper_cell);
    end if;
    execute format(
        'create table %I.%I (like %s including all excluding comments excluding indexes, constraint repartition_bounds check (%I >= %L and %4$I < %6$L and %7$s))',
        v_schema, v_name, v_parts.period, v_control, v_lower, v_upper, v_cells
    );
    execute format(
        'alter table %s attach partition %I.%I %s', v_parts.staging, v_schema, v_name,
        case when p_prefix = '' then 'default' else format('for values from (%L) to (%L)', p_prefix, p_prefix || '~') end
    );
end
$$;

comment on function core.stage_leaf(bigint, text) is
'Make a new leaf of a repartition, apart from the set: with every column and check of its period, and a check of its bounds; the default leaf where the prefix is empty.';
revoke all on function core.stage_leaf(bigint, text) from public;

-- source: sql/partitions/suggest_regions.sql sha256:91972b35c5195053a7fbaa9bfeca7e272a18a02d88139e7d75b0e7dbcefa6fcc
create or replace function core.suggest_regions(p_rows bigint)
returns table (action text, prefix text, label text, parent regclass, busiest timestamptz, row_estimate bigint, share numeric)
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
with sized as (
    select v.*, sum(v.row_estimate) over (partition by v.period) as period_rows
    from ops.region_leaves as v where v.leaf is not null
),

hot as (
    select distinct on (s.prefix, s.parent) s.* from sized as s
    where s.row_estimate > p_rows and length(s.prefix) < 5
    order by s.prefix, s.parent, s.row_estimate desc
),

families as (
    select left(r.prefix, -1) as prefix, string_agg(distinct r.label, ', ') as label
    from core.regions as r where length(r.prefix) > 1
    group by 1 having count(*) = 32
),

cold as (
    select distinct on (f.prefix) f.prefix, f.label, t.*
    from families as f
    left join lateral (
        select s.parent, s.lower_bound, sum(s.row_estimate)::bigint as row_estimate, min(s.period_rows) as period_rows
        from sized as s where left(s.prefix, -1) = f.prefix
        group by s.parent, s.period, s.lower_bound
    ) as t on true
    order by f.prefix, t.row_estimate desc nulls last
)

select 'split', h.prefix, h.label, h.parent, h.lower_bound, h.row_estimate, round(h.row_estimate / nullif(h.period_rows, 0), 2)
from hot as h
union all
select 'merge', c.prefix, c.label, c.parent, c.lower_bound, coalesce(c.row_estimate, 0), round(c.row_estimate / nullif(c.period_rows, 0), 2)
from cold as c where coalesce(c.row_estimate, 0) < p_rows / 10
order by 6 desc
$$;

comment on function core.suggest_regions(bigint) is
'Regions to split: a leaf of theirs has over p_rows rows in one period. Prefixes to merge: their 32 children together have less than a tenth of that in every period. With their busiest period, its rows there and their share of it.';
revoke all on function core.suggest_regions(bigint) from public;

-- source: sql/partitions/swap_leaves.sql sha256:c686c92e6bac47f9555ac528aff6ab79f61019ae0f4636b544e8d66672a95491
create or replace function core.swap_leaves(p_repartition_id bigint) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_repartition core.repartitions;
    v_parts record;
    v_default record;
    v_old regclass;
    v_new record;
begin
    select * into strict v_repartition from core.repartitions as r
    where r.repartition_id = p_repartition_id and r.state = 'copying';
    select * into v_parts from core.repartition_parts(p_repartition_id);
    select l.leaf, c.relname into v_default
    from core.leaves(v_parts.period) as l inner join pg_catalog.pg_class as c on c.oid = l.leaf
    where l.lower_cell is null;

    -- The period and not only its leaves: an insert holds it from before it looks its leaf up, so none is on its way.
    execute format('lock table only %s in access exclusive mode', v_parts.period);
    foreach v_old in array v_repartition.old_leaves loop
        execute format('lock table %s in access exclusive mode', v_old);
    end loop;
    while core.catch_up(p_repartition_id) > 0 loop
    end loop;

    foreach v_old in array v_repartition.old_leaves loop
        execute format('drop table %s', v_old);
    end loop;
    -- The default leaf last: what is attached beside it would have it read.
    for v_new in select * from core.leaves(v_parts.staging::regclass) loop
        execute format('alter table %s detach partition %s', v_parts.staging, v_new.leaf);
        if v_new.lower_cell is null then
            execute format('alter table %s rename to %I', v_new.leaf, v_default.relname);
            execute format('alter table %s attach partition %s default', v_parts.period, v_new.leaf);
        else
            execute format(
                'alter table %s attach partition %s for values from (%L) to (%L)',
                v_parts.period, v_new.leaf, v_new.lower_cell, v_new.upper_cell
            );
        end if;
    end loop;
    if not v_repartition.has_default then
        execute format('alter table %s drop constraint if exists repartition_guard', v_default.leaf);
    end if;
    execute format('drop function %s()', v_parts.log);
    execute format('drop table %s, %s', v_parts.staging, v_parts.log);
    update core.repartitions as r set state = 'done', ended_at = clock_timestamp()
    where r.repartition_id = p_repartition_id;
end
$$;

comment on function core.swap_leaves(bigint) is
'End a repartition whose rows have been copied and compared: bring in the last changes, put the new leaves into the set and drop the old ones. Whoever reads or writes the period waits meanwhile, some milliseconds.';
revoke all on function core.swap_leaves(bigint) from public;

-- source: sql/functions/analytics/crime_months.sql sha256:554edec98db304eb0ec41810162f5801f86bcf54ea3b854d41ef1b1f3301c2e2
create or replace function analytics.crime_months() returns setof date
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
rows 100
as $$
-- A city's month begins up to 14 hours before or after the one of UTC, which bounds the periods.
select distinct (p.lower_bound at time zone 'UTC' + n * interval '1 month')::date
from core.periods('core.crime_data') as p
cross join generate_series(-1, 1) as n
$$;

comment on function analytics.crime_months() is
'The first day of every month that crimes may be known of: from the catalogue, without reading a crime.';
revoke all on function analytics.crime_months() from public;
grant execute on function analytics.crime_months() to analyst;

-- source: sql/functions/analytics/crimes_of_month.sql sha256:e8c24c91436e0e69ee43853a877041fd112a0d920ebbac0af343c408df72cc86
-- A function and not a query within the view: EXPLAIN ANALYZE prints how many rows every step of a view has read, so it
-- would tell the size of the groups that are left out. Of a function it tells what it returns.
create or replace function analytics.crimes_of_month(p_month date)
returns table (city text, cell text, category text, crimes bigint, geom geometry)
language plpgsql stable strict parallel safe security definer
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
rows 200
as $$
declare
    v_month constant timestamp := date_trunc('month', p_month::timestamp);
    v_next constant timestamp := v_month + interval '1 month';
    v_since timestamptz;
    v_until timestamptz;
begin
    -- Values, not expressions: the planner prunes by these.
    select min(v_month at time zone t.zone), max(v_next at time zone t.zone)
    into v_since, v_until
    from (select c.time_zone from core.cities as c union select 'UTC') as t (zone);
    return query
    with zones as (
        -- The first moment of June in London, which stands for all of June where only the month is known, is in May
        -- for UTC: the month is the one of the source's city.
        select distinct on (v.source)
            v.source,
            v_month at time zone c.time_zone as begins_at,
            v_next at time zone c.time_zone as ends_at
        from core.crime_coverage as v
        inner join core.cities as c on c.city_id = v.city_id
        order by v.source, v.city_id
    ),
    groups as (
        select d.cell, d.category, count(*) as crimes
        from core.crime_data as d
        left join zones as z on z.source = d.source
        where d.occurred_at >= v_since
            and d.occurred_at < v_until
            and d.occurred_at >= coalesce(z.begins_at, v_month at time zone 'UTC')
            and d.occurred_at < coalesce(z.ends_at, v_next at time zone 'UTC')
        group by d.cell, d.category
        having count(*) >= analytics.smallest_group()
    )
    select
        (
            select c.name
            from core.cities as c
            where c.walkable_bounds && b.box
            order by st_area(c.walkable_bounds), c.city_id
            limit 1
        ),
        g.cell, g.category, g.crimes, b.box
    from groups as g
    cross join lateral core.geohash_box(g.cell) as b (box);
end
$$;

comment on function analytics.crimes_of_month(date) is
'What crimes_by_cell_month shows of the month that holds a day. Reads the partitions of that month and, where the month of any city begins or ends apart from the one of UTC, of its neighbours.';
revoke all on function analytics.crimes_of_month(date) from public;
grant execute on function analytics.crimes_of_month(date) to analyst;

-- source: sql/functions/analytics/smallest_group.sql sha256:f11b14f821d168f2459cb2affc0fd8e2acd82df1f21eccd340a1656400343d14
create or replace function analytics.smallest_group() returns integer
language sql immutable parallel safe security invoker
as $$ select 5 $$;

comment on function analytics.smallest_group() is
'The k of k-anonymity, for every view of this schema: a group of fewer is left out, never rounded.';
revoke all on function analytics.smallest_group() from public;
grant execute on function analytics.smallest_group() to analyst;

-- source: sql/functions/common/in_words.sql sha256:24ee56389332f9843349ed30831e925bf8f78ddb5b4bc0a1e0775ed4492b38a4
create or replace function core.in_words(p_span interval) returns text
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select to_char(floor(s.seconds / u.length), 'FM999,999,999,999') || ' ' || u.name
from (select abs(extract(epoch from p_span)) as seconds) as s
cross join (values (86400, 'days'), (3600, 'hours'), (60, 'minutes'), (1, 'seconds')) as u (length, name)
where s.seconds >= 2 * u.length or u.length = 1
order by u.length desc
limit 1
$$;

comment on function core.in_words(interval) is
'A length of time as people say it, in the largest unit it has two of: 20,781 days, 3 minutes; its sign is left to the sentence.';
revoke all on function core.in_words(interval) from public;

-- source: sql/functions/common/quarantine_reasons.sql sha256:2abdb807957a5ddaffbed3e04cfc961019b1c21218efe6bc6609360c2789391e
create or replace function core.quarantine_reasons() returns table (kind text, reason text, meaning text)
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
values
    ('point', 'unreadable', 'not an object, or a value that is no number, no date'),
    ('point', 'time', 'no time with a zone, over 29 days old or over 10 minutes ahead when it arrived'),
    ('point', 'ended', 'recorded after the end of the journey'),
    ('point', 'position', 'missing, or off the Earth'),
    ('point', 'far', 'over 300 km from where the journey began'),
    ('point', 'period', 'its day has no partition'),
    ('crime', 'fields', 'more or fewer fields than the header'),
    ('crime', 'time', 'no time since 1800 that can be read'),
    ('crime', 'future', 'later than a day after the file was loaded'),
    ('crime', 'position', 'no position that can be read in the file''s EPSG'),
    ('crime', 'outside', 'over 300 km from the city''s streets')
$$;

comment on function core.quarantine_reasons() is
'Every reason for which a point or a row of a crime file can be in quarantine.';
revoke all on function core.quarantine_reasons() from public;
grant execute on function core.quarantine_reasons() to operator;

-- source: sql/functions/crime/discard_rejects.sql sha256:465af884a190d55a2afac876bb487ca3cb2f8542832a16b81591e5fa88710dbf
create or replace function core.discard_rejects(p_reject_ids bigint[]) returns bigint
language sql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
with discarded as (
    update core.crime_rejects as r set settled_at = now()
    where r.reject_id = any(p_reject_ids) and r.settled_at is null
    returning r.reject_id
)

select count(*) from discarded
$$;

comment on function core.discard_rejects(bigint[]) is
'Settle rejects without a crime; how many. They stay in the table, so that the next file that brings them does not reject them again.';
revoke all on function core.discard_rejects(bigint[]) from public;

-- source: sql/functions/crime/explain_reject.sql sha256:22d9fc2b3f2de62d915a370c3ba71d979b166b394f61a5182b1b3e4577d95f5a
create or replace function core.explain_reject(p_reject_id bigint, out problem text, out sentence text, out changes jsonb)
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_reject core.crime_rejects;
    v_load core.crime_loads;
    v_city core.cities;
    v_found core.crime_candidates;
    v_fields text [];
    v_swapped jsonb;
begin
    select r.* into v_reject from core.crime_rejects as r where r.reject_id = p_reject_id and r.settled_at is null;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('crime:%s is not in the quarantine', p_reject_id);
    end if;
    select l.* into strict v_load from core.crime_loads as l where l.load_id = v_reject.load_id;
    select c.* into strict v_city from core.cities as c where c.city_id = v_load.city_id;
    if v_load.publisher is null then
        problem := v_reject.reason;
        sentence := format('It was rejected (%s) before loads said how they were read: import %s again, then it can be explained.', problem, v_load.file_name);
        return;
    end if;

    v_fields := core.reject_fields(v_reject, v_load.header);
    perform core.read_rejects(v_load, array[p_reject_id], true);
    if (select c.action from core.crime_candidates as c) = 'loaded' then
        v_swapped := jsonb_build_object(
            v_load.header[(v_load.columns ->> 'lon')::integer], v_fields[(v_load.columns ->> 'lat')::integer],
            v_load.header[(v_load.columns ->> 'lat')::integer], v_fields[(v_load.columns ->> 'lon')::integer]
        );
    end if;
    perform core.read_rejects(v_load, array[p_reject_id]);
    select c.* into strict v_found from core.crime_candidates as c;
    delete from core.crime_candidates;
    delete from core.crime_staging;
    problem := v_found.reason;
    sentence := core.reject_sentence(v_found, v_load, v_fields, v_city)
        || case when v_swapped is not null and problem is not null then ' Exchanged, its coordinates would do.' else '' end;
    changes := case when problem is not null then v_swapped end;
end
$$;

comment on function core.explain_reject(bigint) is
'What is wrong with a rejected crime now: the reason (null where it can be loaded), a sentence with its values and the limits, and the change that would help where one is known.';
revoke all on function core.explain_reject(bigint) from public;

-- source: sql/functions/crime/fields_in_words.sql sha256:29a5d904077e185409750a8985b86f25c788e6f53ed62d9ab612fdbe8b4a527b
create or replace function core.fields_in_words(p_load core.crime_loads, p_fields text[], p_roles text[]) returns text
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
select string_agg(
    format('%s is %s', p_load.header[c.position], coalesce(quote_literal(left(p_fields[c.position], 60)), 'missing')),
    ', ' order by r.nth
)
from unnest(p_roles) with ordinality as r (role, nth)
cross join lateral (select (p_load.columns ->> r.role)::integer as position) as c
where c.position is not null
$$;

comment on function core.fields_in_words(core.crime_loads, text[], text[]) is
'What a row of a crime file says in the columns with these roles, under the names the file gives them.';
revoke all on function core.fields_in_words(core.crime_loads, text[], text[]) from public;

-- source: sql/functions/crime/fix_reject.sql sha256:a3c9586b4e49668405c05fc3b921a5590c7172d148c2f277fdaa1b7f472cb06b
create or replace function core.fix_reject(p_reject_id bigint, p_changes jsonb) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_reject core.crime_rejects;
    v_load core.crime_loads;
    v_unknown text;
begin
    select r.* into v_reject from core.crime_rejects as r where r.reject_id = p_reject_id and r.settled_at is null for update;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('crime:%s is not in the quarantine', p_reject_id);
    end if;
    select l.* into strict v_load from core.crime_loads as l where l.load_id = v_reject.load_id;
    if v_load.header is null then
        raise exception using errcode = 'invalid_parameter_value',
            message = format('crime:%s was loaded before loads said how they were read: import %s again first', p_reject_id, v_load.file_name);
    end if;
    select string_agg(k.name, ', ' order by k.name) into v_unknown
    from jsonb_object_keys(p_changes) as k (name) where k.name <> all(v_load.header);
    if v_unknown is not null then
        raise exception using errcode = 'invalid_parameter_value', message = format(
            'crime:%s has no %s; its columns are: %s', p_reject_id, v_unknown, array_to_string(v_load.header, ', ')
        );
    end if;
    update core.crime_rejects as r set fixed = array(
        select coalesce(p_changes ->> h.name, f.fields[h.nth], '')
        from unnest(v_load.header) with ordinality as h (name, nth) order by h.nth
    )
    from core.reject_fields(v_reject, v_load.header) as f (fields)
    where r.reject_id = p_reject_id;
end
$$;

comment on function core.fix_reject(bigint, jsonb) is
'Set fields of a waiting reject (column of the header to text), on top of earlier fixes; what came stays in content. A row that is too short is filled up, one that is too long cut.';
revoke all on function core.fix_reject(bigint, jsonb) from public;

-- source: sql/functions/crime/import_crimes.sql sha256:98c2700e344b6070e9eff855712b7478916e1c9f4d2a84970b9b5ea475573eec
create or replace function core.import_crimes(
    p_city_id integer, p_publisher text, p_header text[], p_columns jsonb, p_srid integer,
    p_file_name text, p_file_digest text, p_time_zone text default null, p_coverage json default null
) returns jsonb
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = 'off' -- compiling took 1.5 s of the 10 s for 45,808 rows
as $$
declare
    v_city core.cities;
    v_load core.crime_loads;
    v_summary jsonb;
begin
    select c.* into strict v_city from core.cities as c where c.city_id = p_city_id;
    v_load.file_name := p_file_name;
    v_load.file_digest := p_file_digest;
    v_load.publisher := p_publisher;
    v_load.header := p_header;
    v_load.columns := p_columns;
    v_load.srid := p_srid;
    v_load.time_zone := coalesce(p_time_zone, v_city.time_zone);
    v_load.is_day_first := core.is_day_first((p_columns ->> 'time')::integer);
    v_load.loaded_at := now();
    if not exists (select from public.spatial_ref_sys as s where s.srid = p_srid) then
        raise exception using errcode = 'invalid_parameter_value', message = format('EPSG:%s is not known', p_srid);
    elsif not exists (select from pg_catalog.pg_timezone_names as z where z.name = v_load.time_zone) then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s is not a time zone', v_load.time_zone);
    end if;

    analyze core.crime_staging;
    perform core.read_crimes(v_city, v_load);
    analyze core.crime_candidates;
    perform core.match_crimes(v_city, v_load);
    perform core.write_crimes();
    perform core.cover_crimes(v_city, core.coverage_area(p_coverage, v_city), v_load.time_zone);
    perform core.record_crime_loads(v_city, v_load);
    v_summary := core.crime_import_summary(v_city);
    delete from core.crime_candidates;
    delete from core.crime_staging;
    return v_summary;
end
$$;

comment on function core.import_crimes(integer, text, text[], jsonb, integer, text, text, text, json) is
'Load the crime file in core.crime_staging; the summary. p_columns gives the position (from 1) of id, time, reported, lon, lat, category, area and force in the header. Naive times are in p_time_zone, by default the city''s.';
revoke all on function core.import_crimes(integer, text, text[], jsonb, integer, text, text, text, json) from public;

-- source: sql/functions/crime/is_day_first.sql sha256:b63ff0fe0a7231eb418b94bfd2cbacb9e8e5b0ea6199f75bc1ca544f45c40a6c
create or replace function core.is_day_first(p_column integer) returns boolean
language sql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select not exists (
    select from core.crime_staging as s where s.fields[p_column] ~ '^\s*\d{1,2}[-/.](1[3-9]|[23]\d)[-/.]\d{4}'
) and exists (
    select from core.crime_staging as s where s.fields[p_column] ~ '^\s*(1[3-9]|[23]\d)[-/.]\d{1,2}[-/.]\d{4}'
)
$$;

comment on function core.is_day_first(integer) is
'Whether dates such as 3/2/2017 in this column of the staged file have the day first: where some date has no other meaning, and none the contrary.';
revoke all on function core.is_day_first(integer) from public;

-- source: sql/functions/crime/known_rejects.sql sha256:fef618b318d3e909eb0f3d1cbef17bd152238900b136517d4d7a243976e3ae15
create or replace function core.known_rejects(p_city_id integer, p_header text[])
returns table (line_number bigint, reject_id bigint)
language sql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select f.line_number, k.reject_id
from (
    select
        c.line_number,
        c.source,
        x.content,
        row_number() over (partition by c.source, x.content order by c.line_number) as nth
    from core.crime_candidates as c
    inner join core.crime_staging as s on s.line_number = c.line_number
    cross join lateral core.reject_content(p_header, s.fields) as x (content)
    where c.action = 'rejected'
) as f
inner join (
    select
        r.reject_id,
        l.source,
        r.content,
        -- Those that have become a crime first: a file with fewer such rows than before keeps theirs.
        row_number() over (partition by l.source, r.content order by r.replayed_as is null, r.reject_id) as nth
    from core.crime_rejects as r
    inner join core.crime_loads as l on l.load_id = r.load_id
    where l.city_id = p_city_id
        -- A crime that has since been removed leaves nothing behind: its row is a new reject.
        and (
            r.replayed_as is null
            or exists (select from core.crime_key as k where k.source = r.replayed_source and k.source_id = r.replayed_as)
        )
) as k on k.source = f.source and k.content = f.content and k.nth = f.nth
$$;

comment on function core.known_rejects(integer, text[]) is
'Which rejected rows of the imported file are in core.crime_rejects already, waiting or settled: line by line, so that equal rows count.';
revoke all on function core.known_rejects(integer, text[]) from public;

-- source: sql/functions/crime/make_crime_periods.sql sha256:c0bb309491d4b23ac0ff3777e5b628004bb6edf49386d6f9c87d5020cd840b3d
create or replace function core.make_crime_periods() returns bigint
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        select count(core.make_period('core.crime_data', m.month, m.prefixes))
        from (
            select
                date_trunc('month', c.occurred_at, 'UTC') as month,
                coalesce(array_agg(distinct r.prefix) filter (where r.prefix is not null), '{}') as prefixes
            from (
                select distinct date_trunc('month', n.occurred_at, 'UTC') as occurred_at, n.cell
                from core.crime_candidates as n
                where n.action in ('loaded', 'replaced')
            ) as c
            left join core.regions as r on c.cell >= r.prefix and c.cell < r.prefix || '~'
            group by 1
        ) as m
        -- A new leaf would lock a month that is there to the end of the import: rows wait in its default leaf.
        where not exists (
            select from core.periods('core.crime_data') as p
            where p.lower_bound = m.month
        )
    );
end
$$;

comment on function core.make_crime_periods() is
'Make the missing months that the rows to be written need, however old, with leaves of their regions; how many months those are.';
revoke all on function core.make_crime_periods() from public;

-- removed: sql/functions/crime/match_crimes.sql
drop function if exists core.match_crimes;

-- source: sql/functions/crime/match_crimes.sql sha256:dbc4771f317671e484a4ddae10cc2797ca97715740c6e01cc94e1fb195633b5a
create or replace function core.match_crimes(p_city core.cities, p_load core.crime_loads) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
-- What has just been loaded has no statistics yet: by nested loops the second load of 45,808 rows took 9 minutes.
set enable_nestloop = 'off'
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
begin
    -- The span of what stands there: with it, reading prunes the partitions.
    select min(k.occurred_at), max(k.occurred_at) into v_since, v_until
    from core.crime_key as k
    where exists (select from core.crime_candidates as c where c.source = k.source and c.source_id = k.source_id and c.action = 'loaded');

    update core.crime_candidates as c set
        stood_at = d.occurred_at,
        stood_in = d.cell,
        action = case
            when (d.occurred_at, d.cell, d.time_precision, d.category, d.published_category)
                = (c.occurred_at, c.cell, c.time_precision, c.category, c.published_category)
                and st_x(d.geom) = st_x(c.geom) and st_y(d.geom) = st_y(c.geom) then 'unchanged'
            else 'replaced'
        end
    from core.crime_data as d
    where c.action = 'loaded'
        and d.source = c.source and d.source_id = c.source_id
        and d.occurred_at between v_since and v_until
        and exists (
            select from core.crime_key as k
            where k.source = d.source and k.source_id = d.source_id and k.occurred_at = d.occurred_at and k.cell = d.cell
        );

    -- A row that has vanished: published within the months and the span of the file, and near enough for this city to hold it.
    insert into core.crime_candidates (source, source_id, published_at, action, stood_at, stood_in)
    with covered as (
        select
            c.source,
            array_agg(distinct date_trunc('month', c.published_at, p_load.time_zone)) as months,
            min(c.published_at) as since,
            max(c.published_at) as until
        from core.crime_candidates as c
        where c.action <> 'rejected'
        group by c.source
    ),
    -- Materialised: the distance is asked of these few, not of every key.
    vanished as materialized (
        select k.source, k.source_id, k.published_at, k.occurred_at, k.cell
        from covered as v
        inner join core.crime_key as k on k.source = v.source and k.published_at between v.since and v.until
        where date_trunc('month', k.published_at, p_load.time_zone) = any(v.months)
            and not exists (
                select from core.crime_candidates as c
                where c.source = k.source and c.source_id = k.source_id and c.action <> 'rejected'
            )
            -- The file still has the rejected row that an operator has made this crime from.
            and not exists (
                select
                from core.known_rejects(p_city.city_id, p_load.header) as n
                inner join core.crime_rejects as r on r.reject_id = n.reject_id
                where r.replayed_source = k.source and r.replayed_as = k.source_id
            )
    )
    select g.source, g.source_id, g.published_at, 'removed', g.occurred_at, g.cell
    from vanished as g
    -- The middle of a cell is up to 3.5 km from its crimes.
    where st_dwithin(
        st_setsrid(st_pointfromgeohash(g.cell), 4326)::geography, p_city.walkable_bounds::geography, 295000
    );
end
$$;

comment on function core.match_crimes(core.cities, core.crime_loads) is
'Compare core.crime_candidates with what stands in core.crime_data: which rows are new, replaced or unchanged, and which have vanished from the file.';
revoke all on function core.match_crimes(core.cities, core.crime_loads) from public;

-- source: sql/functions/crime/number_replayed_crimes.sql sha256:e3238725ebc33cd741235fb90df79bbc9e28c69d1eb77ec29d264a7ebc162948
create or replace function core.number_replayed_crimes() returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
begin
    select min(c.occurred_at), max(c.occurred_at) into v_since, v_until
    from core.crime_candidates as c where c.action = 'loaded';

    -- A number of their own: whatever #n later files give their rows, they are never taken for this one.
    update core.crime_candidates as c
    set source_id = regexp_replace(c.source_id, '#[^#]*$', '#fixed' || c.line_number)
    where c.action = 'loaded';

    -- One row that stands is one row that is there already, not two: the nth of equal rejects is the nth of them.
    with waiting as (
        select
            c.line_number, c.source, c.cell, c.occurred_at,
            regexp_replace(c.source_id, '#[^#]*$', '') as id,
            (c.time_precision, c.category, c.published_category, st_x(c.geom), st_y(c.geom))::text as content,
            row_number() over (
                partition by c.source, c.cell, c.occurred_at, regexp_replace(c.source_id, '#[^#]*$', ''),
                    c.time_precision, c.category, c.published_category, st_x(c.geom), st_y(c.geom)
                order by c.line_number
            ) as nth
        from core.crime_candidates as c
        where c.action = 'loaded'
    ),
    standing as (
        select
            d.source, d.source_id, d.cell, d.occurred_at,
            regexp_replace(d.source_id, '#[^#]*$', '') as id,
            (d.time_precision, d.category, d.published_category, st_x(d.geom), st_y(d.geom))::text as content,
            row_number() over (
                partition by d.source, d.cell, d.occurred_at, regexp_replace(d.source_id, '#[^#]*$', ''),
                    d.time_precision, d.category, d.published_category, st_x(d.geom), st_y(d.geom)
                order by d.source_id
            ) as nth
        from core.crime_data as d
        where d.occurred_at between v_since and v_until
            and (d.source, d.cell, d.occurred_at) in (select w.source, w.cell, w.occurred_at from waiting as w)
            -- That of another reject stands for that one.
            and not exists (select from core.crime_rejects as r where r.replayed_source = d.source and r.replayed_as = d.source_id)
    )
    update core.crime_candidates as c set action = 'unchanged', source_id = s.source_id
    from waiting as w
    inner join standing as s using (source, cell, occurred_at, id, content, nth)
    where c.line_number = w.line_number;
end
$$;

comment on function core.number_replayed_crimes() is
'Name the rejects in core.crime_candidates that can be loaded now: the id of the row that says the same and stands already (then unchanged), else #fixed and the number of the reject.';
revoke all on function core.number_replayed_crimes() from public;

-- removed: sql/functions/crime/read_crimes.sql
drop function if exists core.read_crimes;

-- source: sql/functions/crime/read_crimes.sql sha256:744e258b1029ca4bfa401645b90e28a9af52ea5af0999422d95b8b0e9fc6701c
create or replace function core.read_crimes(p_city core.cities, p_load core.crime_loads) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform set_config('datestyle', case when p_load.is_day_first then 'ISO, DMY' else 'ISO, MDY' end, true);
    insert into core.crime_candidates (
        line_number, source, source_id, published_at, occurred_at, time_precision, category,
        published_category, geom, cell, area, action, reason
    )
    with written as (
        select
            s.line_number,
            md5(s.fields::text) as digest,
            cardinality(s.fields) = cardinality(p_load.header) as is_whole,
            nullif(btrim(s.fields[c.id]), '') as id,
            btrim(s.fields[c.time]) as occurred,
            btrim(s.fields[c.reported]) as reported,
            btrim(s.fields[c.lon]) as x,
            btrim(s.fields[c.lat]) as y,
            coalesce(btrim(s.fields[c.category]), '') as published_category,
            nullif(btrim(s.fields[c.area]), '') as area,
            btrim(regexp_replace(
                regexp_replace(lower(s.fields[c.force]), '\m(police service( of)?|police|constabulary)\M', '', 'g'),
                '[^[:alnum:]]+', '-', 'g'
            ), '-') as force
        from core.crime_staging as s
        cross join jsonb_to_record(p_load.columns) as c (
            id integer, "time" integer, reported integer, lon integer, lat integer,
            category integer, area integer, force integer
        )
    ),
    -- Materialised: otherwise each mention of a column would read the text again.
    placed as materialized (
        select
            w.*,
            core.local_time(w.occurred, p_load.time_zone) as started_at,
            core.local_time(w.reported, p_load.time_zone) as reported_at,
            core.lon_lat(core.coordinate(w.x), core.coordinate(w.y), p_load.srid) as geom
        from written as w
    ),
    timed as (
        select
            p.*,
            coalesce(p.reported_at, p.started_at) as published_at,
            -- A start after the report is a slip. A report at midnight is a date: 188 of 281 such rows of Washington,
            -- all but four of them homicides, were reported on the day itself.
            p.started_at is not null and (
                p.reported_at is null or p.started_at <= p.reported_at
                or (
                    p.reported_at = date_trunc('day', p.reported_at, p_load.time_zone)
                    and p.started_at < p.reported_at + interval '24 hours'
                )
            ) as is_start_known
        from placed as p
    ),
    judged as materialized (
        select
            t.*,
            case when length(t.id) <= 100 then t.id else t.digest end as publishers_id,
            date_trunc('month', t.published_at at time zone p_load.time_zone) as month,
            -- The hour of a report says nothing about the hour of the crime.
            case when t.is_start_known then t.started_at else date_trunc('day', t.reported_at, p_load.time_zone) end as occurred_at,
            case when t.is_start_known then core.time_precision(t.occurred) else 'day' end as time_precision,
            case
                when not t.is_whole then 'fields'
                when t.published_at is null or least(t.started_at, t.published_at) < '1800-01-01' then 'time'
                -- One row from the future would decay all others.
                when greatest(case when t.is_start_known then t.started_at end, t.published_at) > p_load.loaded_at + interval '1 day' then 'future'
                when t.geom is null then 'position'
                when not t.geom && p_city.walkable_bounds
                    and not st_dwithin(t.geom::geography, p_city.walkable_bounds::geography, 300000) then 'outside'
            end as reason
        from timed as t
    )
    select
        j.line_number,
        p_load.publisher || coalesce('/' || nullif(j.force, ''), ''),
        j.publishers_id || '@' || to_char(j.month, 'YYYY-MM') || '#' || row_number() over (
            partition by j.publishers_id, j.month, j.force, j.reason order by j.digest, j.line_number
        ),
        j.published_at,
        j.occurred_at,
        j.time_precision,
        coalesce(n.category, 'other'),
        j.published_category,
        j.geom,
        st_geohash(j.geom, 5),
        j.area,
        case when j.reason is null then 'loaded' else 'rejected' end,
        j.reason
    from judged as j
    left join core.crime_category_names as n on n.published_name = lower(j.published_category);
end
$$;

comment on function core.read_crimes(core.cities, core.crime_loads) is
'Understand core.crime_staging as the load says: publisher, header, columns, EPSG, time zone, order of dates, and the day it was loaded. Every row becomes one of core.crime_candidates, to be loaded or rejected with a reason.';
revoke all on function core.read_crimes(core.cities, core.crime_loads) from public;

-- source: sql/functions/crime/read_rejects.sql sha256:a47d3bdbad34adfaac5b70fa4645f17d8224d3cfcbd79e112344ef14acba423c
create or replace function core.read_rejects(p_load core.crime_loads, p_reject_ids bigint[], p_is_swapped boolean default false) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_lon integer := p_load.columns ->> 'lon';
    v_lat integer := p_load.columns ->> 'lat';
begin
    select c.* into strict v_city from core.cities as c where c.city_id = p_load.city_id;
    delete from core.crime_candidates;
    delete from core.crime_staging;
    insert into core.crime_staging (line_number, fields)
    select
        r.reject_id,
        case
            when p_is_swapped then array(
                select f.fields[case u.nth when v_lon then v_lat when v_lat then v_lon else u.nth end]
                from unnest(f.fields) with ordinality as u (field, nth) order by u.nth
            )
            else f.fields
        end
    from core.crime_rejects as r, core.reject_fields(r, p_load.header) as f (fields)
    where r.load_id = p_load.load_id and r.reject_id = any(p_reject_ids) and r.settled_at is null;
    perform core.read_crimes(v_city, p_load);
end
$$;

comment on function core.read_rejects(core.crime_loads, bigint[], boolean) is
'Read waiting rejects of a load again, with the same eyes: core.crime_candidates then says of each (line_number is its reject_id) whether it can be loaded. The caller empties core.crime_candidates and core.crime_staging. p_is_swapped exchanges the two coordinates.';
revoke all on function core.read_rejects(core.crime_loads, bigint[], boolean) from public;

-- removed: sql/functions/crime/record_crime_loads.sql
drop function if exists core.record_crime_loads;

-- source: sql/functions/crime/record_crime_loads.sql sha256:03cf2ebc959213191c45fd3a2be1783c0fdd03eae91e06caef15184406d33868
create or replace function core.record_crime_loads(p_city core.cities, p_load core.crime_loads) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set enable_nestloop = 'off' -- as in core.match_crimes
as $$
begin
    -- Loads of earlier versions do not say how their file was read.
    update core.crime_loads as l
    set (publisher, header, columns, srid, time_zone, is_day_first)
        = (p_load.publisher, p_load.header, p_load.columns, p_load.srid, p_load.time_zone, p_load.is_day_first)
    where l.city_id = p_city.city_id and l.file_digest = p_load.file_digest and l.publisher is null;

    with counts as (
        select
            c.source,
            count(*) filter (where c.action <> 'removed') as rows_read,
            count(*) filter (where c.action = 'loaded') as rows_loaded,
            count(*) filter (where c.action = 'replaced') as rows_replaced,
            count(*) filter (where c.action = 'unchanged') as rows_unchanged,
            count(*) filter (where c.action = 'removed') as rows_removed,
            count(*) filter (where c.action = 'rejected') as rows_rejected
        from core.crime_candidates as c
        group by c.source
    ),
    -- Those that no earlier load has brought.
    rejects as materialized (
        select c.source, c.line_number, c.reason
        from core.crime_candidates as c
        where c.action = 'rejected' and not exists (
            select from core.known_rejects(p_city.city_id, p_load.header) as k where k.line_number = c.line_number
        )
    ),
    loads as (
        insert into core.crime_loads (
            source, city_id, file_name, file_digest, rows_read, rows_loaded, rows_replaced, rows_unchanged, rows_removed, rows_rejected,
            publisher, header, columns, srid, time_zone, is_day_first
        )
        select
            n.source, p_city.city_id, p_load.file_name, p_load.file_digest,
            n.rows_read, n.rows_loaded, n.rows_replaced, n.rows_unchanged, n.rows_removed, n.rows_rejected,
            p_load.publisher, p_load.header, p_load.columns, p_load.srid, p_load.time_zone, p_load.is_day_first
        from counts as n
        where n.rows_loaded + n.rows_replaced + n.rows_removed > 0
            or not exists (
                select from core.crime_loads as l
                where l.source = n.source and l.city_id = p_city.city_id
                    and l.file_digest = p_load.file_digest
            )
            or exists (select from rejects as r where r.source = n.source)
        returning load_id, source
    )
    insert into core.crime_rejects (load_id, line_number, reason, content)
    select
        l.load_id,
        c.line_number,
        c.reason,
        core.reject_content(p_load.header, s.fields)
    from loads as l
    inner join rejects as c on c.source = l.source
    inner join core.crime_staging as s on s.line_number = c.line_number
    order by c.line_number;
end
$$;

comment on function core.record_crime_loads(core.cities, core.crime_loads) is
'Write core.crime_loads and core.crime_rejects for the imported file: nothing where the same file has been recorded and changed nothing, and no reject that an earlier file has brought.';
revoke all on function core.record_crime_loads(core.cities, core.crime_loads) from public;

-- source: sql/functions/crime/reject_content.sql sha256:647f320e96542d5e46f4547ccc3fb5388f3667bd1987ebb092a8f3192daea098
create or replace function core.reject_content(p_header text[], p_fields text[]) returns jsonb
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when cardinality(p_fields) = cardinality(p_header)
        and cardinality(p_header) = (select count(distinct u.name) from unnest(p_header) as u (name))
        then jsonb_object(p_header, p_fields)
    else jsonb_build_object('fields', p_fields)
end
$$;

comment on function core.reject_content(text[], text[]) is
'A row of a crime file as core.crime_rejects keeps it: header to field, or {"fields": [...]} where their numbers differ or two columns have one name.';
revoke all on function core.reject_content(text[], text[]) from public;

-- source: sql/functions/crime/reject_fields.sql sha256:d74e9de702f782968b1796313f59daa80a73206253c37859c4c33c66b1e5737b
create or replace function core.reject_fields(p_reject core.crime_rejects, p_header text[]) returns text[]
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(
    p_reject.fixed,
    case
        when jsonb_typeof(p_reject.content -> 'fields') = 'array'
            then array(select e.field from jsonb_array_elements_text(p_reject.content -> 'fields') with ordinality as e (field, nth) order by e.nth)
        else array(select p_reject.content ->> u.name from unnest(p_header) with ordinality as u (name, nth) order by u.nth)
    end
)
$$;

comment on function core.reject_fields(core.crime_rejects, text[]) is
'The fields of a rejected row in the order of the file, as they were fixed or else as they came.';
revoke all on function core.reject_fields(core.crime_rejects, text[]) from public;

-- source: sql/functions/crime/reject_sentence.sql sha256:06ccf8c798abd147a5a0616868aadb0ba92582dec99fd0e204d7412120b24f42
create or replace function core.reject_sentence(
    p_found core.crime_candidates, p_load core.crime_loads, p_fields text[], p_city core.cities
) returns text
language plpgsql stable security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_times text := core.fields_in_words(p_load, p_fields, '{time,reported}');
    v_place text := core.fields_in_words(p_load, p_fields, '{lon,lat}');
begin
    return case coalesce(p_found.reason, '')
        when '' then 'It can be loaded now.'
        when 'fields' then format(
            'It has %s fields, the header has %s: %s.', cardinality(p_fields), cardinality(p_load.header),
            left(array_to_string(p_fields, ' | '), 200)
        )
        when 'time' then format('%s: no time since 1800 that can be read.', v_times)
        when 'future' then format(
            '%s: later than a day after it was loaded (%s UTC).', v_times, to_char(p_load.loaded_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
        )
        when 'position' then format('%s: no position of EPSG:%s that can be read.', v_place, p_load.srid)
        when 'outside' then format(
            '%s: %s km from the streets of %s; at most 300 km are accepted.', v_place,
            to_char(st_distance(p_found.geom::geography, p_city.walkable_bounds::geography) / 1000, 'FM999,999'), p_city.name
        )
    end;
end
$$;

comment on function core.reject_sentence(core.crime_candidates, core.crime_loads, text[], core.cities) is
'What is wrong with a row of a crime file that has been read, with its values against the limits.';
revoke all on function core.reject_sentence(core.crime_candidates, core.crime_loads, text[], core.cities) from public;

-- source: sql/functions/crime/remove_superseded_crimes.sql sha256:975d2ce240af135467b14556394aadc5cf014ce5c1bcbd942d2e3b57c6df3137
create or replace function core.remove_superseded_crimes(p_table regclass) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_removed bigint;
begin
    execute format(
        'delete from %s as d where not exists (
            select from core.crime_key as k
            where k.source = d.source and k.source_id = d.source_id and k.occurred_at = d.occurred_at and k.cell = d.cell
        )', p_table
    );
    get diagnostics v_removed = row_count;
    return v_removed;
end
$$;

comment on function core.remove_superseded_crimes(regclass) is
'Remove from a table of crimes that comes out of an archive what its publisher has corrected or withdrawn meanwhile; how many rows.';
revoke all on function core.remove_superseded_crimes(regclass) from public;

-- source: sql/functions/crime/replay_crimes.sql sha256:6c5a60ad94ebd414501bf3ab8de278249241a1128d8bfbf9dab0b408d0154d45
create or replace function core.replay_crimes(p_reject_ids bigint[]) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_load core.crime_loads;
    v_settled bigint;
    v_done bigint := 0;
begin
    perform pg_advisory_xact_lock(hashtext('saferoute import'));
    for v_load in
        select l.* from core.crime_loads as l
        where l.publisher is not null and l.load_id in (
            select r.load_id from core.crime_rejects as r where r.reject_id = any(p_reject_ids) and r.settled_at is null
        )
        order by l.load_id
    loop
        perform core.read_rejects(v_load, p_reject_ids);
        perform core.number_replayed_crimes();
        update core.crime_rejects as r set settled_at = now(), replayed_source = c.source, replayed_as = c.source_id
        from core.crime_candidates as c
        where r.reject_id = c.line_number and c.action in ('loaded', 'unchanged');
        get diagnostics v_settled = row_count;
        v_done := v_done + v_settled;
        -- Only what is new is written, and nothing has vanished: this is not the whole of any month.
        delete from core.crime_candidates as c where c.action <> 'loaded';
        perform core.write_crimes();
        delete from core.crime_candidates;
        delete from core.crime_staging;
    end loop;
    return v_done;
end
$$;

comment on function core.replay_crimes(bigint[]) is
'Load those of the given rejects that can be loaded now, as they were fixed or else as they came; how many are settled by it. No other row is touched, nor what their source covers. Imports wait meanwhile; the risk has to be refreshed.';
revoke all on function core.replay_crimes(bigint[]) from public;

-- source: sql/functions/crime/swap_rejects.sql sha256:fd85d99b7cb0a017fa77fe87c87fd11b76b7f0357ca8f72a6dad9e1db5e2f2dc
create or replace function core.swap_rejects(p_reason text) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_load core.crime_loads;
    v_waiting bigint [];
    v_rows bigint;
    v_fixed bigint := 0;
begin
    for v_load in
        select l.* from core.crime_loads as l
        where l.publisher is not null and exists (
            select from core.crime_rejects as r where r.load_id = l.load_id and r.reason = p_reason and r.settled_at is null
        )
        order by l.load_id
    loop
        v_waiting := array(
            select r.reject_id from core.crime_rejects as r
            where r.load_id = v_load.load_id and r.reason = p_reason and r.settled_at is null
        );
        -- What can be loaded as it is needs no swap.
        perform core.read_rejects(v_load, v_waiting);
        v_waiting := array(select c.line_number from core.crime_candidates as c where c.action = 'rejected');
        perform core.read_rejects(v_load, v_waiting, true);
        update core.crime_rejects as r set fixed = s.fields
        from core.crime_candidates as c
        inner join core.crime_staging as s on s.line_number = c.line_number
        where c.action = 'loaded' and r.reject_id = c.line_number;
        get diagnostics v_rows = row_count;
        v_fixed := v_fixed + v_rows;
        delete from core.crime_candidates;
        delete from core.crime_staging;
    end loop;
    return v_fixed;
end
$$;

comment on function core.swap_rejects(text) is
'Exchange the coordinates of the waiting rejects of this reason that can be loaded with them exchanged, and only so; how many were fixed.';
revoke all on function core.swap_rejects(text) from public;

-- source: sql/functions/erasure/begin_erasure.sql sha256:66f9111a1d112f655875fd1460f6817f35644281241396fb7be6fa5f3a0c1f43
create or replace function core.begin_erasure(p_user_id uuid) returns uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_erasure_id uuid;
begin
    -- Waits for uploads that have read their journey; those that come later find none.
    perform pg_advisory_xact_lock(core.uploads_key(p_user_id));
    update core.journeys set erasing_since = clock_timestamp() where user_id = p_user_id and erasing_since is null;

    insert into core.erasures (user_digest, removed)
    select core.user_digest(p_user_id), jsonb_object_agg(d.relation::text, 0) from core.user_data as d
    on conflict (user_digest) where finished_at is null do nothing;
    select e.erasure_id into strict v_erasure_id
    from core.erasures as e
    where e.user_digest = core.user_digest(p_user_id) and e.finished_at is null;

    perform core.note_archive(v_erasure_id, a.file_name, 'pending', null)
    from core.user_archives(p_user_id) as a
    inner join core.erasures as e on e.erasure_id = v_erasure_id
    where not e.archives ? a.file_name;
    return v_erasure_id;
end
$$;

comment on function core.begin_erasure(uuid) is
'Hide the journeys of a person from every call, so that uploads end with SR002, and list the archives that can hold them in the receipt; the id of the receipt. Where an erasure of the person is open, its id.';
revoke all on function core.begin_erasure(uuid) from public;

-- source: sql/functions/erasure/count_user_rows.sql sha256:5f3431f40f65bdc1d98602e2eded1c4ad206287274473bb07141aeb1bb06a109
create or replace function core.count_user_rows(p_table regclass, p_user_column text, p_user_id uuid) returns bigint
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_rows bigint;
begin
    execute format('select count(*) from only %s where %I = $1', p_table, p_user_column) into v_rows using p_user_id;
    return v_rows;
end
$$;

comment on function core.count_user_rows(regclass, text, uuid) is
'How many rows of a person a table has, by reading all of it: what proves an erasure, on the primary and on replicas.';
revoke all on function core.count_user_rows(regclass, text, uuid) from public;

-- source: sql/functions/erasure/describe_user_data.sql sha256:3578678ad68cbeba460376e9d09d7367cd828efd94f8327c6d34cdd564297b5c
create or replace function core.describe_user_data()
returns table (relation regclass, name text, has_geometry boolean, description text, fields json)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select
    d.relation,
    c.relname,
    core.geometry_column(d.relation) is not null,
    d.description,
    (
        select json_object_agg(a.attname, pg_catalog.col_description(a.attrelid, a.attnum) order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = d.relation and a.attnum > 0 and not a.attisdropped
    )
from core.user_data as d
inner join pg_catalog.pg_class as c on d.relation = c.oid
order by d.erase_order desc
$$;

comment on function core.describe_user_data() is
'The tables of an export with the meaning of their fields, which is that of the column comments.';
revoke all on function core.describe_user_data() from public;

-- source: sql/functions/erasure/erase_leftovers.sql sha256:4c609135173959a916c8c1060cdae13e5d3dd1c8e7818894bab7fa8dec34cc53
create or replace function core.erase_leftovers(p_user_id uuid, p_leaf regclass, p_limit bigint default 5000) returns bigint
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_table record;
    v_removed bigint;
begin
    select t.relation, t.user_column into strict v_table from core.user_tables() as t where t.leaf = p_leaf;
    v_removed := core.erase_rows(p_leaf, v_table.user_column, p_user_id, p_limit);
    perform core.note_removed(core.begin_erasure(p_user_id), v_table.relation, v_removed);
    return v_removed;
end
$$;

comment on function core.erase_leftovers(uuid, regclass, bigint) is
'Remove up to p_limit rows of a person from one table of core.user_tables() by reading all of it: rows to which no journey leads. How many, counted in the open receipt.';
revoke all on function core.erase_leftovers(uuid, regclass, bigint) from public;

-- source: sql/functions/erasure/erase_points.sql sha256:6091c45a23eb0e03187a591b510d30dee5390994dd2848a4b6d84227b3e5cfd7
create or replace function core.erase_points(p_user_id uuid, p_limit bigint)
returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_place record;
    v_left bigint := p_limit;
begin
    -- The days and cells of the journeys say which leaves to look in, and the key (journey_id, ...) where.
    for v_place in
        select t.leaf, array_agg(j.journey_id) as journeys
        from core.user_tables() as t
        inner join core.journeys as j
            on j.user_id = p_user_id
            and j.points_from < coalesce(t.upper_bound, 'infinity')
            and j.points_until > coalesce(t.lower_bound, '-infinity')
            and (t.lower_cell is null or exists (
                select from unnest(j.cells) as u (cell)
                where u.cell collate "C" >= t.lower_cell collate "C" and u.cell collate "C" < t.upper_cell collate "C"
            ))
        where t.relation = 'core.journey_points'::regclass
        group by t.leaf, t.lower_bound
        order by t.lower_bound, t.leaf
    loop
        execute format(
            'delete from only %1$s where ctid = any(array('
            'select ctid from only %1$s where journey_id = any($1) and user_id = $2 limit $3))',
            v_place.leaf
        ) using v_place.journeys, p_user_id, v_left;
        get diagnostics removed = row_count;
        continue when removed = 0;
        leaf := v_place.leaf;
        return next;
        v_left := v_left - removed;
        exit when v_left <= 0;
    end loop;
end
$$;

comment on function core.erase_points(uuid, bigint) is
'Remove up to p_limit positions of a person''s journeys, oldest days first; from which leaves, and how many. It locks these leaves as an insert does, and not the set.';
revoke all on function core.erase_points(uuid, bigint) from public;

-- source: sql/functions/erasure/erase_rows.sql sha256:0c822d0e8b874c794a099b9ae9eb31acf5c529d9d8cd98e0e2aeca0124eef0bc
create or replace function core.erase_rows(
    p_table regclass, p_user_column text, p_user_id uuid, p_limit bigint
) returns bigint
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_removed bigint;
begin
    execute format(
        'delete from only %1$s where ctid = any(array(select ctid from only %1$s where %2$I = $1 limit $2))',
        p_table, p_user_column
    ) using p_user_id, p_limit;
    get diagnostics v_removed = row_count;
    return v_removed;
end
$$;

comment on function core.erase_rows(regclass, text, uuid, bigint) is
'Remove up to p_limit rows of a person from one table, found by its user column; how many.';
revoke all on function core.erase_rows(regclass, text, uuid, bigint) from public;

-- source: sql/functions/erasure/erase_user.sql sha256:62ec6d83b71f82d87165d9a96071019d1baaa9585fae7382f1222e361a750822
create or replace function core.erase_user(p_user_id uuid, p_limit bigint default 5000)
returns table (relation regclass, leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_erasure_id uuid;
    v_entry core.user_data;
    v_left bigint := p_limit;
begin
    if p_limit < 1 then
        raise exception using errcode = 'invalid_parameter_value', message = format('p_limit is at least 1, not %s', p_limit);
    end if;
    v_erasure_id := core.begin_erasure(p_user_id);
    if exists (
        select from core.erasures as e, jsonb_each(e.archives) as a (file_name, entry)
        where e.erasure_id = v_erasure_id and a.entry ->> 'result' in ('pending', 'rewriting')
    ) then
        -- The journeys say which archives can hold the person: they go last.
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = 'archives that can hold this person have not been dealt with',
            hint = '`saferoute users erase` does; their files are out of reach of SQL.';
    end if;

    for v_entry in select d.* from core.user_data as d order by d.erase_order loop
        for leaf, removed in
            execute case
                when v_entry.erase_with is null then 'select $3, core.erase_rows($3, $4, $1, $2)'
                else format('select e.leaf, e.removed from core.%I($1, $2) as e', v_entry.erase_with)
            end using p_user_id, v_left, v_entry.relation, v_entry.user_column
        loop
            continue when removed = 0;
            relation := v_entry.relation;
            return next;
            perform core.note_removed(v_erasure_id, relation, removed);
            v_left := v_left - removed;
        end loop;
        exit when v_left <= 0;
    end loop;
end
$$;

comment on function core.erase_user(uuid, bigint) is
'One step of an erasure: remove up to p_limit rows of a person, table by table as core.user_data orders them, and count them in the open receipt; what was removed from where, no row when nothing is left. A step that is cut off undoes itself.';
revoke all on function core.erase_user(uuid, bigint) from public;

-- source: sql/functions/erasure/erasure_receipt.sql sha256:30c7a24e35d440c505f09e8d4869f956915ae1018690ec7407d7262ce452c982
create or replace function core.erasure_receipt(p_erasure_id uuid) returns jsonb
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select to_jsonb(e) from core.erasures as e where e.erasure_id = p_erasure_id
$$;

comment on function core.erasure_receipt(uuid) is 'A receipt as it is handed out: the row of core.erasures, times in UTC.';
revoke all on function core.erasure_receipt(uuid) from public;

-- source: sql/functions/erasure/export_user_data.sql sha256:7767be42ce63c4a8c576a9247bf21a369013145bff5a108cc1ec4eb690840dc5
create or replace function core.export_user_data(
    p_table regclass, p_user_column text, p_user_id uuid, p_archive text default null
) returns setof text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_geometry text := core.geometry_column(p_table);
    v_columns text;
begin
    -- A second geometry is a property: without the `crs` that a cast to JSON gives it, which RFC 7946 does away with.
    select string_agg(
        case
            when a.atttypid = 'geometry'::regtype and a.attname <> v_geometry
                then format('st_asgeojson(x.%1$I, 9)::json as %1$I', a.attname)
            else format('x.%I', a.attname)
        end, ', ' order by a.attnum
    ) into v_columns
    from pg_catalog.pg_attribute as a
    where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped;
    return query execute format(
        'select %s from (select %s, $2 as archive from only %s as x where x.%I = $1) as t',
        case when v_geometry is null then 'row_to_json(t)::text' else format('st_asgeojson(t, %L, 9)', v_geometry) end,
        v_columns, p_table, p_user_column
    ) using p_user_id, p_archive;
end
$$;

comment on function core.export_user_data(regclass, text, uuid, text) is
'The rows of a person in one table, each as JSON: a GeoJSON Feature (WGS 84, longitude first) where the table has a geometry, an object where not. Each has a key `archive`: the file it stands in, null where it stands in the database.';
revoke all on function core.export_user_data(regclass, text, uuid, text) from public;

-- source: sql/functions/erasure/find_erased.sql sha256:7f718bc3ebda9d4d13341de15850ce31e8d1a1314933a3b7b26e3f255f0aafae
create or replace function core.find_erased(p_user_digest text) returns uuid
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entry core.user_data;
    v_user_id uuid;
begin
    for v_entry in select d.* from core.user_data as d order by d.erase_order desc loop
        execute format(
            'select t.%1$I from %2$s as t where core.user_digest(t.%1$I) = $1 limit 1', v_entry.user_column, v_entry.relation
        ) into v_user_id using p_user_digest;
        exit when v_user_id is not null;
    end loop;
    return v_user_id;
end
$$;

comment on function core.find_erased(text) is
'The person whose receipt bears this digest, in a database that was restored from a backup older than the erasure; null where nothing of them is there. Reads every table.';
revoke all on function core.find_erased(text) from public;

-- source: sql/functions/erasure/finish_erasure.sql sha256:685e41ffb69cc0740d51849e5579c808c67bb7e916811c5574510867d773089f
create or replace function core.finish_erasure(p_erasure_id uuid, p_lsn pg_lsn, p_proof jsonb) returns jsonb
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    update core.erasures set
        lsn = p_lsn,
        proof = p_proof,
        finished_at = clock_timestamp(),
        digest = ''
    where erasure_id = p_erasure_id and finished_at is null;
    update core.erasures set digest = core.receipt_digest(core.erasure_receipt(p_erasure_id))
    where erasure_id = p_erasure_id and digest = '';
    return core.erasure_receipt(p_erasure_id);
end
$$;

comment on function core.finish_erasure(uuid, pg_lsn, jsonb) is
'Close a receipt with its proof, and give it its digest; the receipt. A closed receipt stays as it is.';
revoke all on function core.finish_erasure(uuid, pg_lsn, jsonb) from public;

-- source: sql/functions/erasure/geometry_column.sql sha256:e8aa75d9146ec326850b474d7bb40bd27d727941876b968a1ab0fb850669c432
create or replace function core.geometry_column(p_table regclass) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select a.attname
from pg_catalog.pg_attribute as a
where a.attrelid = p_table and a.atttypid = 'geometry'::regtype and not a.attisdropped
order by a.attnum
limit 1
$$;

comment on function core.geometry_column(regclass) is 'The first geometry column of a table; null where it has none.';
revoke all on function core.geometry_column(regclass) from public;

-- source: sql/functions/erasure/note_archive.sql sha256:6038bd1c0985ac6755b62fca52af8227119803fbabec9b7a321a9461e6fce4dc
create or replace function core.note_archive(
    p_erasure_id uuid, p_file_name text, p_result text, p_removed bigint
) returns void
language sql volatile security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
update core.erasures as e set
    archives = e.archives || jsonb_build_object(a.file_name, jsonb_strip_nulls(jsonb_build_object(
        'set', a.parent::text,
        'from', a.lower_bound,
        'until', a.upper_bound,
        'result', p_result,
        'removed', p_removed
    )))
from core.partition_archives as a
where e.erasure_id = p_erasure_id and e.finished_at is null and a.file_name = p_file_name
$$;

comment on function core.note_archive(uuid, text, text, bigint) is
'Enter in an open receipt what has become of an archive: pending, not in it, rewriting, rewritten, superseded, out of reach.';
revoke all on function core.note_archive(uuid, text, text, bigint) from public;

-- source: sql/functions/erasure/note_removed.sql sha256:faf6146dc63e364908707d075a56b861430cf4bf4ad763293cbcd7cf2ca49e09
create or replace function core.note_removed(p_erasure_id uuid, p_relation regclass, p_removed bigint) returns void
language sql volatile security invoker
set search_path = core, public, pg_temp
as $$
update core.erasures as e set
    removed = e.removed || jsonb_build_object(
        p_relation::text, coalesce((e.removed ->> p_relation::text)::bigint, 0) + p_removed
    )
where e.erasure_id = p_erasure_id and e.finished_at is null
$$;

comment on function core.note_removed(uuid, regclass, bigint) is 'Add to an open receipt the rows that were removed from a table.';
revoke all on function core.note_removed(uuid, regclass, bigint) from public;

-- source: sql/functions/erasure/receipt_digest.sql sha256:573928b7e7ce44a1e02c74bc8040ed132347061f4df26a2508396ed9271eca6d
create or replace function core.receipt_digest(p_receipt jsonb) returns text
language sql immutable strict parallel safe security invoker
as $$
select encode(sha256(convert_to((p_receipt - 'digest')::text, 'UTF8')), 'hex')
$$;

comment on function core.receipt_digest(jsonb) is
'SHA-256 of a receipt without its digest, as jsonb writes it: neither layout nor order of the copy matters.';
revoke all on function core.receipt_digest(jsonb) from public;

-- source: sql/functions/erasure/remove_erased.sql sha256:474e3e40e34ce1145407e2a75b9abf1b2c43be979931727a5bb61ae7cd19fef6
create or replace function core.remove_erased(p_table regclass) returns bigint
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_user_column text;
    v_removed bigint;
begin
    select d.user_column into v_user_column
    from core.user_data as d
    inner join core.partition_sets as s on s.parent = d.relation
    where 4 = (
        select count(*)
        from pg_catalog.pg_attribute as a
        where a.attrelid = p_table and a.attname in (d.user_column, s.control, 'cell', 'journey_id') and not a.attisdropped
    );
    if v_user_column is null or not exists (select from core.erasures) then
        return 0;
    end if;
    -- Who was erased and walks again keeps the new walks: their journeys stand.
    execute format(
        $q$
        with erased as materialized (
            select u.user_id
            from (select distinct t.%2$I as user_id from %1$s as t) as u
            where exists (select from core.erasures as e where e.user_digest = core.user_digest(u.user_id))
        )
        delete from %1$s as t using erased as e
        where t.%2$I = e.user_id and not exists (
            select from core.journeys as j
            where j.journey_id = t.journey_id and j.user_id = e.user_id and j.erasing_since is null
        )
        $q$,
        p_table, v_user_column
    );
    get diagnostics v_removed = row_count;
    return v_removed;
end
$$;

comment on function core.remove_erased(regclass) is
'Remove from a table that was loaded from an archive the rows of people who have been erased since; how many. 0 where the table holds nothing of people.';
revoke all on function core.remove_erased(regclass) from public;

-- source: sql/functions/erasure/user_archives.sql sha256:6415cdfaaa2405a709ec5a0d7977c70ca94ebc9804ed4ba0b275d45b7e03d40b
create or replace function core.user_archives(p_user_id uuid) returns setof core.partition_archives
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select a.*
from core.partition_archives as a
inner join core.user_data as d on a.parent = d.relation
where a.superseded_by is null and (
    exists (
        select from core.journeys as j
        where j.user_id = p_user_id and j.points_from < a.upper_bound and j.points_until > a.lower_bound
    )
    -- Its journeys are gone since an earlier erasure, which did not get at the file.
    or exists (
        select from core.erasures as e
        where e.user_digest = core.user_digest(p_user_id) and e.archives -> a.file_name ->> 'result' = 'out of reach'
    )
)
order by a.lower_bound, a.archive_id
$$;

comment on function core.user_archives(uuid) is
'The archives that can hold rows of a person: of days on which a journey of theirs has points, and those that an earlier erasure could not read.';
revoke all on function core.user_archives(uuid) from public;

-- source: sql/functions/erasure/user_digest.sql sha256:5697d3f794c53942ab0a4e62e696febea212436f6f9acd89b014addd6d82d4d3
create or replace function core.user_digest(p_user_id uuid) returns text
language sql immutable strict parallel safe security invoker
as $$
select encode(sha256(convert_to(p_user_id::text, 'UTF8')), 'hex')
$$;

comment on function core.user_digest(uuid) is
'What stands in receipts for a person: SHA-256 of the id as text, as `printf %s UUID | sha256sum` prints it.';
revoke all on function core.user_digest(uuid) from public;

-- source: sql/functions/erasure/user_tables.sql sha256:ae4da59e3147cc35f895789d33f47a21457a112f94f140b28ae986a2693361a3
create or replace function core.user_tables()
returns table (
    relation regclass,
    leaf regclass,
    user_column text,
    lower_bound timestamptz,
    upper_bound timestamptz,
    lower_cell text,
    upper_cell text
)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
set jit = off
as $$
with periods as (
    select s.parent, p.period, p.lower_bound, p.upper_bound
    from core.partition_sets as s cross join lateral core.periods(s.parent) as p
    union
    select k.parent, k.period, k.lower_bound, k.upper_bound from core.known_periods as k
    union
    select a.parent, a.restored_as, a.lower_bound, a.upper_bound
    from core.partition_archives as a
    where a.restored_as is not null
),

-- By its columns and not by its place: a table beside the set, or a copy somebody made, holds people's rows as well.
shaped as materialized (
    select d.relation, d.user_column, a.attrelid as leaf
    from core.user_data as d
    inner join core.partition_sets as s on d.relation = s.parent
    inner join pg_catalog.pg_attribute as a
        on a.attname = any(array[d.user_column, s.control, 'cell']::name []) and not a.attisdropped
    group by d.relation, d.user_column, a.attrelid
    having count(*) = 3
)

select d.relation, d.relation, d.user_column, null, null, null, null
from core.user_data as d
inner join pg_catalog.pg_class as c on d.relation = c.oid
where c.relkind = 'r'
union all
select
    t.relation,
    t.leaf::regclass,
    t.user_column,
    coalesce(whole.lower_bound, part.lower_bound),
    coalesce(whole.upper_bound, part.upper_bound),
    cells[1],
    cells[2]
from shaped as t
inner join pg_catalog.pg_class as c on t.leaf = c.oid
left join pg_catalog.pg_inherits as i on t.leaf = i.inhrelid
left join (select distinct on (p.period) p.* from periods as p) as whole on t.leaf = whole.period::oid
left join (select distinct on (p.period) p.* from periods as p) as part on i.inhparent = part.period::oid
left join lateral regexp_match(
    pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
) as cells on part.period is not null
where c.relkind = 'r' and c.relpersistence <> 't'
and not exists (select from core.user_data as o where o.relation = t.leaf)
$$;

comment on function core.user_tables() is
'Every table that holds rows of people, partition sets leaf by leaf (also detached, restored beside the set, or copied by hand), with the times and cells it holds; null where they are not known.';
revoke all on function core.user_tables() from public;

-- source: sql/functions/journeys/changed_point.sql sha256:162b8c9cd8225be063c10d38c3d2cb0cb13b22ee9d28dc1593a2996041a62a13
create or replace function core.changed_point(p_quarantined core.point_quarantine, p_changes json) returns json
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_point json := coalesce(p_quarantined.fixed, p_quarantined.point);
begin
    -- What is no object, or holds what json -> cannot pass over, has no values to keep.
    if json_typeof(v_point) <> 'object' or v_point::text like '%\\u0000%' then
        v_point := '{}';
    end if;
    return (
        select coalesce(json_object_agg(k.name, coalesce(p_changes -> k.name, v_point -> k.name) order by k.nth), '{}')
        from unnest(array['recorded_at', 'lon', 'lat', 'speed_mps', 'accuracy_m', 'battery_pct']) with ordinality as k (name, nth)
        where coalesce(json_typeof(coalesce(p_changes -> k.name, v_point -> k.name)), 'null') <> 'null'
    );
end
$$;

comment on function core.changed_point(core.point_quarantine, json) is
'A quarantined point, as it came or as it was fixed, with the values of p_changes in place of its own; a value of null takes one away.';
revoke all on function core.changed_point(core.point_quarantine, json) from public;

-- source: sql/functions/journeys/counted_time.sql sha256:7632998c7bc86ce6275525c9cf1978c080f65c82d47959d4e7cc8633024485b6
create or replace function core.counted_time(p_point json, p_received_at timestamptz) returns timestamptz
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select t.at
from (values (1), (1000), (1000000)) as u (per_second)
cross join lateral (
    select case
        when p_point ->> 'recorded_at' ~ '^\d{9,17}(\.\d{1,9})?$'
            then to_timestamp((p_point ->> 'recorded_at')::float8 / u.per_second)
    end as at
) as t
where t.at between p_received_at - interval '29 days' and p_received_at + interval '10 minutes'
$$;

comment on function core.counted_time(json, timestamptz) is
'The moment that recorded_at means where it counts seconds, milliseconds or microseconds since 1970 and that is near p_received_at; else null.';
revoke all on function core.counted_time(json, timestamptz) from public;

-- source: sql/functions/journeys/discard_points.sql sha256:f1b70de0aef84b219a432771e736dbc15391132cd6317a399a2c27405d603f3a
create or replace function core.discard_points(p_quarantine_ids bigint[]) returns bigint
language sql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
with discarded as (
    delete from core.point_quarantine as q
    where q.quarantine_id = any(p_quarantine_ids)
    returning q.quarantine_id
)

select count(*) from discarded
$$;

comment on function core.discard_points(bigint[]) is
'Delete quarantined points for good; how many.';
revoke all on function core.discard_points(bigint[]) from public;

-- source: sql/functions/journeys/explain_point.sql sha256:87b7e5dec0432a763fb847b9309db51f03a28d37201df609a717dceadedf823d
create or replace function core.explain_point(p_quarantine_id bigint, out problem text, out sentence text, out changes json)
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_kept core.point_quarantine;
    v_json json;
    v_journey core.journeys;
    v_point record;
begin
    select q.* into v_kept from core.point_quarantine as q where q.quarantine_id = p_quarantine_id;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('point:%s is not in the quarantine', p_quarantine_id);
    end if;
    v_json := coalesce(v_kept.fixed, v_kept.point);
    problem := core.recheck_point(v_kept, core.period_times('core.journey_points'));
    if problem is null then
        sentence := 'It can be stored now.';
        return;
    elsif problem = 'journey' then
        sentence := format('Its journey, %s, is no more.', v_kept.journey_id);
        return;
    elsif problem = 'unreadable' then
        sentence := core.unreadable_in(v_json);
        return;
    end if;

    select j.* into strict v_journey from core.journeys as j where j.journey_id = v_kept.journey_id;
    select p.* into v_point from core.read_points(json_build_array(v_json)) as p;
    sentence := case problem
        when 'time' then core.unlikely_time_in(v_json, v_point.recorded_at, v_kept.received_at)
        when 'ended' then format(
            'It was recorded %s after the end of its journey (%s UTC).', core.in_words(v_point.recorded_at - v_journey.ended_at),
            to_char(v_journey.ended_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
        )
        when 'position' then format(
            'lon is %s, lat is %s; on Earth lon is -180 to 180, lat -90 to 90.',
            coalesce(v_point.lon::text, 'missing'), coalesce(v_point.lat::text, 'missing')
        )
        when 'far' then format(
            'It is %s km from where its journey began; about 300 km are accepted.',
            to_char(st_distance(st_point(v_point.lon, v_point.lat, 4326)::geography, v_journey.origin::geography) / 1000, 'FM999,999')
        )
        when 'period' then core.missing_period(v_point.recorded_at)
    end;
    changes := case
        when problem = 'time' and core.counted_time(v_json, v_kept.received_at) is not null
            then json_build_object('recorded_at', to_char(
                core.counted_time(v_json, v_kept.received_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        when problem in ('position', 'far') and core.is_swapped(v_kept)
            then json_build_object('lon', v_json -> 'lat', 'lat', v_json -> 'lon')
    end;
    sentence := sentence || case
        when changes is null then ''
        when problem = 'time' then ' Counted from 1970, it would be plausible.'
        else ' Its longitude and latitude look swapped.'
    end;
end
$$;

comment on function core.explain_point(bigint) is
'What is wrong with a quarantined point now: the reason (null where it can be stored; journey where that is gone), a sentence with its values against the limits, and the change that would help where one is known.';
revoke all on function core.explain_point(bigint) from public;

-- source: sql/functions/journeys/fix_point.sql sha256:a29245631f38ee27cca3a6329c3146f22d2ce3b3c8d408072b1a4c9495ec5b14
create or replace function core.fix_point(p_quarantine_id bigint, p_changes json) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_kept core.point_quarantine;
    v_unknown text;
begin
    select q.* into v_kept from core.point_quarantine as q where q.quarantine_id = p_quarantine_id for update;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('point:%s is not in the quarantine', p_quarantine_id);
    end if;
    select string_agg(k.name, ', ' order by k.name) into v_unknown
    from json_object_keys(p_changes) as k (name)
    where k.name not in ('recorded_at', 'lon', 'lat', 'speed_mps', 'accuracy_m', 'battery_pct');
    if v_unknown is not null then
        raise exception using errcode = 'invalid_parameter_value', message = format(
            'a point has no %s; it has recorded_at, lon, lat, speed_mps, accuracy_m, battery_pct', v_unknown
        );
    end if;
    v_kept.fixed := core.changed_point(v_kept, p_changes);
    if core.recheck_point(v_kept, null) = 'unreadable' then
        -- Without the values: this message is logged.
        raise exception using errcode = 'invalid_parameter_value', message = format('point:%s cannot be read with these values', p_quarantine_id);
    end if;
    update core.point_quarantine as q set
        fixed = v_kept.fixed,
        recorded_at = (select p.recorded_at from core.read_points(json_build_array(v_kept.fixed)) as p)
    where q.quarantine_id = p_quarantine_id;
end
$$;

comment on function core.fix_point(bigint, json) is
'Set values of a quarantined point, on top of earlier fixes; what came stays in point. Refused where the result cannot be read.';
revoke all on function core.fix_point(bigint, json) from public;

-- source: sql/functions/journeys/hold_journey.sql sha256:1f3ccd15884db00dd0eed5c7472912723b46a2393f31ee4b5f674df46f3cd90d
create or replace function core.hold_journey(p_user_id uuid, p_journey_id uuid) returns core.journeys
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    -- Before the journey is read: an erasure that holds this lock has hidden it when the wait ends.
    perform pg_advisory_xact_lock_shared(core.uploads_key(p_user_id));
    return core.own_journey(p_user_id, p_journey_id);
end
$$;

comment on function core.hold_journey(uuid, uuid) is
'core.own_journey for those who add to it: until the transaction ends, no erasure of the person begins.';
revoke all on function core.hold_journey(uuid, uuid) from public;
grant execute on function core.hold_journey(uuid, uuid) to saferoute_api;

-- source: sql/functions/journeys/is_swapped.sql sha256:657a2068e89a41094564172886534d5044f3482e544200c856c12768b6e30c04
create or replace function core.is_swapped(p_quarantined core.point_quarantine) returns boolean
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    p_quarantined.fixed := core.changed_point(
        p_quarantined, json_build_object(
            'lon', coalesce(p_quarantined.fixed, p_quarantined.point) -> 'lat',
            'lat', coalesce(p_quarantined.fixed, p_quarantined.point) -> 'lon'
        )
    );
    return core.recheck_point(p_quarantined, null) is null;
end
$$;

comment on function core.is_swapped(core.point_quarantine) is
'Whether a quarantined point would be plausible with its longitude and latitude exchanged. It has to be one that can be read.';
revoke all on function core.is_swapped(core.point_quarantine) from public;

-- source: sql/functions/journeys/journey_reach.sql sha256:f0d54d931ad937ad22d91635c2ad7d3187b5e2dade81b462f1a17f467f44bcc8
create or replace function core.journey_reach(p_journey core.journeys) returns box
language sql immutable parallel safe security invoker
as $$
select core.near_box(p_journey.origin, 300000)
$$;

comment on function core.journey_reach(core.journeys) is
'Longitudes and latitudes (degrees) where points of a journey can be: about 300 km around its origin. Inlined, so it has no search_path of its own.';
revoke all on function core.journey_reach(core.journeys) from public;
grant execute on function core.journey_reach(core.journeys) to saferoute_api;

-- source: sql/functions/journeys/missing_period.sql sha256:04d0e2b4df5b4ac60fad7e0a67f87906acbad6fd8a36db1ae9b367330dc2cab9
create or replace function core.missing_period(p_recorded_at timestamptz) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when p_recorded_at < now() - c.retention::interval
        then format('Its day, %s, is older than what is kept (%s).', d.day, c.retention)
    else format('Its day, %s, has no partition: `saferoute partitions maintain` makes it and stores the point.', d.day)
end
from partman.part_config as c
cross join lateral (select to_char(p_recorded_at at time zone 'UTC', 'YYYY-MM-DD') as day) as d
where c.parent_table::regclass = 'core.journey_points'::regclass
$$;

comment on function core.missing_period(timestamptz) is
'Why there is no partition for points of this time, in a sentence.';
revoke all on function core.missing_period(timestamptz) from public;

-- source: sql/functions/journeys/my_journeys.sql sha256:e5327f5eb8da391926f6d60619dd7662766596c91f4e57ca302441e734a0c603
create or replace function core.my_journeys(p_user_id uuid, p_before timestamptz, p_limit integer) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not coalesce(p_limit between 1 and 100, false) then
        perform core.fail('SR018', format('limit is 1 to 100, not %s', coalesce(p_limit::text, 'null')));
    end if;
    return (
        select coalesce(json_agg(core.journey_summary(page.journey) order by (page.journey).started_at desc), '[]')
        from (
            select j as journey
            from core.journeys as j
            where j.user_id = p_user_id and j.started_at < coalesce(p_before, 'infinity') and j.erasing_since is null
            order by j.started_at desc
            -- With ties: no journey falls between two pages.
            fetch first p_limit rows with ties
        ) as page
    );
end
$$;

comment on function core.my_journeys(uuid, timestamptz, integer) is
'The person''s journeys that started before p_before (null: all), newest first, p_limit of them and those that started together with the last.';
revoke all on function core.my_journeys(uuid, timestamptz, integer) from public;
grant execute on function core.my_journeys(uuid, timestamptz, integer) to saferoute_api;

-- source: sql/functions/journeys/own_journey.sql sha256:53975fe6767350de3ae53bb3442547865f210c75a331c1347213a0ea1dd797e5
create or replace function core.own_journey(p_user_id uuid, p_journey_id uuid) returns core.journeys
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
begin
    select j.* into v_journey
    from core.journeys as j
    where j.journey_id = p_journey_id and j.user_id = p_user_id and j.erasing_since is null;
    if not found then
        perform core.fail('SR002', format('journey %s', coalesce(p_journey_id::text, 'null')));
    end if;
    return v_journey;
end
$$;

comment on function core.own_journey(uuid, uuid) is
'The journey with this id, if it is the person''s own; SR002 where it is not, whether or not it is somebody else''s.';
revoke all on function core.own_journey(uuid, uuid) from public;
grant execute on function core.own_journey(uuid, uuid) to saferoute_api;

-- source: sql/functions/journeys/point_problem.sql sha256:bc1ecf134d82fa80b1e29b07463fa8fd171329aeb16926338f1ba15596558a20
create or replace function core.point_problem(
    p_recorded_at timestamptz,
    p_lon float8,
    p_lat float8,
    p_received_at timestamptz,
    p_ended_at timestamptz,
    p_near box,
    p_times tstzmultirange
) returns text
language sql stable parallel safe security invoker
as $$
select case
    when p_recorded_at > p_ended_at and p_recorded_at < p_received_at + interval '10 minutes' then 'ended'
    when not coalesce(
        p_recorded_at >= p_received_at - interval '29 days' and p_recorded_at < p_received_at + interval '10 minutes', false
    ) then 'time'
    when not coalesce(p_lon between -180 and 180 and p_lat between -90 and 90, false) then 'position'
    when not point(p_lon, p_lat) <@ p_near then 'far'
    when not p_times @> p_recorded_at then 'period'
end
$$;

comment on function core.point_problem(timestamptz, float8, float8, timestamptz, timestamptz, box, tstzmultirange) is
'Why a readable point that arrived at p_received_at is not stored, as in core.point_quarantine; null where it is, or where its period is not asked about (p_times null). Inlined, so it has no search_path of its own.';
revoke all on function core.point_problem(timestamptz, float8, float8, timestamptz, timestamptz, box, tstzmultirange) from public;
grant execute on function core.point_problem(timestamptz, float8, float8, timestamptz, timestamptz, box, tstzmultirange) to saferoute_api;

-- source: sql/functions/journeys/points_within.sql sha256:b64b0ae8ae4836961a1a200833df2a0169547c69fbcfb21f90cfae43eea4dce0
create or replace function core.points_within(p_points json, p_times tstzmultirange) returns json
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_agg(case when p_times @> p.recorded_at then e.point else '{}' end order by p.nth)
from core.read_points(p_points) as p
inner join json_array_elements(p_points) with ordinality as e (point, nth) on e.nth = p.nth
$$;

comment on function core.points_within(json, tstzmultirange) is
'The array with every point outside p_times replaced by an empty object, so that the others keep their numbers.';
revoke all on function core.points_within(json, tstzmultirange) from public;
grant execute on function core.points_within(json, tstzmultirange) to saferoute_api;

-- removed: sql/functions/journeys/quarantine_points.sql
drop function if exists core.quarantine_points;

-- source: sql/functions/journeys/quarantine_points.sql sha256:1e0d8e339ce474d3f5fd5e69b18d0584a4323bf6688a19dcc865dc427c4304b0
create or replace function core.quarantine_points(
    p_user_id uuid,
    p_journey core.journeys,
    p_points json,
    p_readable json,
    p_unreadable bigint[],
    p_near box,
    p_times tstzmultirange
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_quarantined json;
begin
    with judged as (
        select
            p.nth,
            p.recorded_at,
            case
                when p.nth = any(p_unreadable) then 'unreadable'
                else core.point_problem(p.recorded_at, p.lon, p.lat, now(), p_journey.ended_at, p_near, p_times)
            end as reason
        from core.read_points(p_readable) as p
    ),

    kept as (
        insert into core.point_quarantine (journey_id, user_id, reason, point, digest, recorded_at)
        select p_journey.journey_id, p_user_id, j.reason, e.point, md5(e.point::text)::uuid, j.recorded_at
        from judged as j
        inner join json_array_elements(p_points) with ordinality as e (point, nth) on e.nth = j.nth
        where j.reason is not null
        on conflict do nothing
    )

    select json_agg(json_build_object('index', j.nth - 1, 'reason', j.reason) order by j.nth)
    into v_quarantined
    from judged as j
    where j.reason is not null;
    return coalesce(v_quarantined, '[]');
end
$$;

comment on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], box, tstzmultirange) is
'Keep the points of a batch that core.ingest did not store in core.point_quarantine; their index (from 0) and reason. p_times are those of the existing periods, null where every point found its own. Idempotent.';
revoke all on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], box, tstzmultirange) from public;
grant execute on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], box, tstzmultirange) to saferoute_api;

-- source: sql/functions/journeys/recheck_point.sql sha256:0fda99bd072c3ac0a173b9c8f7fa198b93a0366ccd18330c7cca892c4a4146f4
create or replace function core.recheck_point(p_quarantined core.point_quarantine, p_times tstzmultirange) returns text
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
    v_readable json;
    v_unreadable bigint [];
    v_point record;
begin
    select j.* into v_journey from core.journeys as j where j.journey_id = p_quarantined.journey_id and j.erasing_since is null;
    if not found then
        return 'journey';
    end if;
    select r.readable, r.unreadable into v_readable, v_unreadable
    from core.readable_points(json_build_array(coalesce(p_quarantined.fixed, p_quarantined.point))) as r;
    if v_unreadable <> '{}' then
        return 'unreadable';
    end if;
    select p.* into v_point from core.read_points(v_readable) as p;
    return core.point_problem(
        v_point.recorded_at, v_point.lon, v_point.lat,
        p_quarantined.received_at, v_journey.ended_at, core.journey_reach(v_journey), p_times
    );
end
$$;

comment on function core.recheck_point(core.point_quarantine, tstzmultirange) is
'Why a quarantined point, as it came or as it was fixed, cannot be stored now: a reason of core.point_quarantine, or journey where that is gone; null where it can. Its time is still held against its arrival. p_times are those of the existing periods.';
revoke all on function core.recheck_point(core.point_quarantine, tstzmultirange) from public;

-- source: sql/functions/journeys/record_points.sql sha256:62486bbd8c48e6ac051ecdefa0ca4cb9a8876842708b86cd7bbb859cf750ed1a
create or replace function core.record_points(p_user_id uuid, p_journey_id uuid, p_points json) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.hold_journey(p_user_id, p_journey_id);
    v_near box := core.journey_reach(v_journey);
    v_since timestamptz := now() - interval '29 days';
    v_until timestamptz := least(now() + interval '10 minutes', v_journey.ended_at + interval '1 microsecond');
    v_points integer;
    v_readable json := p_points;
    v_storable json := p_points;
    v_unreadable bigint [];
    v_times tstzmultirange;
    v_found_times tstzmultirange;
    v_accepted bigint;
    v_quarantined json := '[]';
begin
    -- Positions need not wait for a standby. Here and not in a SET clause, which ends before the commit.
    perform set_config('synchronous_commit', 'local', true);
    v_points := core.count_points(p_points);
    -- Nearly every batch goes in at once; another round leaves out what the last has stumbled over.
    loop
        begin
            v_accepted := core.ingest(p_user_id, p_journey_id, v_storable, v_since, v_until, v_near);
            exit;
        exception when data_exception or check_violation then
            -- A row that finds no period is a check violation. Any other fails the next round too, and is an error.
            v_found_times := core.period_times('core.journey_points');
            if v_times = v_found_times then
                raise;
            end if;
            v_times := v_found_times;
            begin
                v_storable := core.points_within(v_readable, v_times);
            exception when data_exception then
                select r.readable, r.unreadable into v_readable, v_unreadable from core.readable_points(p_points) as r;
                v_storable := core.points_within(v_readable, v_times);
            end;
        end;
    end loop;
    if v_accepted < v_points then
        v_quarantined := core.quarantine_points(
            p_user_id, v_journey, p_points, v_readable, v_unreadable, v_near, v_times
        );
    end if;
    return json_build_object(
        'accepted', v_accepted,
        'duplicates', v_points - v_accepted - json_array_length(v_quarantined),
        'quarantined', v_quarantined
    );
end
$$;

comment on function core.record_points(uuid, uuid, json) is
'Store a batch of positions of the person''s own journey. What cannot be stored is quarantined with a reason and the rest is kept; the same batch again counts duplicates. Points recorded before the journey''s end are welcome after it: phones upload late.';
revoke all on function core.record_points(uuid, uuid, json) from public;
grant execute on function core.record_points(uuid, uuid, json) to saferoute_api;

-- source: sql/functions/journeys/replay_chosen_points.sql sha256:76fcfa1f3da03f10a3d520b191de2ffdf1081c7021dcdbc6423e4559442ea6a2
create or replace function core.replay_chosen_points(p_quarantine_ids bigint[]) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_times tstzmultirange := core.period_times('core.journey_points');
begin
    return core.store_quarantined_points(array(
        select q.quarantine_id
        from core.point_quarantine as q
        where q.quarantine_id = any(p_quarantine_ids) and core.recheck_point(q, v_times) is null
        order by q.quarantine_id
        for update skip locked
    ));
end
$$;

comment on function core.replay_chosen_points(bigint[]) is
'Store those of the given quarantined points that can be stored now; how many have left the quarantine.';
revoke all on function core.replay_chosen_points(bigint[]) from public;

-- source: sql/functions/journeys/replay_points.sql sha256:b49089a62b35591e1c9e9e16281ccc731b540537892c186f485d69cea6f1dfba
create or replace function core.replay_points(p_reason text, p_limit integer default 1000) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_times tstzmultirange := core.period_times('core.journey_points');
begin
    return core.store_quarantined_points(array(
        select q.quarantine_id
        from core.point_quarantine as q
        where q.reason = p_reason
            -- First the test that costs little: points older than what is kept may be many.
            and coalesce(v_times @> q.recorded_at, true)
            and core.recheck_point(q, v_times) is null
        order by q.quarantine_id
        limit p_limit
        for update skip locked
    ));
end
$$;

comment on function core.replay_points(text, integer) is
'Store up to p_limit of the points quarantined for p_reason that can be stored now, oldest first, as core.record_points would have on their arrival; how many have left the quarantine. 0 means that none is left that can. Several sessions may replay at once.';
revoke all on function core.replay_points(text, integer) from public;

-- source: sql/functions/journeys/start_journey.sql sha256:0dff782281fe47e3c4eaabd82df6ac67985155d1af9228854f50c8163812cceb
create or replace function core.start_journey(
    p_user_id uuid,
    p_journey_id uuid,
    p_from_lon float8,
    p_from_lat float8,
    p_to_lon float8,
    p_to_lat float8,
    p_started_at timestamptz
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_origin geometry := core.position(p_from_lon, p_from_lat);
    v_destination geometry;
    v_journey core.journeys;
begin
    if p_journey_id is null then
        perform core.fail('SR018', 'journey_id is null');
    end if;
    if not coalesce(p_started_at, now()) between now() - interval '29 days' and now() + interval '10 minutes' then
        perform core.fail('SR018', format('started_at %s is over 29 days ago or over 10 minutes ahead', p_started_at));
    end if;
    if p_to_lon is not null or p_to_lat is not null then
        v_destination := core.position(p_to_lon, p_to_lat);
    end if;

    insert into core.journeys (journey_id, user_id, cell, started_at, origin, destination)
    values (
        p_journey_id, p_user_id, st_geohash(v_origin, 5), coalesce(p_started_at, now()), v_origin, v_destination
    )
    on conflict do nothing;

    -- A row of another person does not exist here, so its id is refused in the same words.
    select j.* into v_journey
    from core.journeys as j
    where j.journey_id = p_journey_id
        and j.user_id = p_user_id
        and j.erasing_since is null
        and j.started_at = coalesce(p_started_at, j.started_at)
        and st_orderingequals(j.origin, v_origin)
        and (j.destination is null) = (v_destination is null)
        and coalesce(st_orderingequals(j.destination, v_destination), true);
    if not found then
        perform core.fail('SR003', format('journey %s', p_journey_id));
    end if;
    return core.journey_summary(v_journey);
end
$$;

comment on function core.start_journey(uuid, uuid, float8, float8, float8, float8, timestamptz) is
'Begin a journey, now where p_started_at is null. The same call again returns the first result; SR003 where the id is taken by another journey or another person.';
revoke all on function core.start_journey(uuid, uuid, float8, float8, float8, float8, timestamptz) from public;
grant execute on function core.start_journey(uuid, uuid, float8, float8, float8, float8, timestamptz) to saferoute_api;

-- source: sql/functions/journeys/store_quarantined_points.sql sha256:bcc3c8769f83b5ca04032e3bb6c520aafa2b717532d75e143f7a1f4527fb2411
create or replace function core.store_quarantined_points(p_quarantine_ids bigint[]) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_batch record;
    v_done bigint;
begin
    -- Keys and journeys in one order, or two replays would wait for each other for ever.
    for v_batch in
        select q.user_id, q.journey_id, json_agg(coalesce(q.fixed, q.point) order by q.recorded_at, q.quarantine_id) as points
        from core.point_quarantine as q
        where q.quarantine_id = any(p_quarantine_ids)
        group by q.user_id, q.journey_id
        order by q.journey_id
    loop
        perform core.hold_journey(v_batch.user_id, v_batch.journey_id);
        perform core.ingest(
            v_batch.user_id, v_batch.journey_id, v_batch.points, '-infinity', 'infinity', box(point(-180, -90), point(180, 90))
        );
    end loop;
    delete from core.point_quarantine as q where q.quarantine_id = any(p_quarantine_ids);
    get diagnostics v_done = row_count;
    return v_done;
end
$$;

comment on function core.store_quarantined_points(bigint[]) is
'Move quarantined points, which the caller has locked and checked with core.recheck_point, to their journeys; how many have left the quarantine. What was stored before counts as moved.';
revoke all on function core.store_quarantined_points(bigint[]) from public;

-- source: sql/functions/journeys/swap_points.sql sha256:4ff0c37e492cefa99a8f601743a3f1e5783c2aec43394e4f5fba01d60f1aa36a
create or replace function core.swap_points(p_reason text) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_fixed bigint;
begin
    update core.point_quarantine as q set fixed = core.changed_point(q, json_build_object(
        'lon', coalesce(q.fixed, q.point) -> 'lat', 'lat', coalesce(q.fixed, q.point) -> 'lon'
    ))
    where q.reason = p_reason
        and case when core.recheck_point(q, null) in ('far', 'position') then core.is_swapped(q) end;
    get diagnostics v_fixed = row_count;
    return v_fixed;
end
$$;

comment on function core.swap_points(text) is
'Exchange longitude and latitude of the points quarantined for p_reason that are plausible so, and only so; how many were fixed.';
revoke all on function core.swap_points(text) from public;

-- source: sql/functions/journeys/unlikely_time_in.sql sha256:7c5fcefd4480c8c26bba66679f046d6ce92edd231e7bd50f4e82dc6bd4c93f7d
create or replace function core.unlikely_time_in(p_point json, p_recorded_at timestamptz, p_received_at timestamptz) returns text
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when coalesce(json_typeof(p_point -> 'recorded_at'), 'null') = 'null' then 'It has no recorded_at.'
    when p_recorded_at is null then format(
        'recorded_at is %s: no date and time with a zone, such as %s.', left((p_point -> 'recorded_at')::text, 60),
        to_char(p_received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    )
    when p_recorded_at > p_received_at then format(
        'It was recorded %s after it arrived (%s UTC); at most 10 minutes are accepted.',
        core.in_words(p_recorded_at - p_received_at), to_char(p_received_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    )
    else format(
        'It was recorded %s before it arrived (%s UTC); at most 29 days are accepted.',
        core.in_words(p_received_at - p_recorded_at), to_char(p_received_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    )
end
$$;

comment on function core.unlikely_time_in(json, timestamptz, timestamptz) is
'What is wrong with the time of a readable point that arrived at p_received_at, in a sentence.';
revoke all on function core.unlikely_time_in(json, timestamptz, timestamptz) from public;

-- source: sql/functions/journeys/unreadable_in.sql sha256:5bf7fa88e7dd2e7de464a019682c09db9f39ab79481a14eda85c67cf2c4400f7
create or replace function core.unreadable_in(p_point json) returns text
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_key text;
    v_unreadable bigint [];
    v_found text;
begin
    if json_typeof(p_point) <> 'object' then
        return format('It is no object of recorded_at, lon and lat, but of type %s.', json_typeof(p_point));
    elsif p_point::text like '%\\u0000%' then
        return 'It holds the character \u0000, which no text can.';
    end if;
    foreach v_key in array array['recorded_at', 'lon', 'lat', 'speed_mps', 'accuracy_m', 'battery_pct'] loop
        select r.unreadable into v_unreadable
        from core.readable_points(json_build_array(json_build_object(v_key, p_point -> v_key))) as r;
        if v_unreadable <> '{}' then
            v_found := concat_ws(', ', v_found, format('%s is %s', v_key, left((p_point -> v_key)::text, 60)));
        end if;
    end loop;
    return coalesce(v_found || ': that cannot be read.', 'It cannot be read.');
end
$$;

comment on function core.unreadable_in(json) is
'Why core.read_points cannot read a point, in a sentence.';
revoke all on function core.unreadable_in(json) from public;

-- source: sql/functions/journeys/uploads_key.sql sha256:738c607fbf968f6fddc29c9f2355489bf09d005426e0426f04414d0192c7ba0d
create or replace function core.uploads_key(p_user_id uuid) returns bigint
language sql immutable strict parallel safe security invoker
as $$
select uuid_hash_extended(p_user_id, 52)
$$;

comment on function core.uploads_key(uuid) is
'The advisory lock that uploads of a person share, and their erasure takes alone for a moment. Inlined, so it has no search_path of its own.';
revoke all on function core.uploads_key(uuid) from public;
grant execute on function core.uploads_key(uuid) to saferoute_api;

-- source: sql/functions/risk/is_city_risk_current.sql sha256:0db12987076b34faa91c20a93efb74993a802888d0d1f3563894e6f77b363dad
create or replace function core.is_city_risk_current(p_city_id integer) returns boolean
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
select exists (
    select
    from core.city_risk as r, core.city_risk_inputs(p_city_id) as i
    where r.city_id = p_city_id
        and r.map_digest = i.map_digest
        -- A category that is new has no crimes in the sums yet.
        and i.categories @> r.categories
        and not coalesce(i.oldest_period > r.oldest_period, false)
        and r.absent_periods = core.absent_periods('core.crime_data')
)
$$;

comment on function core.is_city_risk_current(integer) is
'Whether the sums of a city can be kept: same map, same weights of categories, no month dropped, retired or restored. Where not, core.rebuild_city_risk makes them anew.';
revoke all on function core.is_city_risk_current(integer) from public;

-- source: sql/functions/risk/rebuild_city_risk.sql sha256:efb62d667216dc5d1a13d2d42329fa3bfab401d697599b034f10b1fa3e19b03f
create or replace function core.rebuild_city_risk(p_city_id integer) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_sampled_map text := (select r.map_digest from core.city_risk as r where r.city_id = p_city_id);
begin
    delete from core.hour_weights as h where h.city_id = p_city_id;
    delete from core.part_weights as p where p.city_id = p_city_id;
    delete from core.city_risk as r where r.city_id = p_city_id;
    insert into core.city_risk (city_id, map_digest, categories, oldest_period, absent_periods)
    select p_city_id, i.map_digest, i.categories, i.oldest_period, core.absent_periods('core.crime_data')
    from core.city_risk_inputs(p_city_id) as i;
    if v_sampled_map = (select r.map_digest from core.city_risk as r where r.city_id = p_city_id) then
        update core.edge_risk as e
        set all_density = 0, street_density = 0
        where e.city_id = p_city_id and (e.all_density <> 0 or e.street_density <> 0);
    else
        perform core.sample_edges(p_city_id);
    end if;
    perform core.add_crimes(p_city_id, null);
end
$$;

comment on function core.rebuild_city_risk(integer) is
'Make the risk sums of a city from its map and all its crimes, without what is pending in core.crime_changes.';
revoke all on function core.rebuild_city_risk(integer) from public;

-- source: sql/schema/930_ops.sql sha256:e56aea01126817bdd0f5d13b88c89faa266b9d3c076f0ff45ce28214fec95c99
create or replace view ops.partition_periods as
with standing as (
    select
        i.inhparent as parent,
        i.inhrelid as period,
        bounds[1]::timestamptz as lower_bound,
        bounds[2]::timestamptz as upper_bound,
        case when i.inhdetachpending then 'detaching' else 'attached' end as state
    from core.partition_sets as s
    inner join pg_catalog.pg_inherits as i on s.parent = i.inhparent
    inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
    cross join
        lateral regexp_match(
            pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)'
        ) as bounds
    union all
    select
        k.parent,
        k.period,
        k.lower_bound,
        k.upper_bound,
        'detached' as state
    from core.known_periods as k
    inner join pg_catalog.pg_class as c on k.period = c.oid
    where not exists (
        select from pg_catalog.pg_inherits as i
        where i.inhrelid = k.period
    )
),

newest as (
    select distinct on (a.parent, a.lower_bound) a.*
    from core.partition_archives as a
    where a.superseded_by is null
    order by a.parent asc, a.lower_bound asc, a.archive_id desc
)

select
    coalesce(p.parent, a.parent)::regclass as parent,
    coalesce(p.lower_bound, a.lower_bound) as lower_bound,
    coalesce(p.upper_bound, a.upper_bound) as upper_bound,
    coalesce(p.state, case when a.restored_as is null then 'archived' else 'beside' end) as state,
    coalesce(p.period::regclass, a.restored_as) as period,
    l.leaves,
    case when p.period is null then a.row_count else l.row_estimate end as row_estimate,
    l.bytes,
    a.file_name as archive,
    coalesce(
        p.period is not null and p.upper_bound <= now() - k.retention
        and coalesce(a.keep_until, '-infinity') <= now(), false
    ) as is_due,
    case
        when p.period is not null then greatest(p.upper_bound + k.retention, a.keep_until)
    end as due_at
from standing as p
full outer join newest as a on p.parent = a.parent and p.lower_bound = a.lower_bound
left join ops.part_config() as k on k.parent = coalesce(p.parent, a.parent)
left join lateral (
    select
        count(*) filter (where c.oid <> coalesce(p.period, a.restored_as)) as leaves,
        sum(greatest(c.reltuples, 0))::bigint as row_estimate,
        sum(pg_catalog.pg_total_relation_size(c.oid))::bigint as bytes
    from pg_catalog.pg_class as c
    where c.relkind = 'r' and c.oid in (
        select coalesce(p.period, a.restored_as)
        union all
        select i.inhrelid
        from pg_catalog.pg_inherits as i
        where i.inhparent = coalesce(p.period, a.restored_as) and not i.inhdetachpending
    )
) as l on true;
comment on view ops.partition_periods is 'Every period of every partition set: those that stand, and those that are only in an archive.';
comment on column ops.partition_periods.state is 'attached; detaching (an interrupted DETACH CONCURRENTLY); detached (its rows are not in the set); archived (dropped, in the file); beside (restored next to the set).';
comment on column ops.partition_periods.leaves is '0 where pg_partman has made a plain table, until upkeep adopts it.';
comment on column ops.partition_periods.row_estimate is 'As of the last vacuum or analyze; exact where the period is archived.';
comment on column ops.partition_periods.is_due is 'Whether part_config.retention has passed since its end, and no restore holds it.';
comment on column ops.partition_periods.due_at is 'When it is; null where rows are kept for good.';
grant select on ops.partition_periods to operator;

-- source: sql/schema/932_partition_health.sql sha256:1fd613ba35bb5803d188ba94b097d92b0f0e84e6e519b2710f1f335237399bbe
create or replace view ops.partition_health as
with sets as (
    select
        s.parent,
        ('1 ' || s.unit)::interval as step,
        case s.unit when 'day' then 'YYYY-MM-DD' else 'YYYY-MM' end as written,
        s.keep_behind,
        c.retention,
        greatest(coalesce(c.premake, case s.unit when 'day' then 7 else 2 end), 2) as premake,
        date_trunc(s.unit, now() at time zone 'UTC') as this_period
    from core.partition_sets as s
    left join ops.part_config() as c on s.parent = c.parent
),

periods as materialized (
    select
        p.*,
        p.lower_bound at time zone 'UTC' as starts,
        p.state = 'attached' and c.relkind = 'r' as is_plain,
        c.relowner <> o.relowner as is_foreign
    from ops.partition_periods as p
    inner join pg_catalog.pg_class as o on p.parent = o.oid
    left join pg_catalog.pg_class as c on p.period = c.oid
),

standing as (
    select
        p.parent,
        count(*) filter (where p.state = 'attached') as periods,
        sum(p.leaves) filter (where p.state = 'attached')::bigint as leaves,
        sum(p.row_estimate) filter (where p.state = 'attached')::bigint as row_estimate,
        sum(p.bytes)::bigint as bytes,
        min(p.lower_bound) filter (where p.state = 'attached') as lower_bound,
        max(p.upper_bound) filter (where p.state = 'attached') as upper_bound,
        array_agg(p.lower_bound order by p.starts) filter (where p.is_plain) as plain,
        array_agg(p.lower_bound order by p.starts) filter (where p.state = 'detaching') as detaching,
        array_agg(p.lower_bound order by p.starts) filter (where p.state = 'detached') as detached,
        array_agg(p.period::text order by p.starts) filter (where p.is_foreign) as foreign_owned,
        count(*) filter (where p.is_due) as due,
        min(p.due_at) as next_retirement_at,
        (array_agg(p.lower_bound order by p.due_at, p.starts) filter (where p.due_at is not null))[1] as next_retirement
    from periods as p
    group by p.parent
),

-- What core.premake sees to. Before that a set has no period where it has no rows, and after that nobody needs one.
expected as (
    select
        s.parent,
        s.this_period,
        g.starts,
        p.state
    from sets as s
    cross join
        lateral generate_series(
            s.this_period - s.keep_behind * s.step, s.this_period + s.premake * s.step, s.step
        ) as g (starts)
    left join periods as p on s.parent = p.parent and g.starts = p.starts
    where coalesce((g.starts + s.step) at time zone 'UTC' > now() - s.retention, true)
),

missing as (
    select
        e.parent,
        min(e.starts) filter (where e.starts >= e.this_period) as first_ahead,
        array_agg(e.starts at time zone 'UTC' order by e.starts)
        filter (where e.starts >= e.this_period and e.starts at time zone 'UTC' < t.upper_bound) as ahead,
        array_agg(e.starts at time zone 'UTC' order by e.starts) filter (where e.starts < e.this_period) as behind
    from expected as e
    inner join standing as t on e.parent = t.parent
    -- A period that is only in an archive is not missing: it has been retired.
    where coalesce(e.state, 'none') in ('none', 'detaching', 'detached')
    group by e.parent
),

maintenance as (
    select
        s.parent,
        ended.began_at,
        ended.problem,
        ended.ended_at is null as was_killed,
        exists(
            select from core.maintenance_runs as r
            where r.parent = s.parent and r.ended_at is null and r.began_at > now() - interval '6 hours'
        ) as runs,
        (
            select max(r.began_at) from core.maintenance_runs as r
            where r.parent = s.parent and r.ended_at is not null and r.problem is null
        ) as last_success_at
    from sets as s
    left join lateral (
        select * from core.maintenance_runs as r
        where r.parent = s.parent and (r.ended_at is not null or r.began_at <= now() - interval '6 hours')
        order by r.began_at desc
        limit 1
    ) as ended on true
),

quarantine as (
    select
        'core.journey_points'::regclass as parent,
        count(*) as rows_in_all,
        count(*) filter (where q.received_at > now() - interval '1 day') as rows_of_a_day,
        count(*) filter (where q.reason = 'period' and q.recorded_at > now() - s.retention) as rows_without_period
    from core.point_quarantine as q
    inner join sets as s on s.parent = 'core.journey_points'::regclass
    union all
    select
        'core.crime_data'::regclass,
        count(*),
        count(*) filter (where l.loaded_at > now() - interval '1 day'),
        0
    from core.crime_rejects as r
    inner join core.crime_loads as l on r.load_id = l.load_id
    where r.settled_at is null
),

facts as materialized (
    select
        s.parent,
        s.premake,
        s.written,
        t.periods,
        t.leaves,
        t.row_estimate,
        t.bytes,
        t.lower_bound,
        t.upper_bound,
        (
            select count(*) from periods as p
            where
                p.parent = s.parent and p.state = 'attached' and p.starts > s.this_period
                and p.starts < coalesce(m.first_ahead, 'infinity')
        ) as premade,
        coalesce(m.ahead, '{}') as missing_ahead,
        coalesce(m.behind, '{}') as missing_behind,
        ops.rows_in_default_leaves(s.parent) as rows_in_default_leaves,
        (
            select count(*)
            from periods as p
            inner join pg_catalog.pg_inherits as i on p.period = i.inhparent
            inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
            left join core.regions as r
                on substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)') = r.prefix
            inner join pg_catalog.pg_partitioned_table as d on i.inhparent = d.partrelid
            where p.parent = s.parent and p.state = 'attached' and i.inhrelid <> d.partdefid and r.prefix is null
        ) as unlisted_leaves,
        coalesce(t.plain, '{}') as plain,
        coalesce(t.detaching, '{}') as detaching,
        coalesce(t.detached, '{}') as detached,
        coalesce(t.foreign_owned, '{}') as foreign_owned,
        t.due,
        q.rows_in_all as quarantined,
        q.rows_of_a_day as quarantined_in_a_day,
        q.rows_without_period,
        n.began_at as last_maintenance_at,
        n.problem as last_maintenance_problem,
        n.was_killed,
        n.runs,
        coalesce(n.last_success_at, installed.installed_at) < now() - interval '2 days' as is_overdue,
        n.last_success_at,
        t.next_retirement,
        t.next_retirement_at
    from sets as s
    left join standing as t on s.parent = t.parent
    left join missing as m on s.parent = m.parent
    left join maintenance as n on s.parent = n.parent
    left join quarantine as q on s.parent = q.parent
    cross join (select min(x.began_at) as installed_at from core.migrations as x) as installed
),

problems as (
    select
        f.parent,
        p.severity,
        p.sentence
    from facts as f
    cross join
        lateral (
            values
            (
                2, f.premade < ceil(f.premake / 2.0),
                format(
                    'Only %s of %s periods ahead are there; rows of later ones will be quarantined or refused. Run maintain.',
                    f.premade, f.premake
                )
            ),
            (
                2, f.missing_ahead <> '{}',
                format(
                    'Periods are missing between now and the last one (%s, the first is %s). Run maintain.',
                    cardinality(f.missing_ahead), to_char(f.missing_ahead[1] at time zone 'UTC', f.written)
                )
            ),
            (
                2, f.missing_behind <> '{}',
                format(
                    'Periods for late rows are missing (%s, the first is %s). Run maintain, or restore what was detached.',
                    cardinality(f.missing_behind), to_char(f.missing_behind[1] at time zone 'UTC', f.written)
                )
            ),
            (
                2, f.detaching <> '{}' and not f.runs,
                format(
                    'The detach of %s is unfinished, and nothing else can be detached. Run maintain.',
                    to_char(f.detaching[1] at time zone 'UTC', f.written)
                )
            ),
            (
                2, f.last_maintenance_problem is not null,
                format(
                    'The last maintenance (%s) failed: %s.',
                    to_char(f.last_maintenance_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'),
                    rtrim(f.last_maintenance_problem, '.')
                )
            ),
            (
                2, f.was_killed and f.last_maintenance_at is not null,
                format(
                    'The last maintenance (%s) did not come to its end. Run maintain.',
                    to_char(f.last_maintenance_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
                )
            ),
            (
                2, f.is_overdue,
                'There has been no successful maintenance '
                || coalesce('since ' || to_char(f.last_success_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), 'yet')
                || ': schedule it daily.'
            ),
            (
                1, f.premade >= ceil(f.premake / 2.0) and f.premade < f.premake - 1,
                format('%s of %s periods ahead are there: maintenance is late.', f.premade, f.premake)
            ),
            (
                1, f.rows_in_default_leaves >= 1000,
                format(
                    'Many rows are in default leaves (%s or more), where every search of their period reads. Run regions fill.',
                    to_char(f.rows_in_default_leaves, 'FM999,999,999')
                )
            ),
            (
                1, f.unlisted_leaves > 0,
                format(
                    'Leaves are of no region (%s): a split or merge did not come to its end. Run it again.',
                    f.unlisted_leaves
                )
            ),
            (
                1, f.plain <> '{}',
                format(
                    'pg_partman has made periods by itself, which have no leaves (%s, the first is %s). Run maintain.',
                    cardinality(f.plain), to_char(f.plain[1] at time zone 'UTC', f.written)
                )
            ),
            (
                1, f.foreign_owned <> '{}',
                format(
                    '%s is not owned by the owner of its set, who can neither archive nor detach it: alter table %1$s owner to saferoute_owner.',
                    f.foreign_owned[1]
                )
            ),
            (
                1, f.detached <> '{}',
                format(
                    'Detached periods stand beside the set (%s, the first is %s). Run maintain: what is due is archived and dropped.',
                    cardinality(f.detached), to_char(f.detached[1] at time zone 'UTC', f.written)
                )
            ),
            (
                1, f.next_retirement_at < now() - interval '2 days',
                format(
                    'Periods are past their retention (%s, the first is %s). Run maintain.',
                    f.due, to_char(f.next_retirement at time zone 'UTC', f.written)
                )
            ),
            (
                1, f.rows_without_period > 0,
                format('Quarantined points wait for their period (%s). Run maintain.', f.rows_without_period)
            ),
            (
                1, f.quarantined_in_a_day >= 1000,
                format('Much was quarantined within a day (%s rows). See saferoute quarantine.', f.quarantined_in_a_day)
            )
        ) as p (severity, applies, sentence)
    where p.applies
)

select
    f.parent,
    case p.severity when 2 then 'red' when 1 then 'yellow' else 'green' end as state,
    coalesce(p.sentences, '{}') as problems,
    f.periods,
    f.leaves,
    f.row_estimate,
    f.bytes,
    f.lower_bound,
    f.upper_bound,
    f.premade,
    f.missing_ahead,
    f.missing_behind,
    f.rows_in_default_leaves,
    f.unlisted_leaves,
    f.plain,
    f.detaching,
    f.detached,
    f.due,
    f.quarantined,
    f.quarantined_in_a_day,
    f.last_maintenance_at,
    f.last_maintenance_problem,
    f.next_retirement,
    f.next_retirement_at
from facts as f
left join (
    select
        x.parent,
        max(x.severity) as severity,
        array_agg(x.sentence order by x.severity desc, x.sentence asc) as sentences
    from problems as x
    group by x.parent
) as p on f.parent = p.parent;

comment on view ops.partition_health is 'One row per partition set: what stands, what is missing, what is odd, and what to do about it.';
comment on column ops.partition_health.state is 'red: inserts fail or will within days, or nobody looks after the set; yellow: something to see to; green.';
comment on column ops.partition_health.problems is 'What is wrong, red before yellow, and which `saferoute partitions` command helps.';
comment on column ops.partition_health.periods is 'Attached ones.';
comment on column ops.partition_health.bytes is 'Of all tables that stand, in the set or beside it, with indexes.';
comment on column ops.partition_health.premade is 'Periods after the current one, up to the first that is missing. Red below half of part_config.premake.';
comment on column ops.partition_health.missing_ahead is 'Lower bounds of missing periods from the current one to the last that stands.';
comment on column ops.partition_health.missing_behind is 'The same before the current one, as far back as partition_sets.keep_behind and retention reach. Periods in an archive are not missing.';
comment on column ops.partition_health.rows_in_default_leaves is 'Counted to 1,000 in each leaf.';
comment on column ops.partition_health.unlisted_leaves is 'Leaves whose prefix is not in core.regions.';
comment on column ops.partition_health.plain is 'Periods that pg_partman made by itself: plain tables, until upkeep adopts them.';
comment on column ops.partition_health.detaching is 'Periods with an interrupted DETACH CONCURRENTLY.';
comment on column ops.partition_health.detached is 'Periods that stand beside the set; their rows are not in it.';
comment on column ops.partition_health.due is 'Periods past part_config.retention that still stand.';
comment on column ops.partition_health.quarantined is 'Quarantined points, or rejected crimes that nobody has settled.';
comment on column ops.partition_health.last_maintenance_at is 'When the last run that ended, or was killed, began.';
comment on column ops.partition_health.next_retirement is 'The period that is due next (or is due already).';
grant select on ops.partition_health to operator;

-- source: sql/schema/932_regions.sql sha256:597383760e6c531b5245af1c40868100b7f42874cdff5cde0f3cf5c578c1615e
create or replace view ops.region_leaves as
select
    coalesce(r.prefix, l.lower_cell) as prefix,
    r.label,
    l.parent,
    l.period,
    l.lower_bound,
    l.leaf,
    coalesce(
        case when c.reltuples < 0 then pg_catalog.pg_stat_get_live_tuples(c.oid) else c.reltuples::bigint end, 0
    ) as row_estimate,
    coalesce(pg_catalog.pg_total_relation_size(c.oid), 0) as bytes
from core.regions as r
full outer join (
    select
        s.parent,
        p.period,
        p.lower_bound,
        t.leaf,
        t.lower_cell
    from core.partition_sets as s
    cross join lateral core.periods(s.parent) as p
    cross join lateral core.leaves(p.period) as t
    where t.lower_cell is not null
) as l on r.prefix = l.lower_cell
left join pg_catalog.pg_class as c on l.leaf = c.oid;
comment on view ops.region_leaves is 'Every region with each of its leaves, one row without a leaf where it has none.';
comment on column ops.region_leaves.label is 'Null where the leaf is of no region any more: a split or merge that is not at its end.';
comment on column ops.region_leaves.lower_bound is 'Of the period, UTC.';
comment on column ops.region_leaves.row_estimate is 'As of the last vacuum or analyze, or the statistics where there was none; not counted.';
grant select on ops.region_leaves to operator;

-- source: sql/schema/936_erasures.sql sha256:56cb971784a7629441721919e9bdbe7502c1d8a9e7659ea3b97fd03ab927a9b4
create or replace view ops.erasures as
select
    e.erasure_id,
    e.began_at,
    e.finished_at,
    e.removed,
    e.archives,
    e.proof
from core.erasures as e;
comment on view ops.erasures is 'The receipts of erasures, without what could tell whose they are. One that is not finished wants to be run again.';
grant select on ops.erasures to operator;

-- source: sql/schema/937_quarantine.sql sha256:8e66e71fa9b839f9cfa01ad45c5d053dcf99a42d115b12928a137f63a5d24534
create or replace view core.quarantined as
select
    'point' as kind,
    q.quarantine_id as number,
    q.reason,
    q.received_at as arrived_at,
    q.journey_id::text as origin,
    q.fixed is not null as is_fixed
from core.point_quarantine as q
union all
select
    'crime',
    r.reject_id,
    r.reason,
    l.loaded_at,
    l.file_name || ', line ' || r.line_number,
    r.fixed is not null
from core.crime_rejects as r
inner join core.crime_loads as l on r.load_id = l.load_id
where r.settled_at is null;
comment on view core.quarantined is 'Every point and every row of a crime file that waits in quarantine, by kind (point, crime) and number.';
comment on column core.quarantined.origin is 'Its journey, or its file and line.';

create or replace view ops.quarantine as
select
    q.kind,
    q.reason,
    count(*) as waiting,
    count(*) filter (where q.is_fixed) as fixed,
    min(q.arrived_at) as oldest,
    max(q.arrived_at) as newest
from core.quarantined as q
group by q.kind, q.reason;
comment on view ops.quarantine is 'How many points and rows of crime files wait, by kind and reason. What they hold is for the owner alone.';
comment on column ops.quarantine.fixed is 'How many of them have been fixed and wait to be replayed.';
comment on column ops.quarantine.oldest is 'When the one that has waited longest arrived.';
grant select on ops.quarantine to operator;

-- source: sql/schema/940_analytics.sql sha256:b0cddd1f0cbe099d8a99a1ada43c70e383abe5df6342bacaecdb6351866554ce
create or replace view analytics.crimes_by_cell_month as
select
    m.month,
    c.city,
    c.cell,
    c.category,
    c.crimes,
    c.geom::geometry (polygon, 4326) as geom
from analytics.crime_months() as m (month)
cross join lateral analytics.crimes_of_month(m.month) as c;
comment on view analytics.crimes_by_cell_month is 'Reported crimes by place, month and category. Groups of fewer than analytics.smallest_group() (5) are left out, so sums over categories, cells or months are lower bounds, and a group that is missing is not zero. A condition on month reads only the partitions of those months; every other condition is applied to what these months hold.';
comment on column analytics.crimes_by_cell_month.month is 'First day of the month, on the calendar of the city that the source reports for.';
comment on column analytics.crimes_by_cell_month.city is 'The imported city whose streets reach into the cell, the smallest where there are several; null elsewhere.';
comment on column analytics.crimes_by_cell_month.cell is 'Geohash of five characters: 4.9 km from north to south, and less than that from west to east away from the equator.';
comment on column analytics.crimes_by_cell_month.category is 'One of core.crime_categories, the same for all publishers.';
comment on column analytics.crimes_by_cell_month.crimes is 'How many were reported, by all sources together; at least 5.';
comment on column analytics.crimes_by_cell_month.geom is 'The cell as a rectangle, EPSG:4326.';
grant select on analytics.crimes_by_cell_month to analyst;

-- removed: sql/schema/040_installations.sql
--| - create table if not exists core.installations (
--| -     installed_at timestamptz primary key default clock_timestamp(),
--| -     digest text not null
--| - );
--| - comment on table core.installations is 'Each time the schema was installed or brought up to date.';
--| - comment on column core.installations.digest is 'SHA-256 over the SQL files that were installed.';
-- squawk-ignore ban-drop-table
drop table core.installations;

-- removed: sql/functions/crime/choose_date_order.sql
drop function if exists core.choose_date_order;

-- by hand: last
-- The time of what is in quarantine already, as it is noted from now on.
update core.point_quarantine as q set recorded_at = (
    select p.recorded_at
    from core.readable_points(json_build_array(q.point)) as r, core.read_points(r.readable) as p
);
-- What the installer does at its end: periods that stand become known.
select core.ensure_partitions();
