-- migration: pre superuser
-- The schema of the first release, as its installer made it: where all other migrations begin. Generated, never edited.
-- `saferoute migrate` never runs it: it installs an empty database from sql/, and knows one of the first release.

-- source: sql/schema/000_roles.sql sha256:829b68ecda45fec810a93d898b2384b3eac8352566e7b81b213d7a1b80558aad
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

-- How long a call may take, unless a DBA has set it. PostgreSQL applies a role's setting at login only: the one of
-- authenticator is the ceiling, the API reads the others and keeps them itself.
do $$
declare
    v_role record;
begin
    for v_role in
        select * from (values ('web_anon', '5s'), ('authenticated', '10s'), ('authenticator', '15s')) as t (name, timeout)
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

-- source: sql/schema/010_extensions.sql sha256:8b3f61ff47ce79fe41bae9af27c020e2f60fe1b560b72c38d560267fabdcf222
-- Extensions need a superuser. PostGIS and pgRouting stay in public: their operators must be found by path.
create schema if not exists partman;
create extension if not exists postgis schema public;
create extension if not exists pgrouting schema public;
create extension if not exists pg_partman schema partman;

-- What pg_partman asks for so that a role without superuser rights can run it.
grant all on schema partman to saferoute_owner;
grant all on all tables in schema partman to saferoute_owner;
grant execute on all functions in schema partman to saferoute_owner;
grant execute on all procedures in schema partman to saferoute_owner;

-- role: saferoute_owner
set local role saferoute_owner;

-- source: sql/schema/020_schemas.sql sha256:3dd9497056f7ecd6a340bb4863ea4e091e8558f125d677bc638df9ef0cb16e6e
create schema if not exists api;
create schema if not exists core;
create schema if not exists analytics;
create schema if not exists ops;

comment on schema api is 'What apps may call: one function per RPC endpoint. Its wrappers touch no table themselves.';
comment on schema core is 'Tables and internal functions. App roles have no rights on its tables.';
comment on schema analytics is 'Views for analysts.';
comment on schema ops is 'Views and procedures for DBAs.';

grant usage on schema api to web_anon, authenticated, authenticator;
grant usage, create on schema api to saferoute_api;
grant usage on schema core to saferoute_api, authenticator;
grant usage on schema analytics to analyst;
grant usage on schema ops to operator;

-- A new function is closed until its file opens it.
alter default privileges revoke execute on functions from public;
alter default privileges for role saferoute_api revoke execute on functions from public;

-- source: sql/schema/030_errors.sql sha256:0bc1f5954b452a3546a6643bda58d7faa752ebba015c88a9b664d9e678ea7de4
-- Our own errors: SQLSTATE class SR. The API answers with http_status; docs/reference/errors.md is made from this table.
create table if not exists core.error_codes (
    code text primary key check (code ~ '^SR[0-9]{3}$'),
    http_status smallint not null check (http_status between 400 and 599),
    message text not null,
    hint text
);
comment on table core.error_codes is 'Every error of our own: SQLSTATE, HTTP status, what it means and what to do.';
comment on column core.error_codes.code is 'SQLSTATE of class SR, the `code` of the error body.';
comment on column core.error_codes.message is 'What happened, one sentence, shown to the caller.';
comment on column core.error_codes.hint is 'What the caller can do about it.';
grant select on core.error_codes to saferoute_api, authenticator;

insert into core.error_codes (code, http_status, message, hint) values
('SR001', 401, 'This call needs a signed-in person.', 'Send a token with a `sub` claim that is a UUID.'),
('SR002', 404, 'There is no such journey of yours.', null),
('SR003', 409, 'This journey id belongs to another journey.', 'Make a new UUID for each journey.'),
('SR010', 400, 'A position is not on Earth.', 'Longitude is -180 to 180, latitude -90 to 90, both finite degrees.'),
('SR011', 422, 'No walkable way within 300 m of the position.', 'Are longitude and latitude swapped?'),
('SR012', 422, 'No walk leads from one position to the other.', null),
('SR013', 422, 'The walk is too far: more than 30 km in a straight line.', 'Are longitude and latitude swapped?'),
('SR014', 422, 'The position is in no city that has been imported.', 'Are longitude and latitude swapped?'),
('SR015', 422, 'The time is too far from what the data covers.', 'Send a time between the years 2000 and 2100.'),
('SR016', 400, 'The route is not a line that can be read.', 'Send a GeoJSON LineString or an encoded polyline.'),
('SR017', 413, 'Too many points in one call.', 'Send at most 5,000 points in a call.'),
('SR018', 400, 'An argument is outside its range.', null),
('SR019', 400, 'The points cannot be read.', 'Send a JSON array of objects with recorded_at, lon and lat.'),
('SR020', 400, 'There are no points in the call.', 'Send at least one point.'),
('SR021', 409, 'This journey has no points.', 'Send some with record_points; they are kept for 30 days.'),
('SR030', 413, 'The request body is too large.', 'Send at most 2 MiB.')
on conflict (code) do update set
    http_status = excluded.http_status, message = excluded.message, hint = excluded.hint;

-- source: sql/schema/040_installations.sql sha256:274deadccddd31a551cc9d2a519c1f2e8516e0b8f7c4cd7ed5fef63608e89c19
create table if not exists core.installations (
    installed_at timestamptz primary key default clock_timestamp(),
    digest text not null
);
comment on table core.installations is 'Each time the schema was installed or brought up to date.';
comment on column core.installations.digest is 'SHA-256 over the SQL files that were installed.';

-- source: sql/schema/100_cities.sql sha256:745dce984d238953da3246c426d2aec484fc9856abebc963ac647e335d81a579
create table if not exists core.cities (
    city_id integer generated always as identity primary key,
    name text not null unique check (name <> ''),
    time_zone text not null,
    utm_srid integer not null check (utm_srid between 32601 and 32760),
    walkable_bounds geometry (polygon, 4326) not null,
    osm_digest text,
    imported_at timestamptz not null default now()
);
comment on table core.cities is 'One row per imported city: a reference table, replicated to every shard.';
comment on column core.cities.time_zone is 'IANA name; hours of the day and naive crime times are in this zone.';
comment on column core.cities.utm_srid is 'EPSG code of the UTM zone of its centre: metres are measured in it.';
comment on column core.cities.walkable_bounds is 'Bounding box of the walkable ways, EPSG:4326.';
comment on column core.cities.osm_digest is 'SHA-256 of the imported OSM file: the same file again changes nothing.';
create index if not exists cities_walkable_bounds on core.cities using gist (walkable_bounds);
grant select on core.cities to saferoute_api;

create table if not exists core.regions (
    prefix text collate "C" primary key check (prefix ~ '^[0-9b-hjkmnp-z]{1,5}$'),
    label text not null,
    created_at timestamptz not null default now()
);
comment on table core.regions is 'Geohash prefixes that have partitions of their own: a leaf holds cells in [prefix, prefix~). No region contains another.';
comment on column core.regions.label is 'The city that asked for the region.';
grant select on core.regions to saferoute_api;

-- source: sql/schema/110_roads.sql sha256:b4f004729e87efcafd22310bec9034adc826f10cc0dd7313c719fe014d5cc6c7
-- No foreign keys to core.cities: only imports write here, under the row of the city, and checking the keys row by
-- row would be 1.3 s of the 8 s of CPU that 102,000 edges take. A trigger on core.cities removes the streets.
create table if not exists core.road_vertices (
    vertex_id bigint primary key,
    city_id integer not null,
    geom geometry (point, 4326) not null,
    x_m float8 not null,
    y_m float8 not null
);
comment on table core.road_vertices is 'Where walkable ways meet or end. Ids are city_id * 10^9 + n.';
comment on column core.road_vertices.x_m is 'Easting in the UTM zone of the city, metres.';
comment on column core.road_vertices.y_m is 'Northing in the UTM zone of the city, metres.';
create index if not exists road_vertices_city on core.road_vertices (city_id);
grant select on core.road_vertices to saferoute_api;

create table if not exists core.road_edges (
    edge_id bigint primary key,
    city_id integer not null,
    osm_way_id bigint not null,
    source bigint not null,
    target bigint not null,
    highway text not null,
    name text,
    is_lit boolean,
    walkable_direction smallint not null check (walkable_direction in (-1, 0, 1)),
    length_m float8 not null check (length_m > 0),
    is_connected boolean not null,
    geom geometry (linestring, 4326) not null
);
comment on table core.road_edges is 'Walkable ways between two vertices, with everything shown to people. Ids are city_id * 10^9 + n.';
comment on column core.road_edges.highway is 'The OSM highway tag.';
comment on column core.road_edges.is_lit is 'Street lighting by OSM; null where nobody has said.';
comment on column core.road_edges.walkable_direction is '0 both ways, 1 only from source to target, -1 only back.';
comment on column core.road_edges.length_m is 'Metres along the way, on the WGS 84 spheroid.';
comment on column core.road_edges.is_connected is 'Belongs to the largest connected component of its city: walks start and end there.';
create index if not exists road_edges_geom on core.road_edges using gist (geom);
create index if not exists road_edges_city on core.road_edges (city_id);
grant select on core.road_edges to saferoute_api;

-- Narrow on purpose: pgRouting rebuilds its graph from these rows in every call. One row per connected edge.
create table if not exists core.road_links (
    edge_id bigint primary key references core.road_edges on delete cascade,
    city_id integer not null,
    source bigint not null,
    target bigint not null,
    walkable_direction smallint not null,
    neighbourhood smallint not null default 1,
    length_m float8 not null,
    all_density float8,
    street_density float8,
    bounds box not null,
    source_at point not null,
    target_at point not null
) with (fillfactor = 80);
comment on table core.road_links is 'The largest connected component as the route search reads it, with published risk densities.';
comment on column core.road_links.neighbourhood is 'Index (from 1) into the factor arrays of core.risk_terms.';
comment on column core.road_links.all_density is 'Decayed, severity-weighted density of all crimes; null where no source reports.';
comment on column core.road_links.street_density is 'The same of street violence; null where no source reports.';
comment on column core.road_links.bounds is 'Bounding box in metres of the UTM zone of the city.';
comment on column core.road_links.source_at is 'Where source stands, metres of the UTM zone of the city: what the search bounds remaining lengths with.';
comment on column core.road_links.target_at is 'The same of target.';
create index if not exists road_links_bounds on core.road_links using gist (bounds);
create index if not exists road_links_city on core.road_links (city_id);
grant select on core.road_links to saferoute_api;

-- source: sql/schema/120_crimes.sql sha256:1455b6e3edebb960be642b04c0fda85f713575c19f1acffed7beca76d69a327d
create table if not exists core.crime_categories (
    category text primary key,
    severity smallint not null check (severity between 1 and 10),
    offence_class text not null check (offence_class in ('violence', 'robbery', 'property', 'vehicle', 'disorder', 'other')),
    is_street_violence boolean not null
);
comment on table core.crime_categories is 'What each category of crime weighs. DBAs edit it; the next risk refresh follows.';
comment on column core.crime_categories.severity is '1 (nuisance) to 10 (homicide).';
comment on column core.crime_categories.is_street_violence is 'Violence a person on foot meets in the street: weighted apart from the rest.';
grant select on core.crime_categories to saferoute_api;

create table if not exists core.crime_data (
    source text not null,
    source_id text not null,
    occurred_at timestamptz not null,
    cell text collate "C" not null,
    time_precision text not null check (time_precision in ('exact', 'day', 'month')),
    category text not null references core.crime_categories on delete restrict,
    published_category text not null,
    geom geometry (point, 4326) not null,
    primary key (cell, occurred_at, source, source_id)
) partition by range (occurred_at);
comment on table core.crime_data is 'Reported crimes, partitioned by month, each month by geohash region.';
comment on column core.crime_data.source is 'Publisher and force, for example data.police.uk/northern-ireland.';
comment on column core.crime_data.source_id is 'The publisher''s id, or a digest of the content where there is none, then @ the month it was published for and #n, its occurrence in that month.';
comment on column core.crime_data.occurred_at is 'When; the first moment (city time) of the day or month where only that is known.';
comment on column core.crime_data.cell is 'Geohash of five characters.';
comment on column core.crime_data.published_category is 'The category in the words of the publisher.';
create index if not exists crime_data_geom on core.crime_data using gist (geom);
grant select on core.crime_data to saferoute_api;

create table if not exists core.crime_key (
    source text not null,
    source_id text not null,
    occurred_at timestamptz not null,
    cell text collate "C" not null,
    published_at timestamptz not null,
    primary key (source, source_id)
);
comment on table core.crime_key is 'Where the current version of each crime stands: uniqueness that partitions cannot enforce.';
comment on column core.crime_key.published_at is 'When it was reported, or occurred where the publisher does not say: a file replaces the months it was published for.';
create index if not exists crime_key_published on core.crime_key (source, published_at);

create table if not exists core.crime_loads (
    load_id bigint generated always as identity primary key,
    source text not null,
    city_id integer not null references core.cities on delete cascade,
    file_name text not null,
    file_digest text not null,
    rows_read bigint not null,
    rows_loaded bigint not null,
    rows_replaced bigint not null,
    rows_unchanged bigint not null,
    rows_removed bigint not null,
    rows_rejected bigint not null,
    loaded_at timestamptz not null default now()
);
comment on table core.crime_loads is 'One row per import of a crime file and source; loading the same file again adds none.';
comment on column core.crime_loads.file_digest is 'SHA-256 of the file.';
create index if not exists crime_loads_source on core.crime_loads (source, city_id);

create table if not exists core.crime_rejects (
    reject_id bigint generated always as identity primary key,
    load_id bigint not null references core.crime_loads on delete cascade,
    line_number bigint not null,
    reason text not null,
    content jsonb not null
);
comment on table core.crime_rejects is 'Rows of crime files that could not be loaded, whole, with the reason.';
create index if not exists crime_rejects_load on core.crime_rejects (load_id);

create table if not exists core.crime_coverage (
    coverage_id bigint generated always as identity primary key,
    source text not null,
    city_id integer not null references core.cities on delete cascade,
    area geometry (multipolygon, 4326) not null,
    area_method text not null check (area_method in ('given', 'hull')),
    covered_period tstzrange not null,
    unique (source, city_id)
);
comment on table core.crime_coverage is 'Where and when a source reports. Outside it, risk is unknown, never 0.';
comment on column core.crime_coverage.area_method is 'given: stated by the operator; hull: around the reporting areas in the file.';
create index if not exists crime_coverage_area on core.crime_coverage using gist (area);
grant select on core.crime_coverage to saferoute_api;

-- source: sql/schema/122_crime_categories.sql sha256:f5c6c2e207645a74163c28f3851a941158062db511c98917b6c6706e70147849
create table if not exists core.crime_category_names (
    published_name text primary key check (published_name = lower(btrim(published_name))),
    category text not null references core.crime_categories on update cascade on delete cascade
);
comment on table core.crime_category_names is 'What publishers call each category. A name that is not here is loaded as other, and the import lists it.';
comment on column core.crime_category_names.published_name is 'In lower case, without blanks around it.';

-- What a DBA has edited stays: these are only added where they are missing.
insert into core.crime_categories (category, severity, offence_class, is_street_violence) values
('homicide', 10, 'violence', true),
('sexual offence', 9, 'violence', true),
('armed assault', 8, 'violence', true),
('violence or sexual offence', 7, 'violence', true),
('robbery', 7, 'robbery', true),
('possession of weapons', 6, 'violence', true),
('arson', 5, 'property', false),
('theft from the person', 5, 'robbery', true),
('burglary', 4, 'property', false),
('public order', 4, 'disorder', false),
('criminal damage', 3, 'property', false),
('drugs', 3, 'disorder', false),
('vehicle theft', 3, 'vehicle', false),
('vehicle crime', 3, 'vehicle', false),
('anti-social behaviour', 2, 'disorder', false),
('bicycle theft', 2, 'property', false),
('theft', 2, 'property', false),
('theft from a vehicle', 2, 'vehicle', false),
('other', 2, 'other', false),
('shoplifting', 1, 'property', false)
on conflict (category) do nothing;

insert into core.crime_category_names (published_name, category) values
-- data.police.uk, with the two names it used before 2013
('anti-social behaviour', 'anti-social behaviour'),
('bicycle theft', 'bicycle theft'),
('burglary', 'burglary'),
('criminal damage and arson', 'criminal damage'),
('drugs', 'drugs'),
('other crime', 'other'),
('other theft', 'theft'),
('possession of weapons', 'possession of weapons'),
('public disorder and weapons', 'public order'),
('public order', 'public order'),
('robbery', 'robbery'),
('shoplifting', 'shoplifting'),
('theft from the person', 'theft from the person'),
('vehicle crime', 'vehicle crime'),
('violence and sexual offences', 'violence or sexual offence'),
('violent crime', 'violence or sexual offence'),
-- District of Columbia, Metropolitan Police Department
('arson', 'arson'),
('assault w/dangerous weapon', 'armed assault'),
('homicide', 'homicide'),
('motor vehicle theft', 'vehicle theft'),
('sex abuse', 'sexual offence'),
('theft f/auto', 'theft from a vehicle'),
('theft/other', 'theft')
on conflict (published_name) do nothing;

-- source: sql/schema/124_crime_staging.sql sha256:124caf599d4e71b34d970ad4c540d87310c5a2b58b932caf735d7b7601a991a3
-- Empty outside an import. Unlogged, and not temporary, so that the functions that read them are checked like all others.
create unlogged table if not exists core.crime_staging (
    line_number bigint not null,
    fields text[] not null
);
comment on table core.crime_staging is 'The crime file that is being imported, as it is written.';

create unlogged table if not exists core.crime_candidates (
    line_number bigint,
    source text not null,
    source_id text,
    published_at timestamptz,
    occurred_at timestamptz,
    time_precision text,
    category text,
    published_category text,
    geom geometry (point, 4326),
    cell text collate "C",
    area text,
    action text not null,
    reason text,
    stood_at timestamptz,
    stood_in text collate "C"
);
comment on table core.crime_candidates is 'The same file as it was understood, and what is done with each row.';
comment on column core.crime_candidates.area is 'Reporting area in the words of the publisher.';
comment on column core.crime_candidates.action is 'loaded, replaced, unchanged, removed (is in core.crime_data, and no longer in the file) or rejected.';
comment on column core.crime_candidates.reason is 'Why it is rejected: fields, time, future, position or outside.';
comment on column core.crime_candidates.stood_at is 'Time under which the earlier version stands in core.crime_data.';
comment on column core.crime_candidates.stood_in is 'Cell under which it stands there.';

-- source: sql/schema/130_journeys.sql sha256:ec62190d83c9f515364f051c18901a05768d6a82621d7e8610b857ce23ffcd76
create table if not exists core.journeys (
    journey_id uuid primary key,
    user_id uuid not null,
    cell text collate "C" not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    origin geometry (point, 4326) not null,
    destination geometry (point, 4326),
    points_from timestamptz,
    points_until timestamptz,
    cells text[] not null default '{}',
    created_at timestamptz not null default now(),
    check (ended_at >= started_at)
);
comment on table core.journeys is 'One walk of one person. Its id is made by the client (UUIDv7), so a retry is harmless.';
comment on column core.journeys.cell is 'Geohash-5 of the origin: the shard the journey and its points live in.';
comment on column core.journeys.points_from is 'Start of the first UTC day it has points on, so that reading them prunes partitions; null without points.';
comment on column core.journeys.points_until is 'End of the last such day, exclusive.';
comment on column core.journeys.cells is 'Geohash-5 cells its points stand in, for the same reason.';
create index if not exists journeys_user on core.journeys (user_id, started_at desc);
grant select, insert, update on core.journeys to saferoute_api;

create table if not exists core.journey_points (
    journey_id uuid not null,
    recorded_at timestamptz not null,
    cell text collate "C" not null,
    user_id uuid not null,
    geom geometry (point, 4326) not null,
    speed_mps real,
    accuracy_m real,
    battery_pct real,
    primary key (journey_id, recorded_at, cell)
) partition by range (recorded_at);
comment on table core.journey_points is 'Positions of walks, partitioned by day, each day by geohash region; kept 30 days.';
comment on column core.journey_points.cell is 'Geohash of five characters.';
comment on column core.journey_points.user_id is 'The walker, on every row: row security compares one value per statement, not one journey per row.';
-- btree and not GiST: the same query times once the cover is given, at half the cost of an insert.
-- Nearly unique, so trying to merge equal keys would only cost.
create index if not exists journey_points_cell on core.journey_points (cell, recorded_at)
with (deduplicate_items = off);
grant select, insert on core.journey_points to saferoute_api;

create table if not exists core.point_quarantine (
    quarantine_id bigint generated always as identity primary key,
    journey_id uuid not null,
    user_id uuid not null,
    received_at timestamptz not null default now(),
    reason text not null check (reason in ('unreadable', 'time', 'ended', 'position', 'far')),
    point json not null,
    digest uuid not null,
    unique (journey_id, digest)
);
comment on table core.point_quarantine is 'Points that could not be stored, whole, with the reason; the rest of their batch was.';
comment on column core.point_quarantine.reason is 'unreadable: a value has no meaning; time: none, without zone, over 29 days old or over 10 minutes ahead; ended: after the end of the journey; position: off the Earth; far: over 300 km from its origin, as when longitude and latitude are swapped.';
comment on column core.point_quarantine.point is 'As it was sent: json, because jsonb refuses some of what can arrive (\u0000, 1e999999).';
comment on column core.point_quarantine.digest is 'MD5 of the point: the same batch again adds nothing.';
grant select, insert on core.point_quarantine to saferoute_api;

-- source: sql/schema/140_partition_sets.sql sha256:78a44f1ac39330dd0c9f441885e29efdcf26f81b92b7f936ab0c15e7a2f075f2
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

-- source: sql/schema/150_risk.sql sha256:4ae59dd8eeafaabf4e361da6246172e19a80c3d5706011a83e3c1ee607d8e844
-- Risk of an edge at an hour = space x hour. docs/explanations/risk-model.md has the formula and its sources.
-- Weights are forward-decayed (core.crime_weight): a newer crime never makes a stored sum stale, so all sums are additive
-- and a refresh adds or subtracts only what changed. float8, since a crime of 1916 weighs 10^-30 of one of 2017 in the end.
-- All tables are logged: unlogged ones cannot be read on a standby.
create table if not exists core.crime_changes (
    change_id bigint generated always as identity primary key,
    sign smallint not null check (sign in (-1, 1)),
    occurred_at timestamptz not null,
    time_precision text not null,
    category text not null,
    geom geometry (point, 4326) not null
);
comment on table core.crime_changes is 'Crimes that came or went since the last core.refresh_risk(), written by the triggers of core.crime_data.';
comment on column core.crime_changes.sign is '1 a crime to add, -1 one to take away; a correction is one of each.';

create table if not exists core.city_risk (
    city_id integer primary key references core.cities on delete cascade,
    map_digest text not null,
    categories jsonb not null,
    oldest_period timestamptz,
    added_weight float8 not null default 0,
    coverage_digest text,
    reference_density float8,
    refreshed_at timestamptz not null default now()
);
comment on table core.city_risk is 'What the risk sums of a city were made from: where it differs from now, they are made anew.';
comment on column core.city_risk.categories is 'Severity and street violence by category, as they were weighed.';
comment on column core.city_risk.oldest_period is 'Start of the oldest month of crimes: when it is dropped, its crimes leave without a trigger.';
comment on column core.city_risk.added_weight is 'Sum of all absolute weights added and subtracted: what is left must stay well above its rounding error.';
comment on column core.city_risk.reference_density is 'The 95th percentile of the blended density over the known links: density of risk 1 in a mean hour.';

create table if not exists core.neighbourhoods (
    city_id integer not null references core.cities on delete cascade,
    neighbourhood smallint not null check (neighbourhood > 0),
    square bigint not null,
    primary key (city_id, neighbourhood),
    unique (city_id, square)
);
comment on table core.neighbourhoods is 'Squares of 1,500 m that hold streets of a city, numbered from 1: the places that have an hour profile of their own.';
comment on column core.neighbourhoods.square is 'core.grid_cell of 1,500 m in the UTM zone of the city.';

create table if not exists core.cell_edges (
    city_id integer not null,
    cell bigint not null,
    edge_ids bigint[] not null,
    shares float8[] not null,
    primary key (city_id, cell)
);
comment on table core.cell_edges is 'The edges whose sample points (one every 25 m) fall into a 50 m cell; made once per map. core.sample_edges removes those of cities that are gone.';
comment on column core.cell_edges.cell is 'core.grid_cell of 50 m in the UTM zone of the city.';
comment on column core.cell_edges.shares is 'Share of the sample points of each edge that the cell holds; 1 over all cells of an edge.';

create table if not exists core.edge_risk (
    edge_id bigint primary key,
    city_id integer not null,
    neighbourhood smallint not null,
    is_covered boolean not null default false,
    all_density float8 not null default 0,
    street_density float8 not null default 0
) with (fillfactor = 80);
comment on table core.edge_risk is 'Unscaled densities of every edge; core.road_links carries a copy of those that are known. core.sample_edges makes the rows.';
comment on column core.edge_risk.is_covered is 'Whether the middle of the edge lies where some source reports. Outside, risk is unknown.';
comment on column core.edge_risk.all_density is 'Forward-decayed, severity-weighted kernel density of all crimes: weight per 50 m cell.';
comment on column core.edge_risk.street_density is 'The same of street violence.';
create index if not exists edge_risk_city on core.edge_risk (city_id);

create table if not exists core.hour_weights (
    city_id integer not null references core.cities on delete cascade,
    is_street_violence boolean not null,
    week_hour smallint not null check (week_hour between 0 and 48),
    crimes bigint not null,
    weight float8 not null,
    squared_weight float8 not null,
    primary key (city_id, is_street_violence, week_hour)
);
comment on table core.hour_weights is 'Sums of crime weights of a city by hour: street violence, and the rest.';
comment on column core.hour_weights.week_hour is 'core.week_hour; 0 where only the day or the month is known: spread over all hours.';
comment on column core.hour_weights.squared_weight is 'Sum of squares: weight^2 / squared_weight is the effective number of crimes (Kish).';

create table if not exists core.part_weights (
    city_id integer not null references core.cities on delete cascade,
    neighbourhood smallint not null,
    week_part smallint not null check (week_part between 0 and 6),
    crimes bigint not null,
    weight float8 not null,
    squared_weight float8 not null,
    added_weight float8 not null,
    primary key (city_id, neighbourhood, week_part)
);
comment on table core.part_weights is 'Sums of street violence weights of a neighbourhood by part of the week.';
comment on column core.part_weights.neighbourhood is 'core.neighbourhoods; 0 where the city has no streets.';
comment on column core.part_weights.added_weight is 'As core.city_risk.added_weight.';
comment on column core.part_weights.week_part is 'core.week_part; 0 where only the day or the month is known.';

create table if not exists core.risk_factors (
    city_id integer not null references core.cities on delete cascade,
    week_hour smallint not null check (week_hour between 1 and 48),
    all_factors float8[] not null,
    street_factors float8[] not null,
    mean_risk float8 not null,
    primary key (city_id, week_hour)
);
comment on table core.risk_factors is 'What turns densities into risk at an hour: hour profile and reference in one factor per neighbourhood.';
comment on column core.risk_factors.mean_risk is 'Mean risk per metre of the known links at this hour: what an unknown stretch costs.';
grant select on core.risk_factors to saferoute_api;

-- source: sql/schema/150_routes.sql sha256:d150e9dc7295d5ff8a2613abb4deb7e91ca8d5d4a4eaf74e5639f4821932126c
-- What the functions of a route hand to each other.
do $$
begin
    if to_regtype('core.leg') is null then
        create type core.leg as (
            leg integer,
            street text,
            length_m float8,
            starts_m float8,
            risk float8,
            is_known boolean,
            geom geometry
        );
    end if;
    if to_regtype('core.route') is null then
        create type core.route as (
            aversions float8[],
            proven_optimal boolean,
            legs core.leg[],
            length_m float8,
            known_m float8,
            exposure_m float8
        );
    end if;
end
$$;
comment on type core.leg is 'One stretch of a route along one road link, in walking order from 1.';
comment on column core.leg.street is 'Its name, or what it is where it has none.';
comment on column core.leg.starts_m is 'Metres from the start of the route to the start of the leg.';
comment on column core.leg.risk is 'Risk at the hour of the walk, 0 to 1; the mean of the city where unknown.';
comment on column core.leg.is_known is 'Whether a source reports here.';
comment on column core.leg.geom is 'The line in walking direction, EPSG:4326.';
comment on type core.route is 'One way to walk, best for each of its aversions.';
comment on column core.route.aversions is 'Whom it is best for: least sum of length * (1 + aversion * risk), ascending.';
comment on column core.route.known_m is 'Metres of it where a source reports.';
comment on column core.route.exposure_m is 'Sum of length * risk: as many metres of the highest risk.';

-- source: sql/partitions/add_city_regions.sql sha256:e811b64e9d2810a09925822fa20e6a433b314e2ac5986b7004843bed4dc5ea3b
create or replace function core.add_city_regions(p_city_id integer) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_set record;
    v_moved bigint := 0;
begin
    select * into strict v_city from core.cities where city_id = p_city_id;
    insert into core.regions (prefix, label)
    select u.prefix, v_city.name
    from unnest(core.geohash_cover(v_city.walkable_bounds, 4)) as u (prefix)
    where not exists (
        select from core.regions as r
        where starts_with(r.prefix, u.prefix) or starts_with(u.prefix, r.prefix)
    );
    for v_set in
        select p.period, p.lower_bound, p.upper_bound, s.parent
        from core.partition_sets as s, core.periods(s.parent) as p
    loop
        v_moved := v_moved + coalesce((
            select sum(core.add_leaf(v_set.period, u.prefix))
            from unnest(core.regions_with_data(v_set.parent, v_set.lower_bound, v_set.upper_bound)) as u (prefix)
        ), 0);
    end loop;
    return v_moved;
end
$$;

comment on function core.add_city_regions(integer) is
'Add the geohash-4 cover of a city''s walkable bounds to core.regions, and a leaf to each period that has rows there; the number of rows moved out of default leaves.';
revoke all on function core.add_city_regions(integer) from public;

-- source: sql/partitions/add_leaf.sql sha256:a7c48a5b38345173aac1cb0d19188d151b9a9eccf838559ca47871a5412c2809
create or replace function core.add_leaf(p_period regclass, p_prefix text) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
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
        -- The whole set and not only the leaf: an insert that has looked up its leaf before the attach would fail
        -- the default leaf's new constraint after it.
        execute format('lock table %s in share row exclusive mode', pg_partition_root(p_period));
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
'Give a period a leaf for the cells that begin with p_prefix, and move their rows out of its default leaf; the number of rows moved. Changes nothing where a leaf already holds them. Writers of the set and readers of the default leaf wait while rows move.';
revoke all on function core.add_leaf(regclass, text) from public;

-- source: sql/partitions/ensure_partitions.sql sha256:3cb9ed74a07b6a7e4930d5d038aee96629799538198e0859c546e63ddc6300e0
create or replace function core.ensure_partitions() returns integer
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_set record;
    v_step interval;
    v_now timestamptz;
    v_at timestamptz;
    v_prefixes text [];
    v_made integer := 0;
begin
    for v_set in
        select
            s.parent, s.unit, s.keep_behind,
            coalesce(c.premake, case s.unit when 'day' then 7 else 2 end) as premake
        from core.partition_sets as s
        left join partman.part_config as c on c.parent_table::regclass = s.parent
    loop
        v_step := ('1 ' || v_set.unit)::interval;
        v_now := date_trunc(v_set.unit, now());
        v_prefixes := null;
        for v_at in
            select g from generate_series(v_now - v_set.keep_behind * v_step, v_now + v_set.premake * v_step, v_step) as g
            where not exists (select from core.periods(v_set.parent) as p where p.lower_bound = g)
        loop
            -- A new period gets leaves only for regions that are in use: regions x periods grows fast.
            v_prefixes := coalesce(v_prefixes, core.regions_with_data(v_set.parent, v_now - 7 * v_step, v_now + v_step));
            perform core.make_period(v_set.parent, v_at, v_prefixes);
            v_made := v_made + 1;
        end loop;
    end loop;
    return v_made;
end
$$;

comment on function core.ensure_partitions() is
'Make the missing periods of every partition set, from keep_behind before now to part_config.premake ahead; how many were made. Run it at least daily.';
revoke all on function core.ensure_partitions() from public;

-- source: sql/partitions/leaves.sql sha256:373c4478b3441dd96a40772448d6d8b60f3802b097879df5e684901b7c7e247c
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

-- source: sql/partitions/make_period.sql sha256:8f09ddf88e2951f9e55b1572f3ebbf7f029f8cef8def4dd1d006e5b05b0fa13b
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
    v_schema text;
    v_base text;
    v_name text;
    v_period regclass;
begin
    select s.unit into strict v_unit from core.partition_sets as s where s.parent = p_parent;
    v_lower := date_trunc(v_unit, p_at);
    perform pg_advisory_xact_lock(p_parent::oid::integer, 0);
    select p.period into v_period from core.periods(p_parent) as p where p.lower_bound = v_lower;

    if v_period is null then
        select n.nspname, c.relname into v_schema, v_base
        from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.oid = p_parent;
        v_name := v_base || core.period_suffix(v_unit, v_lower);
        -- Complete before it is attached: an insert never meets a period without a default leaf.
        execute format(
            'create table %1$I.%2$I (like %1$I.%3$I including defaults including constraints including storage) partition by range (cell)',
            v_schema, v_name, v_base
        );
        execute format('create table %1$I.%2$I partition of %1$I.%3$I default', v_schema, v_name || '_default', v_name);
        v_period := format('%I.%I', v_schema, v_name)::regclass;
        perform core.add_leaf(v_period, u.prefix) from unnest(p_prefixes) as u (prefix);
        execute format(
            'alter table %s attach partition %s for values from (%L) to (%L)',
            p_parent, v_period, v_lower, v_lower + ('1 ' || v_unit)::interval
        );
    else
        perform core.add_leaf(v_period, u.prefix) from unnest(p_prefixes) as u (prefix);
    end if;
    return v_period;
end
$$;

comment on function core.make_period(regclass, timestamptz, text[]) is
'The period of a partition set that holds p_at, made under pg_partman''s name where it is missing, with a default leaf and a leaf for each prefix.';
revoke all on function core.make_period(regclass, timestamptz, text[]) from public;

-- source: sql/partitions/period_suffix.sql sha256:cea03bcaa3ee6c06e7c78eda4f57d617630c0effbba49e734736b72bb18f374c
create or replace function core.period_suffix(p_unit text, p_lower timestamptz) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
select '_p' || to_char(p_lower, case
    when split_part(e.extversion, '.', 1)::integer >= 5 then 'YYYYMMDD'
    when p_unit = 'day' then 'YYYY_MM_DD'
    else 'YYYY_MM'
end)
from pg_catalog.pg_extension as e
where e.extname = 'pg_partman'
$$;

comment on function core.period_suffix(text, timestamptz) is
'What the installed pg_partman (4.7 or 5.x) appends to the parent''s name for the period of this length that begins at p_lower.';
revoke all on function core.period_suffix(text, timestamptz) from public;

-- source: sql/partitions/periods.sql sha256:abcf8948c43cd18c2e5b93f3918bc01e67472c51921248f9d25bdd479d04a5e5
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

-- source: sql/partitions/regions_with_data.sql sha256:79fd30b289e26046e2c8bb3707a7f0b8d8cbb2bd8cfdc3485251dcbd0e04b2ab
create or replace function core.regions_with_data(p_parent regclass, p_since timestamptz, p_until timestamptz)
returns text[]
language plpgsql stable strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_control text;
    v_region core.regions;
    v_found boolean;
    v_prefixes text [] := '{}';
begin
    select s.control into strict v_control from core.partition_sets as s where s.parent = p_parent;
    for v_region in select * from core.regions order by prefix loop
        execute format(
            'select exists (select from %s where %2$I >= $1 and %2$I < $2 and cell >= $3 and cell < $4)',
            p_parent, v_control
        ) into v_found using p_since, p_until, v_region.prefix, v_region.prefix || '~';
        if v_found then
            v_prefixes := v_prefixes || v_region.prefix;
        end if;
    end loop;
    return v_prefixes;
end
$$;

comment on function core.regions_with_data(regclass, timestamptz, timestamptz) is
'The prefixes of core.regions that have rows of a partition set in [p_since, p_until).';
revoke all on function core.regions_with_data(regclass, timestamptz, timestamptz) from public;

-- source: sql/partitions/register_partitions.sql sha256:0aba9e54176e9daae9385f3348e65ffabcfc3878049345abace1614fed0a388b
create or replace function core.register_partitions(p_parent regclass) returns boolean
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
set client_min_messages = 'error'
as $$
declare
    v_set core.partition_sets;
    v_name text;
    v_is_version_5 boolean;
    v_arguments text;
    v_interval text;
begin
    select * into strict v_set from core.partition_sets where parent = p_parent;
    select format('%s.%s', n.nspname, c.relname) into v_name
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    if exists (select from partman.part_config where parent_table = v_name) then
        return false;
    end if;
    select split_part(extversion, '.', 1)::integer >= 5 into strict v_is_version_5
    from pg_catalog.pg_extension where extname = 'pg_partman';

    if v_is_version_5 then
        v_arguments := 'p_type := ''range'', p_interval := $3, p_premake := $4, p_default_table := false';
        v_interval := '1 ' || v_set.unit;
    else
        v_arguments := 'p_type := ''native'', p_interval := $3, p_premake := $4';
        v_interval := case v_set.unit when 'day' then 'daily' else 'monthly' end;
    end if;
    execute format('select partman.create_parent(p_parent_table := $1, p_control := $2, %s)', v_arguments)
    using v_name, v_set.control, v_interval, case v_set.unit when 'day' then 7 else 2 end;
    -- keep_table always true: a hand-run maintenance then detaches, and never drops rows without an archive.
    update partman.part_config set
        infinite_time_partitions = true,
        automatic_maintenance = 'off',
        retention_keep_table = true,
        retention = case v_set.unit when 'day' then '30 days' end
    where parent_table = v_name;
    return true;
end
$$;

comment on function core.register_partitions(regclass) is
'Register a partition set with pg_partman 4.7 or 5.x, after core.ensure_partitions has made its periods; false where it already is.';
revoke all on function core.register_partitions(regclass) from public;

-- source: sql/functions/api/crimes_near.sql sha256:30535e83f5823b112b6dbf7da08d88417fb3a693348ade9c0619ccb43885a8fa
create or replace function api.crimes_near(
    lon float8,
    lat float8,
    radius_m float8 default 250,
    since timestamptz default null,
    until timestamptz default null
) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.crimes_near(
    core.position(crimes_near.lon, crimes_near.lat), crimes_near.radius_m, crimes_near.since, crimes_near.until)
$$;

comment on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) is
'Reported crimes within radius_m (at most 5,000) of a position, nearest first, at most 1,000: GeoJSON. Without since and until, those of the last 12 months that the city''s data covers. is_covered false: no source reports there, so none found means nothing.';
alter function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) owner to saferoute_api;
revoke all on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) from public;
grant execute on function api.crimes_near(float8, float8, float8, timestamptz, timestamptz) to web_anon, authenticated;

-- source: sql/functions/api/end_journey.sql sha256:e8081576c51611b8feb231b24cc2a192b299959c98c0638eeff74c00f81ccda7
create or replace function api.end_journey(journey_id uuid, ended_at timestamptz default null) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.end_journey(core.require_user(), journey_id, ended_at)
$$;

comment on function api.end_journey(uuid, timestamptz) is
'End a journey, now where ended_at is not given. A journey that has ended keeps its first end.';
alter function api.end_journey(uuid, timestamptz) owner to saferoute_api;
revoke all on function api.end_journey(uuid, timestamptz) from public;
grant execute on function api.end_journey(uuid, timestamptz) to authenticated;

-- source: sql/functions/api/journey_track.sql sha256:a558d72e08bbd0239ea702a257774f6617e31cdd368371c44b69d0a39ea91e14
create or replace function api.journey_track(journey_id uuid) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.journey_track(core.require_user(), journey_id)
$$;

comment on function api.journey_track(uuid) is
'The walked line of a journey as a GeoJSON Feature with measured length and times.';
alter function api.journey_track(uuid) owner to saferoute_api;
revoke all on function api.journey_track(uuid) from public;
grant execute on function api.journey_track(uuid) to authenticated;

-- source: sql/functions/api/my_journeys.sql sha256:c9d56559113c4e3f2e2c2289ef7c2b5b321d759e3e70886356a7d646c1d5d256
create or replace function api.my_journeys(before timestamptz default null, "limit" integer default 20) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.my_journeys(core.require_user(), before, "limit")
$$;

comment on function api.my_journeys(timestamptz, integer) is
'The caller''s journeys, newest first, at most 100. For the next page send the last started_at as before; journeys that started together stay on one page.';
alter function api.my_journeys(timestamptz, integer) owner to saferoute_api;
revoke all on function api.my_journeys(timestamptz, integer) from public;
grant execute on function api.my_journeys(timestamptz, integer) to authenticated;

-- source: sql/functions/api/record_points.sql sha256:100f4f433418abb4db981f467b329b3ee5249f2bdc11b361aaf48515fac4e5ae
create or replace function api.record_points(journey_id uuid, points json) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.record_points(core.require_user(), journey_id, points)
$$;

comment on function api.record_points(uuid, json) is
'Store up to 5,000 positions of a journey: objects with recorded_at, lon, lat and, if known, speed_mps, accuracy_m, battery_pct. Answers accepted, duplicates, and quarantined with index and reason.';
alter function api.record_points(uuid, json) owner to saferoute_api;
revoke all on function api.record_points(uuid, json) from public;
grant execute on function api.record_points(uuid, json) to authenticated;

-- source: sql/functions/api/risk_at.sql sha256:48326fa796717f68c7324b154133669fe2bb2256e55b15e2a6040a4a1a864eb8
create or replace function api.risk_at(lon float8, lat float8, at timestamptz default now()) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.risk_at(core.position(risk_at.lon, risk_at.lat), risk_at.at)
$$;

comment on function api.risk_at(float8, float8, timestamptz) is
'Risk (0 to 1) of the street nearest to a position at a time; null, with is_known false, where no source reports.';
alter function api.risk_at(float8, float8, timestamptz) owner to saferoute_api;
revoke all on function api.risk_at(float8, float8, timestamptz) from public;
grant execute on function api.risk_at(float8, float8, timestamptz) to web_anon, authenticated;

-- source: sql/functions/api/route_safety.sql sha256:9d6de23388db7be60a5bec824b3778a1e55bff041c98551e136a65cf2191f941
create or replace function api.route_safety(route text, at timestamptz default now()) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.route_safety(route_safety.route, route_safety.at)
$$;

alter function api.route_safety(text, timestamptz) owner to saferoute_api;
comment on function api.route_safety(text, timestamptz) is
'How safe a given walk is at a time. `route` is a GeoJSON LineString, a Feature of one, or an encoded polyline of precision 5 or 6 (told apart by where it lies). Answers score (100 * (1 - risk), higher is safer, null where no source covers any of it), risk (0 to 1), covered_share and segments of 100 m.';
revoke all on function api.route_safety(text, timestamptz) from public;
grant execute on function api.route_safety(text, timestamptz) to web_anon, authenticated;

-- source: sql/functions/api/safe_routes.sql sha256:e5eeca9945b787046f6f70054b2bde1b3af646615eee5ec9b088277a2f844c40
create or replace function api.safe_routes(
    from_lon float8,
    from_lat float8,
    to_lon float8,
    to_lat float8,
    depart_at timestamptz default now(),
    aversions float8[] default '{0,3,12}'
) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.safe_routes(
    core.position(safe_routes.from_lon, safe_routes.from_lat),
    core.position(safe_routes.to_lon, safe_routes.to_lat),
    safe_routes.depart_at, safe_routes.aversions)
$$;

alter function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) owner to saferoute_api;
comment on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) is
'The walk from one position to another that is best for each aversion: GeoJSON. Cost of a stretch is length * (1 + aversion * risk at depart_at); aversions 0 / 3 / 12 give shortest / balanced / safest. Each feature says length_m, duration_s, exposure (metres weighed with their risk), risk (0 to 1), the differences to the shortest, and covered_share: below 0.8 no walk is called safest.';
revoke all on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[]) from public;
grant execute on function api.safe_routes(float8, float8, float8, float8, timestamptz, float8[])
to web_anon, authenticated;

-- source: sql/functions/api/start_journey.sql sha256:99a067e853df1cfa18cbe279fa59a638a4f8d9353285176f9bfef803ee97b480
create or replace function api.start_journey(
    journey_id uuid,
    from_lon float8,
    from_lat float8,
    to_lon float8 default null,
    to_lat float8 default null,
    started_at timestamptz default null
) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.start_journey(core.require_user(), journey_id, from_lon, from_lat, to_lon, to_lat, started_at)
$$;

comment on function api.start_journey(uuid, float8, float8, float8, float8, timestamptz) is
'Begin a journey under an id the client makes (UUIDv7). started_at is now where it is not given. The same call again returns the first result.';
alter function api.start_journey(uuid, float8, float8, float8, float8, timestamptz) owner to saferoute_api;
revoke all on function api.start_journey(uuid, float8, float8, float8, float8, timestamptz) from public;
grant execute on function api.start_journey(uuid, float8, float8, float8, float8, timestamptz) to authenticated;

-- source: sql/functions/common/call.sql sha256:9d0c3d08c356c72490491b719e1b9bb492a8b9cff6ccbe63fc2865833103eba2
create or replace function core.call(
    p_role text,
    p_read_only boolean,
    p_claims text,
    p_method text,
    p_path text,
    p_headers text,
    p_statement text,
    p_arguments json
) returns text
language plpgsql volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
    v_answer text;
begin
    perform
        set_config('request.jwt.claims', p_claims, true),
        set_config('request.method', p_method, true),
        set_config('request.path', p_path, true),
        set_config('request.headers', p_headers, true),
        set_config('transaction_read_only', p_read_only::text, true),
        set_config('role', p_role, true);
    -- A statement of its own: in the one that sets the role, rights would be checked as the authenticator's.
    execute p_statement into v_answer using p_arguments;
    return v_answer;
end
$$;

comment on function core.call(text, boolean, text, text, text, text, text, json) is
'One request of the API in one statement: become p_role, say who calls and how, run p_statement (text the API built from pg_proc, $1 = p_arguments) and return its one value. All it sets ends with the transaction. SECURITY INVOKER: a role cannot be switched inside a definer function.';
revoke all on function core.call(text, boolean, text, text, text, text, text, json) from public;
grant execute on function core.call(text, boolean, text, text, text, text, text, json) to authenticator;

-- source: sql/functions/common/check_time.sql sha256:87b7c6d78ddbbc1985afe8360e96cde3a36d44814071e24e187c5f17e76bf0a5
create or replace function core.check_time(p_at timestamptz) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not coalesce(p_at >= '2000-01-01 00:00+00' and p_at < '2100-01-01 00:00+00', false) then
        perform core.fail('SR015', p_at::text);
    end if;
end
$$;

comment on function core.check_time(timestamptz) is 'SR015 unless the time lies in the years 2000 to 2099 (UTC).';
revoke all on function core.check_time(timestamptz) from public;
grant execute on function core.check_time(timestamptz) to saferoute_api;

-- source: sql/functions/common/city_at.sql sha256:23ccd4ded3b276bda4a1655fb1552c2dd14f506299b9acfe15b7acef5434f50d
create or replace function core.city_at(p_position geometry) returns core.cities
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
begin
    -- The smallest city wins where two overlap.
    select c.* into v_city
    from core.cities as c
    where c.walkable_bounds && p_position
    order by st_area(c.walkable_bounds), c.city_id
    limit 1;
    if not found then
        perform core.fail('SR014', st_astext(p_position));
    end if;
    return v_city;
end
$$;

comment on function core.city_at(geometry) is
'The imported city whose walkable bounds hold the point (EPSG:4326), the smallest where several do; SR014 where none does.';
revoke all on function core.city_at(geometry) from public;
grant execute on function core.city_at(geometry) to saferoute_api;

-- source: sql/functions/common/current_user_id.sql sha256:8955d02c85fc789bf012718d39f9bcbda84be8d1f8fa0075573f37d47c178192
create or replace function core.current_user_id() returns uuid
language sql stable parallel safe security invoker
as $$
select nullif(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub', '')::uuid
$$;

comment on function core.current_user_id() is
'The person who calls: the `sub` claim of the verified token, null for an anonymous caller. Inlined, so it has no search_path of its own.';
revoke all on function core.current_user_id() from public;
grant execute on function core.current_user_id() to saferoute_api;

-- source: sql/functions/common/decode_polyline.sql sha256:7d4c4d45f47adf19a916a7d7f549c0fc8b93a7079268528ae0e41f805163a772
create or replace function core.decode_polyline(p_encoded text, p_precision integer default 5) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- ST_LineFromEncodedPolyline drops repeated points and reads past the end of a text that was cut short.
    if p_precision not in (5, 6) or p_encoded !~ '^(?:[_-~]{0,6}[?-^][_-~]{0,6}[?-^])*$' then
        perform core.fail('SR016', format('not an encoded polyline of precision %s', p_precision));
    end if;
    with numbers as (
        select
            m.nth,
            (select sum(((ascii(c.letter) - 63) & 31)::bigint << 5 * (c.place - 1)::integer)::bigint
             from string_to_table(m.letters[1], null) with ordinality as c (letter, place)) as zigzag
        from regexp_matches(p_encoded, '[_-~]*[?-^]', 'g') with ordinality as m (letters, nth)
    ),

    sums as (
        select
            (n.nth - 1) / 2 as point,
            n.nth % 2 as is_lat,
            sum(case when n.zigzag & 1 = 1 then ~(n.zigzag >> 1) else n.zigzag >> 1 end)
                over (partition by n.nth % 2 order by n.nth) as total
        from numbers as n
    ),

    positions as (
        select
            s.point,
            (max(s.total) filter (where s.is_lat = 0) / 10.0 ^ p_precision)::float8 as lon,
            (max(s.total) filter (where s.is_lat = 1) / 10.0 ^ p_precision)::float8 as lat
        from sums as s
        group by s.point
    )

    select st_makeline(core.position(p.lon, p.lat) order by p.point) into v_line from positions as p;
    return coalesce(v_line, st_geomfromtext('linestring empty', 4326));
end
$$;

comment on function core.decode_polyline(text, integer) is
'The line (EPSG:4326) of an encoded polyline of 5 or 6 decimals, repeated points kept; SR016 where the text is none, SR010 where it leaves the Earth.';
revoke all on function core.decode_polyline(text, integer) from public;
grant execute on function core.decode_polyline(text, integer) to saferoute_api;

-- source: sql/functions/common/encode_polyline.sql sha256:e6f3804889fbfd5a2727ad7649072a3e478c95d76fe6c842fbb3e02c647e691d
create or replace function core.encode_polyline(p_line geometry, p_precision integer default 5) returns text
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if st_geometrytype(p_line) <> 'ST_LineString' or p_precision not in (5, 6) then
        perform core.fail('SR016', format('%s at precision %s', st_geometrytype(p_line), p_precision));
    end if;
    return st_asencodedpolyline(p_line, p_precision);
end
$$;

comment on function core.encode_polyline(geometry, integer) is
'A line (EPSG:4326) as an encoded polyline of 5 or 6 decimals.';
revoke all on function core.encode_polyline(geometry, integer) from public;
grant execute on function core.encode_polyline(geometry, integer) to saferoute_api;

-- source: sql/functions/common/expand_metres.sql sha256:547740467e642fc928c80d7bc009e08edcfa01f3850dc7b32e2d0f09b445028a
create or replace function core.expand_metres(p_geom geometry, p_metres float8) returns geometry
language sql immutable strict parallel safe security invoker
as $$
select public.st_expand(
    p_geom,
    p_metres / (111000 * greatest(0.01, cos(radians(least(
        89, greatest(abs(public.st_ymin(p_geom)), abs(public.st_ymax(p_geom))) + p_metres / 111000))))),
    p_metres / 110500)
$$;

comment on function core.expand_metres(geometry, float8) is
'The box of p_geom (EPSG:4326) grown by p_metres on each side: holds the geodesic buffer, away from the poles. Inlined, so it has no search_path of its own.';
revoke all on function core.expand_metres(geometry, float8) from public;
grant execute on function core.expand_metres(geometry, float8) to saferoute_api;

-- source: sql/functions/common/fail.sql sha256:7d818283d8cb22b81c19d9d53f0713de8a23e98adf2397e25b5a4a759c1cf6ee
create or replace function core.fail(p_code text, p_detail text default null) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_error core.error_codes;
begin
    select * into strict v_error from core.error_codes where code = p_code;
    raise exception using
        errcode = v_error.code,
        message = v_error.message,
        detail = coalesce(p_detail, ''),
        hint = coalesce(v_error.hint, '');
end
$$;

comment on function core.fail(text, text) is
'Raise one of our own errors: SQLSTATE p_code, message and hint from core.error_codes, detail from the caller.';
revoke all on function core.fail(text, text) from public;
grant execute on function core.fail(text, text) to saferoute_api;

-- source: sql/functions/common/geohash.sql sha256:6ff7a4c45c1e94f954ec0a60878543f364425ab16b6906b7fce2b1bf223e4915
create or replace function core.geohash(p_lon float8, p_lat float8, p_length integer default 5) returns text
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_length not between 1 and 12 then
        perform core.fail('SR018', format('a geohash has 1 to 12 characters, not %s', p_length));
    end if;
    return st_geohash(core.position(p_lon, p_lat), p_length);
end
$$;

comment on function core.geohash(float8, float8, integer) is
'The geohash cell of p_length characters that holds the position (degrees); SR010 where it is off the Earth. Set-based code whose positions are checked calls ST_GeoHash itself.';
revoke all on function core.geohash(float8, float8, integer) from public;
grant execute on function core.geohash(float8, float8, integer) to saferoute_api;

-- source: sql/functions/common/geohash_box.sql sha256:228363a4e3a6aeee2edf6fedb8dc3d0f63155fa32a8eff7dda9a244a950c160f
create or replace function core.geohash_box(p_hash text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_hash !~ '^[0-9b-hjkmnp-z]{1,12}$' then
        perform core.fail('SR018', format('%L is not a geohash: 1 to 12 of 0-9 and b-z without i, l, o', left(p_hash, 40)));
    end if;
    return st_setsrid(st_geomfromgeohash(p_hash), 4326);
end
$$;

comment on function core.geohash_box(text) is
'The cell of a geohash as a box (polygon, EPSG:4326); its southern and western sides belong to it.';
revoke all on function core.geohash_box(text) from public;
grant execute on function core.geohash_box(text) to saferoute_api;

-- source: sql/functions/common/geohash_cover.sql sha256:75560c42adad3fe380c314e4bd82a0ba6bf34e32df8cada97fb4ea1e496a2746
create or replace function core.geohash_cover(
    p_geom geometry, p_precision integer default 5, p_max_cells integer default 256
) returns text[]
language plpgsql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_width float8 := 360.0 / 2 ^ ((p_precision * 5 + 1) / 2);
    v_height float8 := 180.0 / 2 ^ (p_precision * 5 / 2);
    v_columns integer := (2 ^ ((p_precision * 5 + 1) / 2))::integer;
    v_rows integer := (2 ^ (p_precision * 5 / 2))::integer;
    v_west integer := greatest(0, least(v_columns - 1, floor((st_xmin(p_geom) + 180) / v_width)::integer));
    v_east integer := greatest(0, least(v_columns - 1, floor((st_xmax(p_geom) + 180) / v_width)::integer));
    v_south integer := greatest(0, least(v_rows - 1, floor((st_ymin(p_geom) + 90) / v_height)::integer));
    v_north integer := greatest(0, least(v_rows - 1, floor((st_ymax(p_geom) + 90) / v_height)::integer));
begin
    if (v_east - v_west + 1)::bigint * (v_north - v_south + 1) > p_max_cells then
        return null;
    end if;
    return (
        select array_agg(c.cell order by c.cell collate "C")
        from generate_series(v_west, v_east) as i
        cross join generate_series(v_south, v_north) as j
        cross join lateral st_geohash(
            st_setsrid(st_makepoint(-180 + (i + 0.5) * v_width, -90 + (j + 0.5) * v_height), 4326), p_precision
        ) as c (cell)
        where (v_west = v_east and v_south = v_north)
            or st_intersects(p_geom, st_makeenvelope(
                -180 + i * v_width, -90 + j * v_height,
                -180 + (i + 1) * v_width, -90 + (j + 1) * v_height, 4326))
    );
end
$$;

comment on function core.geohash_cover(geometry, integer, integer) is
'The geohash cells of p_precision characters that touch p_geom (EPSG:4326), sorted; null where its box spans more than p_max_cells, and the caller then searches without pruning by cell.';
revoke all on function core.geohash_cover(geometry, integer, integer) from public;
grant execute on function core.geohash_cover(geometry, integer, integer) to saferoute_api;

-- source: sql/functions/common/geohash_neighbours.sql sha256:35902488ea6511561efcc4ad171a8a17b426b9535ec42aaa67b0e6b2639f592e
create or replace function core.geohash_neighbours(p_hash text) returns text[]
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_box geometry := core.geohash_box(p_hash);
    v_centre geometry := st_centroid(v_box);
    v_width float8 := st_xmax(v_box) - st_xmin(v_box);
    v_height float8 := st_ymax(v_box) - st_ymin(v_box);
begin
    return (
        select array_agg(
            case
                when abs(c.lat) < 90
                    then core.geohash(c.lon - 360 * floor((c.lon + 180) / 360), c.lat, length(p_hash))
            end
            order by d.nth
        )
        from unnest('{0,1,1,1,0,-1,-1,-1}'::integer[], '{1,1,0,-1,-1,-1,0,1}'::integer[])
        with ordinality as d (east, north, nth)
        cross join lateral (
            select st_x(v_centre) + d.east * v_width as lon, st_y(v_centre) + d.north * v_height as lat
        ) as c
    );
end
$$;

comment on function core.geohash_neighbours(text) is
'The eight cells around a geohash: n, ne, e, se, s, sw, w, nw. East and west go on over the date line; null beyond a pole.';
revoke all on function core.geohash_neighbours(text) from public;
grant execute on function core.geohash_neighbours(text) to saferoute_api;

-- source: sql/functions/common/position.sql sha256:025ec00e1be653ea2c8c2a62d0f86006421345ce24934f290e8f1d9c49867c64
create or replace function core.position(p_lon float8, p_lat float8) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    -- NaN sorts above every number, so the range test refuses it too.
    if not coalesce(p_lon between -180 and 180 and p_lat between -90 and 90, false) then
        perform core.fail('SR010', format('lon %s, lat %s', p_lon, p_lat));
    end if;
    return st_setsrid(st_makepoint(p_lon, p_lat), 4326);
end
$$;

comment on function core.position(float8, float8) is
'The point (EPSG:4326) at this longitude and latitude in degrees; SR010 where they are null, NaN or off the Earth.';
revoke all on function core.position(float8, float8) from public;
grant execute on function core.position(float8, float8) to saferoute_api;

-- source: sql/functions/common/require_user.sql sha256:00d1bc45ff26ce650c649d61c13b9faff4f85e9467e5ac4f054324ea1653c421
create or replace function core.require_user() returns uuid
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_user_id uuid := core.current_user_id();
begin
    if v_user_id is null then
        perform core.fail('SR001');
    end if;
    return v_user_id;
end
$$;

comment on function core.require_user() is 'The person who calls; SR001 where nobody is signed in.';
revoke all on function core.require_user() from public;
grant execute on function core.require_user() to saferoute_api;

-- source: sql/functions/crime/begin_crime_import.sql sha256:d9088481e5fd70c5702f771f556ad53e8d019435edc37b34fe06ded7836acdf6
create or replace function core.begin_crime_import(p_city text) returns integer
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city_id integer;
begin
    select c.city_id into v_city_id from core.cities as c where c.name = p_city;
    if not found then
        raise exception using errcode = 'no_data_found', message = format(
            'there is no city %L; imported are: %s', p_city,
            coalesce((select string_agg(c.name, ', ' order by c.name) from core.cities as c), 'none')
        );
    end if;
    -- One import at a time, of maps too: the second then sees what the first has loaded.
    perform pg_advisory_xact_lock(hashtext('saferoute import'));
    return v_city_id;
end
$$;

comment on function core.begin_crime_import(text) is
'Wait for any other import to end, and hold others off until this transaction does; the id of the city of that name.';
revoke all on function core.begin_crime_import(text) from public;

-- source: sql/functions/crime/choose_date_order.sql sha256:814242d1f12b47d30e409ca991964b37d61b4ea2f8edf8ba47595101992c1407
create or replace function core.choose_date_order(p_column integer) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
begin
    perform set_config('datestyle', case
        when not exists (
            select from core.crime_staging as s where s.fields[p_column] ~ '^\s*\d{1,2}[-/.](1[3-9]|[23]\d)[-/.]\d{4}'
        ) and exists (
            select from core.crime_staging as s where s.fields[p_column] ~ '^\s*(1[3-9]|[23]\d)[-/.]\d{1,2}[-/.]\d{4}'
        ) then 'ISO, DMY'
        else 'ISO, MDY'
    end, true);
end
$$;

comment on function core.choose_date_order(integer) is
'Read dates such as 3/2/2017 with the day first, until the end of the calling function, where some date of the staged file has no other meaning; else with the month first.';
revoke all on function core.choose_date_order(integer) from public;

-- source: sql/functions/crime/coordinate.sql sha256:3ab5ea077f32462db44d26ce95615a5a8f02a3e725889a6500e1f867d09e12fd
create or replace function core.coordinate(p_text text) returns float8
language sql immutable parallel safe security invoker
-- Not strict: PostgreSQL inlines no strict function whose body is a CASE.
as $$
select case when p_text ~ '^[-+]?\d{1,9}(\.\d{0,20})?$' then p_text::float8 end
$$;

comment on function core.coordinate(text) is
'A coordinate as a file writes it; null where it is no decimal number. Inlined, so it has no search_path of its own.';
revoke all on function core.coordinate(text) from public;

-- source: sql/functions/crime/cover_crimes.sql sha256:e2ceadf96ba2cdd804f304f7d2c0f395f72e6cae83e307e41a83f3b401a7961a
create or replace function core.cover_crimes(p_city core.cities, p_given geometry, p_time_zone text) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    insert into core.crime_coverage as v (source, city_id, area, area_method, covered_period)
    select
        f.source,
        p_city.city_id,
        coalesce(p_given, core.reporting_area(f.source, p_city.utm_srid)),
        case when p_given is null then 'hull' else 'given' end,
        tstzrange(f.since at time zone p_time_zone, f.until at time zone p_time_zone)
    from (
        select
            c.source,
            -- One misdated row in a thousand does not stretch the period.
            percentile_disc(0.001) within group (order by date_trunc('day', c.published_at at time zone p_time_zone)) as since,
            max(date_trunc('day', c.published_at at time zone p_time_zone)
                + case c.time_precision when 'month' then interval '1 month' else interval '1 day' end) as until
        from core.crime_candidates as c
        where c.action in ('loaded', 'replaced', 'unchanged')
        group by c.source
    ) as f
    on conflict (source, city_id) do update set
        area = case
            when excluded.area_method = 'given' then excluded.area
            when v.area_method = 'given' then v.area
            else st_multi(st_union(v.area, excluded.area))
        end,
        area_method = least(v.area_method, excluded.area_method),
        covered_period = range_merge(v.covered_period, excluded.covered_period)
        -- A union moves its corners by rounding: an area that grows by less than 100 square metres stays as it is.
        where not v.covered_period @> excluded.covered_period
            or (excluded.area_method = 'given' and not st_orderingequals(v.area, excluded.area))
            or (v.area_method = 'hull' and st_area(st_difference(excluded.area, v.area)) > 1e-8);
end
$$;

comment on function core.cover_crimes(core.cities, geometry, text) is
'Record where and when the sources of the imported file report: the given area or the hull of their reporting areas, added to what earlier files covered. A given area stands until another is given.';
revoke all on function core.cover_crimes(core.cities, geometry, text) from public;

-- source: sql/functions/crime/coverage_area.sql sha256:31f00f1004ceea322cc5ffa12046c7764af25edf9a7f1de3e6cf0727cb402e45
create or replace function core.coverage_area(p_geojson json, p_city core.cities) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_area geometry;
begin
    select st_multi(st_collectionextract(st_makevalid(st_union(st_setsrid(st_geomfromgeojson(g.geometry), 4326))), 3)) into v_area
    from (
        select f -> 'geometry' as geometry from json_array_elements(p_geojson -> 'features') as f
        union all
        select coalesce(p_geojson -> 'geometry', p_geojson) where p_geojson -> 'features' is null
    ) as g
    where g.geometry ->> 'type' in ('Polygon', 'MultiPolygon');
    if v_area is null or st_isempty(v_area) then
        raise exception using errcode = 'invalid_parameter_value', message = 'the coverage holds no polygon';
    elsif not st_intersects(v_area, p_city.walkable_bounds) then
        raise exception using errcode = 'invalid_parameter_value', message = format('the coverage does not touch %s', p_city.name);
    end if;
    return v_area;
end
$$;

comment on function core.coverage_area(json, core.cities) is
'The polygons (EPSG:4326) of a GeoJSON geometry, Feature or FeatureCollection, as one valid multipolygon that touches the city.';
revoke all on function core.coverage_area(json, core.cities) from public;

-- source: sql/functions/crime/crime_import_summary.sql sha256:300144ad691c05d56f0d2c63b585b44d2c32e52d43a795f200718133b1ca18b9
create or replace function core.crime_import_summary(p_city core.cities) returns jsonb
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select jsonb_build_object(
    'read', count(*) filter (where c.action <> 'removed'),
    'loaded', count(*) filter (where c.action = 'loaded'),
    'replaced', count(*) filter (where c.action = 'replaced'),
    'unchanged', count(*) filter (where c.action = 'unchanged'),
    'removed', count(*) filter (where c.action = 'removed'),
    'rejected', (
        select coalesce(jsonb_object_agg(r.reason, r.rows), '{}')
        from (select x.reason, count(*) as rows from core.crime_candidates as x where x.action = 'rejected' group by x.reason) as r
    ),
    'outside_the_streets', count(*) filter (where not c.geom && (p_city).walkable_bounds and c.action <> 'rejected'),
    'unknown_categories', (
        select coalesce(jsonb_object_agg(u.published_category, u.rows), '{}')
        from (
            select x.published_category, count(*) as rows
            from core.crime_candidates as x
            where x.action in ('loaded', 'replaced', 'unchanged')
                and not exists (select from core.crime_category_names as n where n.published_name = lower(x.published_category))
            group by x.published_category
        ) as u
    ),
    'coverage', (
        select coalesce(jsonb_agg(jsonb_build_object(
            'source', v.source,
            'square_km', round((st_area(v.area::geography) / 1e6)::numeric, 1),
            'since', (lower(v.covered_period) at time zone (p_city).time_zone)::date,
            'until', ((upper(v.covered_period) - interval '1 second') at time zone (p_city).time_zone)::date
        ) order by v.source), '[]')
        from core.crime_coverage as v
        where v.city_id = (p_city).city_id
            and exists (select from core.crime_candidates as x where x.source = v.source and x.action <> 'rejected')
    )
)
from core.crime_candidates as c
$$;

comment on function core.crime_import_summary(core.cities) is
'What the import does with the file: rows by action, rejected rows by reason, rows outside the walkable bounds, unknown categories, and what each source now covers.';
revoke all on function core.crime_import_summary(core.cities) from public;

-- source: sql/functions/crime/crimes_near.sql sha256:a9b8f93abe3e62bfc37f2082542c01f5ce5ffcdd623a420036f4ba817989c068
create or replace function core.crimes_near(
    p_position geometry, p_radius_m float8, p_since timestamptz, p_until timestamptz
) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_most constant integer := 1000;
    v_city core.cities := core.city_at(p_position);
    v_period tstzrange := core.city_data_period(v_city.city_id);
    v_until timestamptz := least(p_until, upper(v_period));
    v_since timestamptz := greatest(coalesce(p_since, v_until - interval '12 months'), lower(v_period));
    v_box geometry;
    v_cells text[];
    v_features json[];
begin
    if not coalesce(p_radius_m > 0 and p_radius_m <= 5000, false) then
        perform core.fail('SR018', format('radius_m is more than 0 and at most 5,000, not %s', p_radius_m));
    elsif p_since > p_until then
        perform core.fail('SR018', 'since is after until');
    end if;
    v_box := core.expand_metres(p_position, p_radius_m);
    v_cells := core.geohash_cover(v_box);
    -- The box finds by the index; the distance on the spheroid alone would read every crime.
    v_features := array(
        select json_build_object(
            'type', 'Feature',
            'geometry', st_asgeojson(d.geom, 7)::json,
            'properties', json_build_object(
                'distance_m', round(st_distance(d.geom::geography, p_position::geography)::numeric, 1),
                'category', d.category,
                'offence_class', c.offence_class,
                'occurred_at', d.occurred_at,
                'time_precision', d.time_precision
            )
        )
        from core.crime_data as d
        inner join core.crime_categories as c on c.category = d.category
        where d.occurred_at >= v_since
            and d.occurred_at < v_until
            and d.cell = any(v_cells)
            and d.geom && v_box
            and st_dwithin(d.geom::geography, p_position::geography, p_radius_m)
        order by st_distance(d.geom::geography, p_position::geography), d.occurred_at desc, d.source, d.source_id
        limit v_most + 1
    );
    return json_build_object(
        'type', 'FeatureCollection',
        'city', v_city.name,
        'radius_m', p_radius_m,
        'since', v_since,
        'until', v_until,
        'data_from', lower(v_period),
        'data_until', upper(v_period),
        'is_covered', core.is_covered(v_city.city_id, p_position),
        'is_complete', cardinality(v_features) <= v_most,
        'features', coalesce(array_to_json(v_features[:v_most]), '[]')
    );
end
$$;

comment on function core.crimes_near(geometry, float8, timestamptz, timestamptz) is
'The reported crimes within p_radius_m of a position (EPSG:4326) in [p_since, p_until), nearest first, at most 1,000, as GeoJSON. Where the bounds are null, the last 12 months the city''s data covers: never counted from the wall clock.';
revoke all on function core.crimes_near(geometry, float8, timestamptz, timestamptz) from public;
grant execute on function core.crimes_near(geometry, float8, timestamptz, timestamptz) to saferoute_api;

-- source: sql/functions/crime/import_crimes.sql sha256:27d706759c645e67e57d075dc31a34e1ea4c42d07cc6a853ddab98d3de873572
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
    v_time_zone text;
    v_summary jsonb;
begin
    select c.* into strict v_city from core.cities as c where c.city_id = p_city_id;
    v_time_zone := coalesce(p_time_zone, v_city.time_zone);
    if not exists (select from public.spatial_ref_sys as s where s.srid = p_srid) then
        raise exception using errcode = 'invalid_parameter_value', message = format('EPSG:%s is not known', p_srid);
    elsif not exists (select from pg_catalog.pg_timezone_names as z where z.name = v_time_zone) then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s is not a time zone', v_time_zone);
    end if;

    analyze core.crime_staging;
    perform core.read_crimes(v_city, p_publisher, p_header, p_columns, p_srid, v_time_zone);
    analyze core.crime_candidates;
    perform core.match_crimes(v_city, v_time_zone);
    perform core.write_crimes();
    perform core.cover_crimes(v_city, core.coverage_area(p_coverage, v_city), v_time_zone);
    perform core.record_crime_loads(v_city, p_file_name, p_file_digest, p_header);
    v_summary := core.crime_import_summary(v_city);
    delete from core.crime_candidates;
    delete from core.crime_staging;
    return v_summary;
end
$$;

comment on function core.import_crimes(integer, text, text[], jsonb, integer, text, text, text, json) is
'Load the crime file in core.crime_staging; the summary. p_columns gives the position (from 1) of id, time, reported, lon, lat, category, area and force in the header. Naive times are in p_time_zone, by default the city''s.';
revoke all on function core.import_crimes(integer, text, text[], jsonb, integer, text, text, text, json) from public;

-- source: sql/functions/crime/is_covered.sql sha256:b4ff51727d504cd2507d5024f1a708ab59ffb43c40cb9eb56e038e4c1eea8e64
create or replace function core.is_covered(p_city_id integer, p_position geometry) returns boolean
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select exists (
    select from core.crime_coverage as c
    where c.city_id = p_city_id and not isempty(c.covered_period) and st_intersects(c.area, p_position)
)
$$;

comment on function core.is_covered(integer, geometry) is
'Whether any source of the city''s crimes reports on the position (EPSG:4326). Where none does, no crime means nothing is known.';
revoke all on function core.is_covered(integer, geometry) from public;
grant execute on function core.is_covered(integer, geometry) to saferoute_api;

-- source: sql/functions/crime/local_time.sql sha256:6b3631304c9657b1a8b79fa3eba2e707cf27328256d4f707413c9f4b30b8e31e
create or replace function core.local_time(p_text text, p_time_zone text) returns timestamptz
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_text ~ '^\d{4}-\d{2}$' then
        return (p_text || '-01')::timestamp at time zone p_time_zone;
    elsif p_text !~ '^\d' then
        return null; -- PostgreSQL would also read words such as "now" and "infinity"
    elsif p_text ~* ':\d\d(\.\d+)?\s*([-+]\d\d(:?\d\d)?|z|utc|gmt)$' then
        return p_text::timestamptz;
    end if;
    return p_text::timestamp at time zone p_time_zone;
exception
    when invalid_datetime_format or datetime_field_overflow or invalid_time_zone_displacement_value then
        return null;
end
$$;

comment on function core.local_time(text, text) is
'The moment that a file means: in its own zone where it states one, else in p_time_zone; the first moment of a day or a month; null where it cannot be read.';
revoke all on function core.local_time(text, text) from public;

-- source: sql/functions/crime/lon_lat.sql sha256:1e3adcbccf33b1cc50f978143ce360ef779f4d5dd2cec11d6e9680052c74c3a8
create or replace function core.lon_lat(p_x float8, p_y float8, p_srid integer) returns geometry
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_position geometry := st_setsrid(st_makepoint(p_x, p_y), p_srid);
begin
    if p_srid <> 4326 then
        v_position := st_transform(v_position, 4326);
    end if;
    -- NaN sorts above every number, so the range test refuses it too.
    if st_x(v_position) between -180 and 180 and st_y(v_position) between -90 and 90 then
        return v_position;
    end if;
    return null;
exception
    when internal_error then -- how PostGIS reports a point that its projection cannot hold
        return null;
end
$$;

comment on function core.lon_lat(float8, float8, integer) is
'The point (EPSG:4326) at these coordinates of EPSG p_srid, in its own units; null where that is not on Earth.';
revoke all on function core.lon_lat(float8, float8, integer) from public;

-- source: sql/functions/crime/make_crime_periods.sql sha256:7d8c06a791dde99b59585cb8130667e77181e2ed4666f413ce02f6011f1bf4da
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
    );
end
$$;

comment on function core.make_crime_periods() is
'Make the months and regions that the rows to be written need, however old; how many months those are.';
revoke all on function core.make_crime_periods() from public;

-- source: sql/functions/crime/match_crimes.sql sha256:a01f02366e6b85dec7da3d54193172bec355de7619b3fdcecc1f8db6c5af4b8c
create or replace function core.match_crimes(p_city core.cities, p_time_zone text) returns void
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
            array_agg(distinct date_trunc('month', c.published_at, p_time_zone)) as months,
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
        where date_trunc('month', k.published_at, p_time_zone) = any(v.months)
            and not exists (
                select from core.crime_candidates as c
                where c.source = k.source and c.source_id = k.source_id and c.action <> 'rejected'
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

comment on function core.match_crimes(core.cities, text) is
'Compare core.crime_candidates with what stands in core.crime_data: which rows are new, replaced or unchanged, and which have vanished from the file.';
revoke all on function core.match_crimes(core.cities, text) from public;

-- source: sql/functions/crime/read_crimes.sql sha256:31a64c647f14881e36ad5714031242bbe19912f23864334ae56655a0218860a6
create or replace function core.read_crimes(
    p_city core.cities, p_publisher text, p_header text[], p_columns jsonb, p_srid integer, p_time_zone text
) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform core.choose_date_order((p_columns ->> 'time')::integer);
    insert into core.crime_candidates (
        line_number, source, source_id, published_at, occurred_at, time_precision, category,
        published_category, geom, cell, area, action, reason
    )
    with written as (
        select
            s.line_number,
            md5(s.fields::text) as digest,
            cardinality(s.fields) = cardinality(p_header) as is_whole,
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
        cross join jsonb_to_record(p_columns) as c (
            id integer, "time" integer, reported integer, lon integer, lat integer,
            category integer, area integer, force integer
        )
    ),
    -- Materialised: otherwise each mention of a column would read the text again.
    placed as materialized (
        select
            w.*,
            core.local_time(w.occurred, p_time_zone) as started_at,
            core.local_time(w.reported, p_time_zone) as reported_at,
            core.lon_lat(core.coordinate(w.x), core.coordinate(w.y), p_srid) as geom
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
                    p.reported_at = date_trunc('day', p.reported_at, p_time_zone)
                    and p.started_at < p.reported_at + interval '24 hours'
                )
            ) as is_start_known
        from placed as p
    ),
    judged as materialized (
        select
            t.*,
            case when length(t.id) <= 100 then t.id else t.digest end as publishers_id,
            date_trunc('month', t.published_at at time zone p_time_zone) as month,
            -- The hour of a report says nothing about the hour of the crime.
            case when t.is_start_known then t.started_at else date_trunc('day', t.reported_at, p_time_zone) end as occurred_at,
            case when t.is_start_known then core.time_precision(t.occurred) else 'day' end as time_precision,
            case
                when not t.is_whole then 'fields'
                when t.published_at is null or least(t.started_at, t.published_at) < '1800-01-01' then 'time'
                -- One row from the future would decay all others.
                when greatest(case when t.is_start_known then t.started_at end, t.published_at) > now() + interval '1 day' then 'future'
                when t.geom is null then 'position'
                when not t.geom && p_city.walkable_bounds
                    and not st_dwithin(t.geom::geography, p_city.walkable_bounds::geography, 300000) then 'outside'
            end as reason
        from timed as t
    )
    select
        j.line_number,
        p_publisher || coalesce('/' || nullif(j.force, ''), ''),
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

comment on function core.read_crimes(core.cities, text, text[], jsonb, integer, text) is
'Understand core.crime_staging: which columns (p_columns: role to position) say what, in which EPSG and time zone. Every row becomes one of core.crime_candidates, to be loaded or rejected with a reason.';
revoke all on function core.read_crimes(core.cities, text, text[], jsonb, integer, text) from public;

-- source: sql/functions/crime/record_crime_loads.sql sha256:18cf42d65315f042bf6eb66b6289a4393ecc5a4b8e5cf0baa012de649db4f495
create or replace function core.record_crime_loads(
    p_city core.cities, p_file_name text, p_file_digest text, p_header text[]
) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
begin
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
    loads as (
        insert into core.crime_loads (
            source, city_id, file_name, file_digest, rows_read, rows_loaded, rows_replaced, rows_unchanged, rows_removed, rows_rejected
        )
        select
            n.source, p_city.city_id, p_file_name, p_file_digest,
            n.rows_read, n.rows_loaded, n.rows_replaced, n.rows_unchanged, n.rows_removed, n.rows_rejected
        from counts as n
        where n.rows_loaded + n.rows_replaced + n.rows_removed > 0
            or not exists (
                select from core.crime_loads as l
                where l.source = n.source and l.city_id = p_city.city_id
                    and l.file_digest = p_file_digest and l.rows_rejected = n.rows_rejected
            )
        returning load_id, source
    )
    insert into core.crime_rejects (load_id, line_number, reason, content)
    select
        l.load_id,
        c.line_number,
        c.reason,
        case
            when c.reason = 'fields' then jsonb_build_object('fields', s.fields)
            else jsonb_object(p_header, s.fields)
        end
    from loads as l
    inner join core.crime_candidates as c on c.source = l.source and c.action = 'rejected'
    inner join core.crime_staging as s on s.line_number = c.line_number
    order by c.line_number;
end
$$;

comment on function core.record_crime_loads(core.cities, text, text, text[]) is
'Write core.crime_loads and core.crime_rejects for the imported file: nothing where the same file has been recorded and changed nothing.';
revoke all on function core.record_crime_loads(core.cities, text, text, text[]) from public;

-- source: sql/functions/crime/reporting_area.sql sha256:043d46e37df3c6706d657d31d1e407a8b6fd9876400c0e78a3aa5bfd0464e5c1
create or replace function core.reporting_area(p_source text, p_utm_srid integer) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_has_areas boolean := exists (
        select from core.crime_candidates as c where c.source = p_source and c.action <> 'rejected' and c.area is not null
    );
begin
    return (
        with places as (
            select distinct coalesce(c.area, '') as area, st_transform(c.geom, p_utm_srid) as geom
            from core.crime_candidates as c
            where c.source = p_source and c.action in ('loaded', 'replaced', 'unchanged')
                and (c.area is not null or not v_has_areas)
        ),
        centres as (
            select
                p.area,
                count(*) as places,
                st_setsrid(st_makepoint(
                    percentile_cont(0.5) within group (order by st_x(p.geom)),
                    percentile_cont(0.5) within group (order by st_y(p.geom))
                ), p_utm_srid) as geom
            from places as p
            group by p.area
        ),
        reaches as (
            select
                c.area, c.places, c.geom,
                greatest(250, 4 * percentile_disc(0.75) within group (order by st_distance(p.geom, c.geom))) as metres
            from centres as c
            inner join places as p on p.area = c.area
            group by c.area, c.places, c.geom
        ),
        hulls as (
            select
                r.area,
                case when r.places < 4 then st_collect(p.geom) else st_concavehull(st_collect(p.geom), 0.5) end as geom
            from reaches as r
            -- A stray row does not stretch its area; too few rows to tell make no area at all, only their surroundings.
            inner join places as p on p.area = r.area and (r.places < 4 or st_dwithin(p.geom, r.geom, r.metres))
            group by r.area, r.places
        )
        select st_multi(st_transform(st_simplifypreservetopology(st_union(st_buffer(h.geom, 250)), 5), 4326))
        from hulls as h
    );
end
$$;

comment on function core.reporting_area(text, integer) is
'Where a source reports (EPSG:4326 multipolygon): the concave hulls of the places in each of its reporting areas, 250 m wider, without places more than four times as far from the middle as three quarters of the area''s places are.';
revoke all on function core.reporting_area(text, integer) from public;

-- source: sql/functions/crime/time_precision.sql sha256:7f3ec49d90be93bc5a273e458a4adf3bfe39e4205ff5d715c5eddc0ade18433c
create or replace function core.time_precision(p_text text) returns text
language sql immutable parallel safe security invoker
-- Not strict: PostgreSQL inlines no strict function whose body is a CASE.
as $$
select case
    when p_text ~ '^\d{4}-\d{2}$' then 'month'
    when p_text ~ '\d[ T]\s*\d' then 'exact'
    else 'day'
end
$$;

comment on function core.time_precision(text) is
'How much of a moment a file states: month (2017-10), day (no time of day) or exact. Inlined, so it has no search_path of its own.';
revoke all on function core.time_precision(text) from public;

-- source: sql/functions/crime/write_crimes.sql sha256:87b037f29f874aa047c28b77abc1f49bd874fde9bbc4b8d3fa479e6b82257788
create or replace function core.write_crimes() returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set enable_nestloop = 'off' -- as in core.match_crimes
as $$
declare
    v_since timestamptz;
    v_until timestamptz;
begin
    select min(c.stood_at), max(c.stood_at) into v_since, v_until
    from core.crime_candidates as c where c.action in ('replaced', 'removed');

    delete from core.crime_data as d
    using core.crime_candidates as c
    where c.action in ('replaced', 'removed')
        and d.occurred_at between v_since and v_until
        and d.cell = c.stood_in and d.occurred_at = c.stood_at and d.source = c.source and d.source_id = c.source_id;

    delete from core.crime_key as k
    using core.crime_candidates as c
    where c.action = 'removed' and k.source = c.source and k.source_id = c.source_id;

    perform core.make_crime_periods();

    insert into core.crime_data (
        source, source_id, occurred_at, cell, time_precision, category, published_category, geom
    )
    select
        c.source, c.source_id, c.occurred_at, c.cell, c.time_precision, c.category, c.published_category, c.geom
    from core.crime_candidates as c
    where c.action in ('loaded', 'replaced')
    order by c.occurred_at;

    insert into core.crime_key (source, source_id, occurred_at, cell, published_at)
    select c.source, c.source_id, c.occurred_at, c.cell, c.published_at
    from core.crime_candidates as c
    where c.action in ('loaded', 'replaced')
    on conflict (source, source_id) do update
        set occurred_at = excluded.occurred_at, cell = excluded.cell, published_at = excluded.published_at;

    update core.crime_key as k set published_at = c.published_at
    from core.crime_candidates as c
    where c.action = 'unchanged' and k.source = c.source and k.source_id = c.source_id and k.published_at <> c.published_at;
end
$$;

comment on function core.write_crimes() is
'Bring core.crime_data and core.crime_key to what core.crime_candidates says, one statement for each kind of change; unchanged rows are not touched.';
revoke all on function core.write_crimes() from public;

-- source: sql/functions/journeys/count_points.sql sha256:5bf481abdfac0741feaca39af415d13e37a54fcc38d9252bba6ed886d3c7b632
create or replace function core.count_points(p_points json) returns integer
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_points integer;
begin
    if coalesce(json_typeof(p_points), 'null') <> 'array' then
        perform core.fail('SR019', format('points is of type %s', coalesce(json_typeof(p_points), 'null')));
    end if;
    v_points := json_array_length(p_points);
    if v_points = 0 then
        perform core.fail('SR020');
    elsif v_points > 5000 then
        perform core.fail('SR017', format('%s points', v_points));
    end if;
    return v_points;
end
$$;

comment on function core.count_points(json) is
'How many points a batch has, 1 to 5,000: SR019 where it is no array, SR020 where it is empty, SR017 where it has more.';
revoke all on function core.count_points(json) from public;
grant execute on function core.count_points(json) to saferoute_api;

-- source: sql/functions/journeys/end_journey.sql sha256:07951b5c8376b6f67394eced6c0bc7c0104fab29cfd3340fc9bf0783047ce4fc
create or replace function core.end_journey(p_user_id uuid, p_journey_id uuid, p_ended_at timestamptz) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.own_journey(p_user_id, p_journey_id);
    v_ended_at timestamptz := coalesce(p_ended_at, now());
begin
    if v_journey.ended_at is null then
        -- The clocks of client and server may differ by as much as a start may lie ahead.
        if not v_ended_at between v_journey.started_at - interval '10 minutes' and now() + interval '10 minutes' then
            perform core.fail('SR018', format('ended_at %s is before the start or over 10 minutes ahead', v_ended_at));
        end if;
        update core.journeys as j set ended_at = greatest(j.started_at, v_ended_at)
        where j.journey_id = p_journey_id and j.ended_at is null;
        v_journey := core.own_journey(p_user_id, p_journey_id);
    end if;
    return core.journey_summary(v_journey);
end
$$;

comment on function core.end_journey(uuid, uuid, timestamptz) is
'End a journey, now where p_ended_at is null. A journey that has ended keeps its first end. Points recorded before the end may still arrive.';
revoke all on function core.end_journey(uuid, uuid, timestamptz) from public;
grant execute on function core.end_journey(uuid, uuid, timestamptz) to saferoute_api;

-- source: sql/functions/journeys/ingest.sql sha256:0e639be57d8e57c1dbe5164604eb86fc14d509194b258a0e5f3dee5ae1115cc0
create or replace function core.ingest(
    p_user_id uuid, p_journey_id uuid, p_points json, p_since timestamptz, p_until timestamptz, p_near box
) returns bigint
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_stored record;
begin
    -- ON CONFLICT looks every key up twice, a third of the time of a batch that has no duplicates.
    begin
        with stored as (
            insert into core.journey_points
            select s.* from core.storable_points(p_user_id, p_journey_id, p_points, p_since, p_until, p_near) as s
            returning recorded_at, cell
        )

        select count(*) as points, min(s.recorded_at) as since, max(s.recorded_at) as until, array_agg(distinct s.cell) as cells
        into v_stored from stored as s;
    exception when unique_violation then
        with stored as (
            insert into core.journey_points
            select s.* from core.storable_points(p_user_id, p_journey_id, p_points, p_since, p_until, p_near) as s
            on conflict do nothing
            returning recorded_at, cell
        )

        select count(*) as points, min(s.recorded_at) as since, max(s.recorded_at) as until, array_agg(distinct s.cell) as cells
        into v_stored from stored as s;
    end;

    -- Whole days and new cells only: most batches leave the journey's row alone.
    update core.journeys as j set
        points_from = least(j.points_from, date_trunc('day', v_stored.since)),
        points_until = greatest(j.points_until, date_trunc('day', v_stored.until) + interval '1 day'),
        cells = (select array_agg(distinct u.cell) from unnest(j.cells || v_stored.cells) as u (cell))
    where j.journey_id = p_journey_id
        and v_stored.points > 0
        and not coalesce(
            j.points_from <= v_stored.since and j.points_until > v_stored.until and j.cells @> v_stored.cells, false
        );
    return v_stored.points;
end
$$;

comment on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) is
'Store those points of one journey that lie in [p_since, p_until) and p_near, and widen the journey''s days and cells where they go beyond them; how many were new. Idempotent.';
revoke all on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) from public;
grant execute on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) to saferoute_api;

-- source: sql/functions/journeys/journey_summary.sql sha256:326c7fef7627610d74617209bb75b8b57669bab1333db2e35284ea801fef05e5
create or replace function core.journey_summary(p_journey core.journeys) returns json
language sql immutable parallel safe security invoker
as $$
select json_build_object(
    'journey_id', p_journey.journey_id,
    'started_at', p_journey.started_at,
    'ended_at', p_journey.ended_at,
    'from_lon', public.st_x(p_journey.origin),
    'from_lat', public.st_y(p_journey.origin),
    'to_lon', public.st_x(p_journey.destination),
    'to_lat', public.st_y(p_journey.destination)
)
$$;

comment on function core.journey_summary(core.journeys) is
'A journey as its walker sees it: the arguments it was started with, and when it ended (null while it lasts). Inlined, so it has no search_path of its own.';
revoke all on function core.journey_summary(core.journeys) from public;
grant execute on function core.journey_summary(core.journeys) to saferoute_api;

-- source: sql/functions/journeys/journey_track.sql sha256:8a456458dabc8e230d8aacc20421c0ab82708678430b59d099cd9ed752a5cf16
create or replace function core.journey_track(p_user_id uuid, p_journey_id uuid) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_journey core.journeys := core.own_journey(p_user_id, p_journey_id);
    v_track record;
begin
    select
        count(*) as points,
        min(p.recorded_at) as since,
        max(p.recorded_at) as until,
        json_agg(p.recorded_at order by p.recorded_at, p.cell) as times,
        st_makeline(p.geom order by p.recorded_at, p.cell) as line
    into v_track
    from core.journey_points as p
    where p.journey_id = p_journey_id
        and p.recorded_at >= v_journey.points_from
        and p.recorded_at < v_journey.points_until
        and p.cell = any(v_journey.cells);
    if v_track.points = 0 then
        perform core.fail('SR021', format('journey %s', p_journey_id));
    end if;
    if v_track.points = 1 then
        -- A line has two positions.
        v_track.line := st_addpoint(v_track.line, st_startpoint(v_track.line));
        v_track.times := json_build_array(v_track.since, v_track.since);
    end if;
    return json_build_object(
        'type', 'Feature',
        'geometry', st_asgeojson(v_track.line, 7)::json,
        'properties', jsonb_build_object(
            'points', v_track.points,
            'length_m', round(st_length(v_track.line::geography)::numeric, 1),
            'first_point_at', v_track.since,
            'last_point_at', v_track.until,
            'duration_s', extract(epoch from v_track.until - v_track.since),
            'times', v_track.times
        ) || core.journey_summary(v_journey)::jsonb
    );
end
$$;

comment on function core.journey_track(uuid, uuid) is
'The walked line of the person''s own journey as a GeoJSON Feature: measured length (metres on the spheroid), times, and one time for each position. SR021 where it has no points.';
revoke all on function core.journey_track(uuid, uuid) from public;
grant execute on function core.journey_track(uuid, uuid) to saferoute_api;

-- source: sql/functions/journeys/my_journeys.sql sha256:5ebd60c5236c5a7a8906ac03bb74bca394f19ff5208de77c47ac3512606380b6
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
            where j.user_id = p_user_id and j.started_at < coalesce(p_before, 'infinity')
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

-- source: sql/functions/journeys/near_box.sql sha256:4fa07a16b7879e3d0f89e34fca376de262f682a0b212525f17cb0cf79149a8c3
create or replace function core.near_box(p_origin geometry, p_metres float8) returns box
language plpgsql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_box geometry := core.expand_metres(p_origin, p_metres);
    v_is_cut boolean := st_xmin(v_box) < -180 or st_xmax(v_box) > 180;
begin
    return box(
        point(case when v_is_cut then -180 else st_xmin(v_box) end, greatest(st_ymin(v_box), -90)),
        point(case when v_is_cut then 180 else st_xmax(v_box) end, least(st_ymax(v_box), 90))
    );
end
$$;

comment on function core.near_box(geometry, float8) is
'Longitudes and latitudes (degrees) within p_metres of a position, on the Earth: every longitude where the date line is that near.';
revoke all on function core.near_box(geometry, float8) from public;
grant execute on function core.near_box(geometry, float8) to saferoute_api;

-- source: sql/functions/journeys/own_journey.sql sha256:888e8a7934959f5ca16e241c541ad1aac475bfe3d669d00fcc47fe139a52f81a
create or replace function core.own_journey(p_user_id uuid, p_journey_id uuid) returns core.journeys
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
begin
    select j.* into v_journey
    from core.journeys as j
    where j.journey_id = p_journey_id and j.user_id = p_user_id;
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

-- source: sql/functions/journeys/quarantine_points.sql sha256:17258bd1c136009204e9155dd064dd4370bd72c1acc7c7970b3c2ab89bf00d07
create or replace function core.quarantine_points(
    p_user_id uuid,
    p_journey core.journeys,
    p_points json,
    p_readable json,
    p_unreadable bigint[],
    p_since timestamptz,
    p_until timestamptz,
    p_near box
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
            case
                when p.nth = any(p_unreadable) then 'unreadable'
                when coalesce(p.recorded_at > p_journey.ended_at, false) and p.recorded_at < now() + interval '10 minutes'
                    then 'ended'
                when not coalesce(p.recorded_at >= p_since and p.recorded_at < p_until, false) then 'time'
                when not coalesce(p.lon between -180 and 180 and p.lat between -90 and 90, false) then 'position'
                when not point(p.lon, p.lat) <@ p_near then 'far'
            end as reason
        from core.read_points(p_readable) as p
    ),

    kept as (
        insert into core.point_quarantine (journey_id, user_id, reason, point, digest)
        select p_journey.journey_id, p_user_id, j.reason, e.point, md5(e.point::text)::uuid
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

comment on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], timestamptz, timestamptz, box) is
'Keep the points of a batch that core.ingest did not store in core.point_quarantine; their index (from 0) and reason. Idempotent.';
revoke all on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], timestamptz, timestamptz, box) from public;
grant execute on function core.quarantine_points(uuid, core.journeys, json, json, bigint[], timestamptz, timestamptz, box) to saferoute_api;

-- source: sql/functions/journeys/read_points.sql sha256:6da254d56b51fabaf62f9054414a32869efe3d408f2ea163e1c1394c800819ca
create or replace function core.read_points(p_points json)
returns table (
    nth bigint,
    recorded_at timestamptz,
    lon float8,
    lat float8,
    speed_mps real,
    accuracy_m real,
    battery_pct real
)
language sql stable parallel safe security invoker
as $$
select
    p.nth,
    -- Without a zone a time could be any of 24: it is no time. LIKE is the quick test of the usual form.
    case
        when p.recorded_at like '____-__-__T__:__:__%Z'
            or p.recorded_at ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)? ?(Z|z|[+-]\d\d(:?\d\d)?)$'
            then p.recorded_at::timestamptz
    end,
    p.lon,
    p.lat,
    case when p.speed_mps between 0 and 1000 then p.speed_mps end,
    case when p.accuracy_m between 0 and 1000000 then p.accuracy_m end,
    case when p.battery_pct between 0 and 100 then p.battery_pct end
from rows from (json_to_recordset(p_points) as (
    recorded_at text, lon float8, lat float8, speed_mps real, accuracy_m real, battery_pct real
)) with ordinality as p (recorded_at, lon, lat, speed_mps, accuracy_m, battery_pct, nth)
-- Keeps it a subquery: inlined further, the time would be read once for each place that uses it.
offset 0
$$;

comment on function core.read_points(json) is
'The points of a JSON array, numbered from 1. A time that is not ISO 8601 with a zone is null, and so are speed, accuracy and battery outside their range. A value that cannot be cast raises a data exception. json_to_recordset takes 2 us for a point, ->> for each key 10. Inlined, so it has no search_path of its own.';
revoke all on function core.read_points(json) from public;
grant execute on function core.read_points(json) to saferoute_api;

-- source: sql/functions/journeys/readable_points.sql sha256:12bf6ccf2724a20454c4a38c12c0ff00d4332dc789133652ed77f4ac6d17bc1d
create or replace function core.readable_points(
    p_points json, out readable json, out unreadable bigint[]
)
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_point json;
    v_nth bigint := 0;
    v_kept json [] := '{}';
begin
    unreadable := '{}';
    for v_point in select e.point from json_array_elements(p_points) as e (point) loop
        v_nth := v_nth + 1;
        begin
            perform p.recorded_at, p.lon, p.lat, p.speed_mps, p.accuracy_m, p.battery_pct
            from core.read_points(json_build_array(v_point)) as p;
            v_kept := v_kept || v_point;
        exception when data_exception then
            -- An empty object holds its place, so that the others keep their numbers.
            v_kept := v_kept || '{}'::json;
            unreadable := unreadable || v_nth;
        end;
    end loop;
    readable := to_json(v_kept);
end
$$;

comment on function core.readable_points(json) is
'The array with every point that core.read_points cannot cast replaced by an empty object, and the numbers (from 1) of those points. One subtransaction for each point: only for batches that have failed.';
revoke all on function core.readable_points(json) from public;
grant execute on function core.readable_points(json) to saferoute_api;

-- source: sql/functions/journeys/record_points.sql sha256:488d4b935dda8c21ef8f3ca65cabf661644532b314e54a122b802beaf88efec6
create or replace function core.record_points(p_user_id uuid, p_journey_id uuid, p_points json) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys := core.own_journey(p_user_id, p_journey_id);
    v_near box := core.near_box(v_journey.origin, 300000);
    v_since timestamptz := now() - interval '29 days';
    v_until timestamptz := least(now() + interval '10 minutes', v_journey.ended_at + interval '1 microsecond');
    v_readable json := p_points;
    v_unreadable bigint [] := '{}';
    v_points integer;
    v_accepted bigint;
    v_quarantined json := '[]';
begin
    -- Positions need not wait for a standby. Here and not in a SET clause, which ends before the commit.
    perform set_config('synchronous_commit', 'local', true);
    v_points := core.count_points(p_points);
    begin
        v_accepted := core.ingest(p_user_id, p_journey_id, p_points, v_since, v_until, v_near);
    exception when data_exception then
        select r.readable, r.unreadable into v_readable, v_unreadable from core.readable_points(p_points) as r;
        v_accepted := core.ingest(p_user_id, p_journey_id, v_readable, v_since, v_until, v_near);
    end;
    if v_accepted < v_points then
        v_quarantined := core.quarantine_points(
            p_user_id, v_journey, p_points, v_readable, v_unreadable, v_since, v_until, v_near
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

-- source: sql/functions/journeys/start_journey.sql sha256:ca05357f85ba648833ab1c16312fb61e583133bfc9ff369b17b3ad983c2c4cca
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

-- source: sql/functions/journeys/storable_points.sql sha256:4fb735d80207b942317251117ff4e76a5537227264b4ff3d3573d180693e607c
create or replace function core.storable_points(
    p_user_id uuid, p_journey_id uuid, p_points json, p_since timestamptz, p_until timestamptz, p_near box
) returns setof core.journey_points
language sql stable parallel safe security invoker
as $$
select
    p_journey_id,
    p.recorded_at,
    public.st_geohash(public.st_makepoint(p.lon, p.lat), 5),
    p_user_id,
    public.st_point(p.lon, p.lat, 4326),
    p.speed_mps,
    p.accuracy_m,
    p.battery_pct
from core.read_points(p_points) as p
where p.recorded_at >= p_since and p.recorded_at < p_until and point(p.lon, p.lat) <@ p_near
$$;

comment on function core.storable_points(uuid, uuid, json, timestamptz, timestamptz, box) is
'The points of a JSON array that lie in [p_since, p_until) and p_near (degrees), as rows of core.journey_points. Inlined, so it has no search_path of its own.';
revoke all on function core.storable_points(uuid, uuid, json, timestamptz, timestamptz, box) from public;
grant execute on function core.storable_points(uuid, uuid, json, timestamptz, timestamptz, box) to saferoute_api;

-- source: sql/functions/risk/add_crimes.sql sha256:b38e013265205ab4c67bff2ae87642318405baaa23913a5a6ea576b98a9bd2fe
create or replace function core.add_crimes(p_city_id integer, p_change_ids bigint[]) returns bigint[]
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = off
set work_mem = '64MB'
set random_page_cost = 1.1
as $$
declare
    v_edge_ids bigint[];
begin
    -- random_page_cost: 100 crimes reach 3,000 of 170,000 cells; at 4 the planner reads them all, 50 ms of 130.
    with weighed as materialized (
        select * from core.weigh_crimes(p_city_id, p_change_ids)
    ),
    tallied as (
        update core.city_risk as r
        set added_weight = r.added_weight + (select coalesce(sum(abs(w.weight)), 0) from weighed as w)
        where r.city_id = p_city_id
    ),
    by_hour as (
        insert into core.hour_weights as h (city_id, is_street_violence, week_hour, crimes, weight, squared_weight)
        select p_city_id, w.is_street_violence, w.week_hour, sum(w.crimes), sum(w.weight), sum(w.crimes * w.weight ^ 2)
        from weighed as w
        group by w.is_street_violence, w.week_hour
        on conflict (city_id, is_street_violence, week_hour) do update set
            crimes = h.crimes + excluded.crimes,
            weight = h.weight + excluded.weight,
            squared_weight = h.squared_weight + excluded.squared_weight
    ),
    by_part as (
        insert into core.part_weights as p (
            city_id, neighbourhood, week_part, crimes, weight, squared_weight, added_weight
        )
        select
            p_city_id, coalesce(n.neighbourhood, 0), core.week_part(w.week_hour),
            sum(w.crimes), sum(w.weight), sum(w.crimes * w.weight ^ 2), sum(abs(w.weight))
        from weighed as w
        left join core.neighbourhoods as n on n.city_id = p_city_id and n.square = core.grid_cell(st_x(w.place), st_y(w.place), 1500)
        where w.is_street_violence
        group by 2, 3
        on conflict (city_id, neighbourhood, week_part) do update set
            crimes = p.crimes + excluded.crimes,
            weight = p.weight + excluded.weight,
            squared_weight = p.squared_weight + excluded.squared_weight,
            added_weight = p.added_weight + excluded.added_weight
    ),
    by_cell as (
        select
            core.grid_cell(st_x(w.place), st_y(w.place), 50) as cell,
            sum(w.weight) as all_weight,
            coalesce(sum(w.weight) filter (where w.is_street_violence), 0) as street_weight
        from weighed as w
        group by 1
    ),
    spread as (
        select
            c.cell + k.step as cell,
            sum(c.all_weight * k.share) as all_density,
            sum(c.street_weight * k.share) as street_density
        from by_cell as c cross join core.kernel() as k
        group by 1
    ),
    by_edge as (
        select
            s.edge_id,
            sum(s.share * d.all_density) as all_density,
            sum(s.share * d.street_density) as street_density
        from spread as d
        inner join core.cell_edges as c on c.city_id = p_city_id and c.cell = d.cell
        cross join lateral unnest(c.edge_ids, c.shares) as s (edge_id, share)
        group by 1
    ),
    changed as (
        update core.edge_risk as e
        set all_density = e.all_density + b.all_density, street_density = e.street_density + b.street_density
        from by_edge as b
        where e.edge_id = b.edge_id
        returning e.edge_id
    )
    select array_agg(c.edge_id) into v_edge_ids from changed as c;

    -- Exact counts tell an empty hour from the rounding error that subtraction leaves.
    delete from core.hour_weights as h where h.city_id = p_city_id and h.crimes = 0;
    delete from core.part_weights as p where p.city_id = p_city_id and p.crimes = 0;
    return coalesce(v_edge_ids, '{}');
end
$$;

comment on function core.add_crimes(integer, bigint[]) is
'Add the crimes of core.weigh_crimes to the sums of a city: by hour, by neighbourhood and part of the week, and spread by core.kernel over the edges in reach; the edges that changed.';
revoke all on function core.add_crimes(integer, bigint[]) from public;

-- source: sql/functions/risk/city_data_period.sql sha256:e5fc58752bfc751325ae5ff2779cd0c3bf54b6c36e8c795fed16d7840c16e81c
create or replace function core.city_data_period(p_city_id integer) returns tstzrange
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select range_merge(range_agg(c.covered_period))
from core.crime_coverage as c
where c.city_id = p_city_id and not isempty(c.covered_period)
$$;

comment on function core.city_data_period(integer) is
'From the first to the last moment that the crimes of a city report on; null where there are none.';
revoke all on function core.city_data_period(integer) from public;
grant execute on function core.city_data_period(integer) to saferoute_api;

-- source: sql/functions/risk/city_hour_rates.sql sha256:ca22b450475e301b44995634600d07f7a9a413be7e33ce2c981f083a2f6006e1
create or replace function core.city_hour_rates(p_city_id integer) returns table (week_hour smallint, rate float8)
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
with weights as (
    -- all crime includes street violence
    select k.is_street, h.week_hour, sum(h.weight) as weight, sum(h.squared_weight) as squared_weight
    from core.hour_weights as h
    cross join (values (false), (true)) as k (is_street)
    where h.city_id = p_city_id and (h.is_street_violence or not k.is_street)
    group by 1, 2
),
totals as (
    select
        w.is_street,
        sum(w.weight) as weight,
        coalesce(sum(w.weight) filter (where w.week_hour = 0), 0) as spread_weight,
        sum(w.weight) ^ 2 / sum(w.squared_weight) as crimes
    from weights as w
    group by 1
),
shares as (
    select t.is_street, t.crimes, h.week_hour, (coalesce(w.weight, 0) + t.spread_weight * h.share) / t.weight as share
    from totals as t
    cross join core.week_hours() as h
    left join weights as w on w.is_street = t.is_street and w.week_hour = h.week_hour
),
-- Neighbouring hours lend each other weight: a normal kernel of 1.5 hours, round the clock.
smoothed as (
    select s.is_street, s.crimes, h.week_hour, sum(s.share * n.weight) / sum(n.weight) as share
    from core.week_hours() as h
    inner join shares as s on (s.week_hour > 24) = (h.week_hour > 24)
    cross join lateral (
        select exp(((abs(s.week_hour - h.week_hour) + 12) % 24 - 12) ^ 2 / -4.5::float8) as weight
    ) as n
    group by 1, 2, 3
),
all_crime as (
    select h.week_hour, (coalesce(s.share * s.crimes, 0) + 48 * h.share) / (coalesce(s.crimes, 0) + 48) as share
    from core.week_hours() as h
    left join smoothed as s on s.week_hour = h.week_hour and not s.is_street
)
select
    h.week_hour,
    (coalesce(s.share * s.crimes, 0) + 48 * a.share) / (coalesce(s.crimes, 0) + 48) / h.share
from core.week_hours() as h
inner join all_crime as a on a.week_hour = h.week_hour
left join smoothed as s on s.week_hour = h.week_hour and s.is_street
$$;

comment on function core.city_hour_rates(integer) is
'How much more street violence an hour of the week sees than the mean hour (1), in the city: smoothed over 1.5 hours, shrunk towards the rates of all crime, and those towards 1, by the weight of 48 crimes each.';
revoke all on function core.city_hour_rates(integer) from public;

-- source: sql/functions/risk/city_risk_inputs.sql sha256:1d20f4f8dbd84df15ec33ae2752a5a68d488161ff0ab0d4b8ae0568f65e1ef78
create or replace function core.city_risk_inputs(
    p_city_id integer, out map_digest text, out categories jsonb, out oldest_period timestamptz
)
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
select
    (select concat(c.osm_digest, ' ', c.imported_at, ' ', c.utm_srid, ' ', c.time_zone) from core.cities as c where c.city_id = p_city_id),
    coalesce((
        select jsonb_object_agg(k.category, concat(k.severity, ' ', k.is_street_violence)) from core.crime_categories as k
    ), '{}'),
    (select min(p.lower_bound) from core.periods('core.crime_data') as p)
$$;

comment on function core.city_risk_inputs(integer) is
'What the sums of a city depend on besides its crimes: the map, the weights of the categories, and the oldest month that is kept.';
revoke all on function core.city_risk_inputs(integer) from public;

-- source: sql/functions/risk/crime_weight.sql sha256:fbc1c6f5fd6c934a072fe4bff64678a83d10113cb20b63b130e404f5121c7c18
create or replace function core.crime_weight(p_severity smallint, p_occurred_at timestamptz) returns float8
language sql stable strict parallel safe security invoker
as $$
select p_severity * 2::float8 ^ ((date_part('epoch', p_occurred_at) - 946684800) / (730 * 86400.0::float8))
$$;

comment on function core.crime_weight(smallint, timestamptz) is
'Forward-decayed weight of a crime (Cormode et al. 2009): severity, doubled for every 730 days after the landmark 2000-01-01. Between two crimes only the ratio counts, so no sum is ever decayed anew. float8 holds it for 2,000 years either way. Inlined, so it has no search_path of its own.';
revoke all on function core.crime_weight(smallint, timestamptz) from public;

-- source: sql/functions/risk/grid_cell.sql sha256:461cc1e402a2bc3ab8f4dcc6d8c7e8aa14dcf9f911912f6bfbadeb4bf7069fc7
create or replace function core.grid_cell(p_x_m float8, p_y_m float8, p_size_m float8) returns bigint
language sql immutable strict parallel safe security invoker
as $$
-- Not 2^32: hashing a bigint folds its halves into each other, and grouping 1.3 million cells took 8 s instead of 0.6 s.
select floor(p_x_m / p_size_m)::bigint * 1048576 + floor(p_y_m / p_size_m)::bigint
$$;

comment on function core.grid_cell(float8, float8, float8) is
'The square of p_size_m metres that holds a place in metres (UTM): column * 2^20 + row, so that adding dx * 2^20 + dy steps to another. Inlined, so it has no search_path of its own.';
revoke all on function core.grid_cell(float8, float8, float8) from public;

-- source: sql/functions/risk/is_city_risk_current.sql sha256:7445d6928ac013cec55382a144eb5db73248e8f36baaab05b30e546e87e1de76
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
)
$$;

comment on function core.is_city_risk_current(integer) is
'Whether the sums of a city can be kept: same map, same weights of categories, no month dropped. Where not, core.rebuild_city_risk makes them anew.';
revoke all on function core.is_city_risk_current(integer) from public;

-- source: sql/functions/risk/is_city_risk_exact.sql sha256:bf28cd40c7677f4c9f30d784ee17416f9c26d462866a41a17367f61462bccf44
create or replace function core.is_city_risk_exact(p_city_id integer) returns boolean
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
select
    (select coalesce(sum(h.weight), 0) from core.hour_weights as h where h.city_id = p_city_id)
    >= 1e-4 * (select r.added_weight from core.city_risk as r where r.city_id = p_city_id)
    and not exists (
        select from core.part_weights as p where p.city_id = p_city_id and p.weight < 1e-4 * p.added_weight
    )
$$;

comment on function core.is_city_risk_exact(integer) is
'Whether enough is left of the sums of a city after subtractions: each may leave 10^-16 of what it subtracts, of its square in the sums of squares, so that 10^-8 is wrong where 10^-4 remains.';
revoke all on function core.is_city_risk_exact(integer) from public;

-- source: sql/functions/risk/kernel.sql sha256:89480aff23d506a62e7e656152d4a7c927c29cc8a4cf835204f63254cbdfdee3
create or replace function core.kernel() returns table (step bigint, share float8)
language sql immutable parallel safe security invoker rows 37
as $$
select
    dx * 1048576 + dy,
    (1 - (dx * dx + dy * dy) * 2500 / 30625::float8) ^ 2
    / sum((1 - (dx * dx + dy * dy) * 2500 / 30625::float8) ^ 2) over ()
from generate_series(-3, 3) as dx, generate_series(-3, 3) as dy
where (dx * dx + dy * dy) * 2500 < 30625
$$;

comment on function core.kernel() is
'Quartic (biweight) kernel of 175 m on 50 m cells: step from a crime''s core.grid_cell to each cell within reach and the share of its weight that lands there; 1 in all. Inlined, so it has no search_path of its own.';
revoke all on function core.kernel() from public;

-- source: sql/functions/risk/neighbourhood_part_ratios.sql sha256:69ba663062a48c951320ce62e6914a7396096e23bd0e02e309686309e92fb60c
create or replace function core.neighbourhood_part_ratios(p_city_id integer)
returns table (neighbourhood smallint, week_part smallint, ratio float8)
language sql stable security invoker
set search_path = core, public, pg_temp
as $$
with parts as (
    select h.week_part, sum(h.share) as share from core.week_hours() as h group by 1
),
places as (
    select
        p.neighbourhood,
        sum(p.weight) as weight,
        coalesce(sum(p.weight) filter (where p.week_part = 0), 0) as spread_weight,
        sum(p.weight) ^ 2 / sum(p.squared_weight) as crimes
    from core.part_weights as p
    where p.city_id = p_city_id
    group by 1
),
weights as (
    select
        n.neighbourhood, n.weight as place_weight, n.crimes,
        a.week_part, a.share as time_share, coalesce(p.weight, 0) + n.spread_weight * a.share as weight
    from places as n
    cross join parts as a
    left join core.part_weights as p
        on p.city_id = p_city_id and p.neighbourhood = n.neighbourhood and p.week_part = a.week_part
),
city as (
    select w.week_part, (sum(w.weight) / t.weight * t.crimes + 6 * w.time_share) / (t.crimes + 6) as share
    from weights as w
    cross join (
        select sum(n.weight) as weight, sum(n.weight) ^ 2 / sum(n.weight ^ 2 / n.crimes) as crimes from places as n
    ) as t
    group by w.week_part, w.time_share, t.weight, t.crimes
),
-- Method of moments: shares of a Dirichlet-multinomial vary (1 + rho * (crimes - 1)) times as much as by chance.
spread as (
    select
        (sum(w.crimes * (w.weight / w.place_weight - c.share) ^ 2 / c.share) / 5 - count(*) / 6.0)
        / nullif(sum(greatest(0, w.crimes - 1)) / 6, 0) as rho
    from weights as w inner join city as c on c.week_part = w.week_part
),
prior as (
    select (1 - least(1, s.rho)) / s.rho as crimes from spread as s where s.rho > 1e-6
)
select
    w.neighbourhood, w.week_part,
    (w.crimes * w.weight / w.place_weight + p.crimes * c.share) / (w.crimes + p.crimes) / c.share
from weights as w
inner join city as c on c.week_part = w.week_part
cross join prior as p
where w.neighbourhood > 0
$$;

comment on function core.neighbourhood_part_ratios(integer) is
'How the share of street violence that falls into a part of the week differs between a neighbourhood and its city, shrunk towards 1 by empirical Bayes: the prior''s weight is estimated from how much the neighbourhoods of the city differ beyond chance. No rows where they do not.';
revoke all on function core.neighbourhood_part_ratios(integer) from public;

-- source: sql/functions/risk/publish_risk.sql sha256:2aa1ef6278ce64aea3047bc8b0cf360d176cf195d509a750ecb4095b7fe635d0
create or replace function core.publish_risk(p_city_id integer, p_edge_ids bigint[]) returns bigint
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set random_page_cost = 1.1
as $$
declare
    v_published bigint;
begin
    update core.road_links as l
    set neighbourhood = r.neighbourhood, all_density = r.all_density, street_density = r.street_density
    from (
        select
            e.edge_id,
            e.neighbourhood,
            -- Subtraction may leave -1e-17.
            case when e.is_covered then greatest(0, e.all_density) end as all_density,
            case when e.is_covered then greatest(0, e.street_density) end as street_density
        from core.edge_risk as e
        where e.city_id = p_city_id and (p_edge_ids is null or e.edge_id = any(p_edge_ids))
        -- Neighbours on the map stay neighbours on disk: in another order a search reads eight times the pages.
        order by e.edge_id
    ) as r
    where l.edge_id = r.edge_id
        and (l.neighbourhood, l.all_density, l.street_density)
        is distinct from (r.neighbourhood, r.all_density, r.street_density);
    get diagnostics v_published = row_count;
    return v_published;
end
$$;

comment on function core.publish_risk(integer, bigint[]) is
'Copy the densities of these edges (null: of all) to core.road_links where they differ, null where nobody reports; the number of rows changed.';
revoke all on function core.publish_risk(integer, bigint[]) from public;

-- source: sql/functions/risk/rebuild_city_risk.sql sha256:a9439c188ec12caeebd4bba8496f256885eaf890f1d4fc64fd46a976add4f107
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
    insert into core.city_risk (city_id, map_digest, categories, oldest_period)
    select p_city_id, i.map_digest, i.categories, i.oldest_period
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

-- source: sql/functions/risk/refresh_city_risk.sql sha256:84aa56cb0588169084652e6617256d570129c171359ed843777b8f14d3bee0d0
create or replace function core.refresh_city_risk(
    p_city_id integer, p_change_ids bigint[], out is_rebuilt boolean, out is_exact boolean, out published_links bigint
)
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_area geometry := (
        select core.expand_metres(c.walkable_bounds, 250) from core.cities as c where c.city_id = p_city_id
    );
    v_has_changes boolean := exists (
        select from core.crime_changes as c where c.change_id = any(p_change_ids) and c.geom && v_area
    );
    v_edge_ids bigint[];
begin
    published_links := 0;
    is_exact := true;
    -- Where nobody has reported yet all is unknown: the sums, 10 s of CPU for 98,000 links on busy cores, wait for the first source.
    is_rebuilt := exists (select from core.city_risk as r where r.city_id = p_city_id)
        or exists (select from core.crime_coverage as c where c.city_id = p_city_id and not isempty(c.covered_period));
    if not is_rebuilt then
        return;
    end if;
    is_rebuilt := not (core.is_city_risk_current(p_city_id) and core.is_city_risk_exact(p_city_id));
    if is_rebuilt then
        perform core.rebuild_city_risk(p_city_id);
    end if;
    if v_has_changes then
        v_edge_ids := core.add_crimes(p_city_id, p_change_ids);
        is_exact := core.is_city_risk_exact(p_city_id);
    end if;
    if not is_exact then
        return;
    end if;
    -- A city made anew has no coverage yet, so all its links are compared.
    if core.refresh_coverage(p_city_id) then
        published_links := core.publish_risk(p_city_id, null);
    elsif v_has_changes then
        published_links := core.publish_risk(p_city_id, v_edge_ids);
    else
        return;
    end if;
    perform core.refresh_risk_factors(p_city_id);
end
$$;

comment on function core.refresh_city_risk(integer, bigint[]) is
'Make the sums of a city anew where they are not current or not exact, add these rows of core.crime_changes, follow the coverage, and publish what changed. Not exact: so much was taken away that the sums have to be made anew once the changes are gone from core.crime_changes; nothing is published then.';
revoke all on function core.refresh_city_risk(integer, bigint[]) from public;

-- source: sql/functions/risk/refresh_coverage.sql sha256:db5532b051429e29871365fa44b1ebd85eea4e281a6420e819d478247839938f
create or replace function core.refresh_coverage(p_city_id integer) returns boolean
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_areas geometry[];
    v_digest text;
begin
    select array_agg(c.area order by c.coverage_id), coalesce(md5(string_agg(md5(st_asbinary(c.area)), '' order by c.coverage_id)), '')
    into v_areas, v_digest
    from core.crime_coverage as c
    where c.city_id = p_city_id and not isempty(c.covered_period);
    if v_digest is not distinct from (select r.coverage_digest from core.city_risk as r where r.city_id = p_city_id) then
        return false;
    end if;

    with middles as (
        select e.edge_id, coalesce(st_covers(a.area, st_lineinterpolatepoint(e.geom, 0.5)), false) as is_covered
        from core.road_edges as e
        cross join (select st_union(u.area) as area from unnest(v_areas) as u (area)) as a
        where e.city_id = p_city_id
    )
    update core.edge_risk as r
    set is_covered = m.is_covered
    from middles as m
    where r.edge_id = m.edge_id and r.is_covered <> m.is_covered;

    update core.city_risk as r set coverage_digest = v_digest where r.city_id = p_city_id;
    return true;
end
$$;

comment on function core.refresh_coverage(integer) is
'Mark the edges of a city whose middle lies in the area of a source with a period; whether the areas had changed. Without any area every edge is unknown.';
revoke all on function core.refresh_coverage(integer) from public;

-- source: sql/functions/risk/refresh_risk.sql sha256:5ec7e52892e70b4553f43363b032db37d6a97405ab9f3e1cce63ca36a0e7a083
create or replace function core.refresh_risk(
    out rebuilt_cities integer, out applied_changes bigint, out published_links bigint
)
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_change_ids bigint[];
    v_inexact integer[] := '{}';
    v_city record;
begin
    -- One refresh at a time, to the end of its transaction: the next one sees all that this one wrote.
    perform pg_advisory_xact_lock(hashtext('core.refresh_risk'));
    -- Exactly the changes that are visible now: one that commits later waits for the next refresh.
    v_change_ids := array(select c.change_id from core.crime_changes as c);
    applied_changes := cardinality(v_change_ids);
    rebuilt_cities := 0;
    published_links := 0;
    for v_city in
        select c.city_id, r.*
        from core.cities as c cross join lateral core.refresh_city_risk(c.city_id, v_change_ids) as r
        order by c.city_id
    loop
        rebuilt_cities := rebuilt_cities + v_city.is_rebuilt::integer;
        published_links := published_links + v_city.published_links;
        if not v_city.is_exact then
            v_inexact := v_inexact || v_city.city_id;
        end if;
    end loop;
    delete from core.crime_changes as c where c.change_id = any(v_change_ids);
    rebuilt_cities := rebuilt_cities + cardinality(v_inexact);
    published_links := published_links + coalesce((
        select sum(r.published_links)
        from unnest(v_inexact) as i (city_id) cross join lateral core.refresh_city_risk(i.city_id, '{}') as r
    ), 0);
end
$$;

comment on function core.refresh_risk() is
'Bring the risk of every city up to date with its crimes, categories, coverage and map: adds what changed, makes anew what cannot be added. Counts cities made anew, crimes added or taken away, and links whose published risk changed.';
revoke all on function core.refresh_risk() from public;

-- source: sql/functions/risk/refresh_risk_factors.sql sha256:e972fc708bcd218de3a2e0d9ec71dd3ff83dd4251eb6d830ca807dbfa5d78afe
create or replace function core.refresh_risk_factors(p_city_id integer) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_all_scale float8;
    v_street_scale float8;
    v_reference float8;
    v_links bigint;
begin
    -- Half all crime, half street violence, each of total weight 1; all crime alone where there is no street violence.
    select
        case when s.street_weight > 0 then 0.5 else 1 end / nullif(s.all_weight, 0),
        coalesce(0.5 / nullif(s.street_weight, 0), 0)
    into v_all_scale, v_street_scale
    from (
        select sum(h.weight) as all_weight, sum(h.weight) filter (where h.is_street_violence) as street_weight
        from core.hour_weights as h
        where h.city_id = p_city_id
    ) as s;

    select
        count(*),
        coalesce(nullif(percentile_cont(0.95) within group (order by b.density), 0), nullif(max(b.density), 0))
    into v_links, v_reference
    from (
        select l.all_density * v_all_scale + l.street_density * v_street_scale as density
        from core.road_links as l
        where l.city_id = p_city_id and l.all_density is not null
    ) as b;

    -- What is new joins what the sums were made from; what differs stays, for the next refresh to see.
    update core.city_risk as r
    set
        categories = i.categories || r.categories,
        oldest_period = least(r.oldest_period, i.oldest_period),
        reference_density = v_reference,
        refreshed_at = now()
    from core.city_risk_inputs(p_city_id) as i
    where r.city_id = p_city_id;
    delete from core.risk_factors as f where f.city_id = p_city_id;
    if v_reference is not null then
        perform core.write_risk_factors(
            p_city_id, v_all_scale / v_reference, v_street_scale / v_reference, greatest(1, v_links / 2000)
        );
    end if;
end
$$;

comment on function core.refresh_risk_factors(integer) is
'Make core.risk_factors of a city from its hour profiles and from the densities published in core.road_links. Where nothing is known there are none.';
revoke all on function core.refresh_risk_factors(integer) from public;

-- source: sql/functions/risk/risk_terms.sql sha256:2fad88dfa315da62f7707db9fb101cd419b81c223e5864670794acb77d0ef760
create or replace function core.risk_terms(
    p_city_id integer, p_at timestamptz,
    out all_factors float8[], out street_factors float8[], out mean_risk float8
)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    select f.all_factors, f.street_factors, f.mean_risk
    into all_factors, street_factors, mean_risk
    from core.cities as c
    inner join core.risk_factors as f on f.city_id = c.city_id and f.week_hour = core.week_hour(p_at, c.time_zone)
    where c.city_id = p_city_id;
    if not found then
        all_factors := '{}';
        street_factors := '{}';
        mean_risk := 0;
    end if;
end
$$;

comment on function core.risk_terms(integer, timestamptz) is
'What core.link_risk turns the densities of a city''s links into risk at a time with: factors by neighbourhood, and the mean risk where a density is unknown. Empty arrays and 0 where no crime is known.';
revoke all on function core.risk_terms(integer, timestamptz) from public;
grant execute on function core.risk_terms(integer, timestamptz) to saferoute_api;

-- source: sql/functions/risk/sample_edges.sql sha256:21b205fbc9d726f40df2c06034b24dbec86056a8542ff915cf49f52bdb5997e2
create or replace function core.sample_edges(p_city_id integer) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = off
set work_mem = '64MB'
as $$
declare
    v_city core.cities;
    -- Most edges then need no second write by core.refresh_coverage.
    v_is_covered boolean := exists (select from core.crime_coverage as c where c.city_id = p_city_id);
begin
    select c.* into strict v_city from core.cities as c where c.city_id = p_city_id;
    -- Rows of cities that are gone too: foreign keys would cost 2.5 s on 102,000 edges and their 171,000 cells.
    delete from core.cell_edges as c
    where c.city_id = p_city_id or not exists (select from core.cities as k where k.city_id = c.city_id);
    delete from core.edge_risk as r
    where r.city_id = p_city_id or not exists (select from core.cities as k where k.city_id = r.city_id);
    delete from core.neighbourhoods as n where n.city_id = p_city_id;

    with lines as materialized (
        select e.edge_id, st_transform(e.geom, v_city.utm_srid) as line, greatest(1, ceil(e.length_m / 25)) as points
        from core.road_edges as e
        where e.city_id = p_city_id
    ),
    shares as (
        select core.grid_cell(st_x(p.place), st_y(p.place), 50) as cell, l.edge_id, sum(1 / l.points) as share
        from lines as l
        cross join lateral generate_series(1, l.points::integer) as i
        -- offset 0: or the planner would find each point once for x and once for y.
        cross join lateral (
            select st_lineinterpolatepoint(l.line, (i - 0.5::float8) / l.points) as place offset 0
        ) as p
        group by cell, l.edge_id
    ),
    sampled as (
        insert into core.cell_edges (city_id, cell, edge_ids, shares)
        select p_city_id, s.cell, array_agg(s.edge_id), array_agg(s.share) from shares as s group by s.cell
    ),
    squares as materialized (
        select l.edge_id, core.grid_cell(st_x(p.place), st_y(p.place), 1500) as square
        from lines as l
        cross join lateral (select st_lineinterpolatepoint(l.line, 0.5) as place offset 0) as p
    ),
    numbered as (
        select s.square, row_number() over (order by s.square) as neighbourhood from squares as s group by s.square
    ),
    named as (
        insert into core.neighbourhoods (city_id, neighbourhood, square)
        select p_city_id, n.neighbourhood, n.square from numbered as n
    )
    insert into core.edge_risk (edge_id, city_id, neighbourhood, is_covered)
    select s.edge_id, p_city_id, n.neighbourhood, v_is_covered
    from squares as s inner join numbered as n on n.square = s.square;

    -- Without statistics on these rows the joins that follow in this transaction are planned as if there were none.
    analyze core.cell_edges, core.edge_risk;
end
$$;

comment on function core.sample_edges(integer) is
'Number the neighbourhoods of a city and sample its edges every 25 m: what its risk needs to know of the map, with all densities 0.';
revoke all on function core.sample_edges(integer) from public;

-- source: sql/functions/risk/tg_crime_data__deleted.sql sha256:f8d28b8892a6255c1114debaeb6b5be47a77d1566f05e5e64f94b42989b3a628
create or replace function core.tg_crime_data__deleted() returns trigger
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    insert into core.crime_changes (sign, occurred_at, time_precision, category, geom)
    select -1, o.occurred_at, o.time_precision, o.category, o.geom from old_rows as o;
    return null;
end
$$;

comment on function core.tg_crime_data__deleted() is
'Keep the crimes that were deleted for the next core.refresh_risk().';
revoke all on function core.tg_crime_data__deleted() from public;

-- source: sql/functions/risk/tg_crime_data__inserted.sql sha256:b1417930fcc157010f8c26df4d0598d53d8b30133e646680232c6508c21605fb
create or replace function core.tg_crime_data__inserted() returns trigger
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    insert into core.crime_changes (sign, occurred_at, time_precision, category, geom)
    select 1, n.occurred_at, n.time_precision, n.category, n.geom from new_rows as n;
    return null;
end
$$;

comment on function core.tg_crime_data__inserted() is
'Keep the crimes that were inserted for the next core.refresh_risk().';
revoke all on function core.tg_crime_data__inserted() from public;

-- source: sql/functions/risk/tg_crime_data__updated.sql sha256:bb28d1f002aafde6ea90df365eed1acef9d02c37e429913552e17f24a0b997f1
create or replace function core.tg_crime_data__updated() returns trigger
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    insert into core.crime_changes (sign, occurred_at, time_precision, category, geom)
    select -1, o.occurred_at, o.time_precision, o.category, o.geom from old_rows as o
    union all
    select 1, n.occurred_at, n.time_precision, n.category, n.geom from new_rows as n;
    return null;
end
$$;

comment on function core.tg_crime_data__updated() is
'Keep both versions of the crimes that were updated, moves between partitions among them, for the next core.refresh_risk().';
revoke all on function core.tg_crime_data__updated() from public;

-- source: sql/functions/risk/week_hour.sql sha256:917055d4d6fea67e816ccd79c095708ca24a741e2c848a889a15f6255c0c1f76
create or replace function core.week_hour(p_at timestamptz, p_time_zone text) returns integer
language sql stable parallel safe security invoker
as $$
select (1 + date_part('hour', p_at at time zone p_time_zone)
    + case when date_part('isodow', p_at at time zone p_time_zone) >= 6 then 24 else 0 end)::integer
$$;

comment on function core.week_hour(timestamptz, text) is
'The hour of the local clock, weekdays apart from weekends: 1 to 24 from midnight on Monday to Friday, 25 to 48 on Saturday and Sunday. Inlined, so it has no search_path of its own and is not strict.';
revoke all on function core.week_hour(timestamptz, text) from public;
grant execute on function core.week_hour(timestamptz, text) to saferoute_api;

-- source: sql/functions/risk/week_hours.sql sha256:80434ef4ef2c0719d6fe6885dedbc3f8c0ddb24bd1e3462f92cf4c4c8268cf88
create or replace function core.week_hours() returns table (week_hour smallint, week_part smallint, share float8)
language sql immutable parallel safe security invoker rows 48
as $$
select h::smallint, core.week_part(h)::smallint, case when h <= 24 then 5 else 2 end / 168.0::float8
from generate_series(1, 48) as h
$$;

comment on function core.week_hours() is
'The 48 core.week_hour values, the part of the week each lies in, and the share of the week each lasts (5 or 2 of 168 hours). Inlined, so it has no search_path of its own.';
revoke all on function core.week_hours() from public;

-- source: sql/functions/risk/week_part.sql sha256:67f7d73e0bb4ab972078af51866ab7136b5c658c739f01d8974684b75af69ff6
create or replace function core.week_part(p_week_hour integer) returns integer
language sql immutable parallel safe security invoker
as $$
select case
    when p_week_hour = 0 then 0
    else case when (p_week_hour - 1) % 24 between 6 and 17 then 1 when (p_week_hour - 1) % 24 between 18 and 22 then 2 else 3 end
        + case when p_week_hour > 24 then 3 else 0 end
end
$$;

comment on function core.week_part(integer) is
'The part of the week of a core.week_hour: day (6 to 18), evening (18 to 23) and night, 1 to 3 on weekdays and 4 to 6 at weekends; 0 stays 0. Inlined, so it has no search_path of its own and is not strict.';
revoke all on function core.week_part(integer) from public;

-- source: sql/functions/risk/weigh_crimes.sql sha256:9f464183b12a658418a0fcf17923cd6c6a1dfd04ac4fc1b9954b0da5e24e9026
create or replace function core.weigh_crimes(p_city_id integer, p_change_ids bigint[])
returns table (
    place geometry, week_hour integer, is_street_violence boolean, crimes integer, weight float8
)
language plpgsql stable security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_city core.cities;
    v_area geometry;
begin
    select c.* into strict v_city from core.cities as c where c.city_id = p_city_id;
    v_area := core.expand_metres(v_city.walkable_bounds, 250);
    -- STABLE, so that both tables are read in the caller's snapshot: a change is in both or in neither.
    return query
    with counted as (
        select 1 as sign, d.occurred_at, d.time_precision, d.category, d.geom
        from core.crime_data as d
        where p_change_ids is null and d.geom && v_area
        union all
        -- A refresh adds the pending changes later: what crime_data already shows of them is taken out here.
        select -c.sign, c.occurred_at, c.time_precision, c.category, c.geom
        from core.crime_changes as c
        where p_change_ids is null and c.geom && v_area
        union all
        select c.sign, c.occurred_at, c.time_precision, c.category, c.geom
        from core.crime_changes as c
        where c.change_id = any(p_change_ids) and c.geom && v_area
    )
    select
        st_transform(w.geom, v_city.utm_srid),
        case when w.time_precision = 'exact' then core.week_hour(w.occurred_at, v_city.time_zone) else 0 end,
        k.is_street_violence,
        w.sign,
        w.sign * core.crime_weight(k.severity, w.occurred_at)
    from counted as w
    inner join core.crime_categories as k on k.category = w.category;
end
$$;

comment on function core.weigh_crimes(integer, bigint[]) is
'Crimes within reach of a city''s streets: place in metres of its UTM zone, hour (0 where only the day or month is known), 1 or -1 crimes, and weight with that sign. p_change_ids names rows of core.crime_changes; null stands for every crime except what is still pending there.';
revoke all on function core.weigh_crimes(integer, bigint[]) from public;

-- source: sql/functions/risk/write_risk_factors.sql sha256:5882c38ca493ebca8f6e5b7fa4794765ad301947d9c49fee1c4e4fad1af20600
create or replace function core.write_risk_factors(
    p_city_id integer, p_all_scale float8, p_street_scale float8, p_step bigint
) returns void
language sql volatile security invoker
set search_path = core, public, pg_temp
as $$
with city as materialized (
    select h.week_hour, h.week_part, h.share, r.rate
    from core.week_hours() as h inner join core.city_hour_rates(p_city_id) as r on r.week_hour = h.week_hour
),
parts as (
    select c.week_part, sum(c.rate * c.share) as weight from city as c group by 1
),
-- Divided by its mean over the week, so that an hour profile only moves risk within the week.
ratios as materialized (
    select
        n.neighbourhood, p.week_part,
        coalesce(r.ratio, 1) / sum(coalesce(r.ratio, 1) * p.weight) over (partition by n.neighbourhood) as ratio
    from core.neighbourhoods as n
    cross join parts as p
    left join core.neighbourhood_part_ratios(p_city_id) as r
        on r.neighbourhood = n.neighbourhood and r.week_part = p.week_part
    where n.city_id = p_city_id
),
factors as (
    select
        c.week_hour,
        array_agg(c.rate * r.ratio * p_all_scale order by r.neighbourhood) as all_factors,
        array_agg(c.rate * r.ratio * p_street_scale order by r.neighbourhood) as street_factors
    from city as c inner join ratios as r on r.week_part = c.week_part
    group by 1
),
-- Every p_step-th link: 2,000 put the mean within 4 % of that of all, and 48 hours of 98,000 would take seconds.
sample as materialized (
    select l.length_m, l.neighbourhood, l.all_density * p_all_scale + l.street_density * p_street_scale as risk
    from core.road_links as l
    where l.city_id = p_city_id and l.all_density is not null and l.edge_id % p_step = 0
),
means as (
    select c.week_hour, sum(s.length_m * least(1, s.risk * r.ratio * c.rate)) / sum(s.length_m) as mean_risk
    from sample as s
    inner join ratios as r on r.neighbourhood = s.neighbourhood
    inner join city as c on c.week_part = r.week_part
    group by 1
)
insert into core.risk_factors (city_id, week_hour, all_factors, street_factors, mean_risk)
select p_city_id, f.week_hour, f.all_factors, f.street_factors, coalesce(m.mean_risk, 0)
from factors as f left join means as m on m.week_hour = f.week_hour
$$;

comment on function core.write_risk_factors(integer, float8, float8, bigint) is
'Write core.risk_factors of a city: scale x rate of the hour x ratio of the neighbourhood, and the mean risk over every p_step-th known link.';
revoke all on function core.write_risk_factors(integer, float8, float8, bigint) from public;

-- source: sql/functions/roads/tg_cities__remove_streets.sql sha256:e2d9a648c852513e8fc6148ca5ad0c3c76a04a233a89ae78a0529873e3e39280
create or replace function core.tg_cities__remove_streets() returns trigger
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
begin
    delete from core.road_edges as e using removed as r where e.city_id = r.city_id;
    delete from core.road_vertices as v using removed as r where v.city_id = r.city_id;
    return null;
end
$$;

comment on function core.tg_cities__remove_streets() is
'Statement trigger on core.cities: the streets of a city go with it.';
revoke all on function core.tg_cities__remove_streets() from public;

-- source: sql/functions/routing/check_trip.sql sha256:497d3725905073e98e78279a9b81966b9c26796e6b84125dea6ba45beb174340
create or replace function core.check_trip(
    p_from geometry, p_to geometry, p_depart_at timestamptz, p_aversions float8[]
) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    perform core.check_time(p_depart_at);
    -- NaN sorts above every number, so the range test refuses it too.
    if coalesce(cardinality(p_aversions), 0) not between 1 and 5
        or exists (select from unnest(p_aversions) as a where a is null or a not between 0 and 100) then
        perform core.fail('SR018', format('aversions %s: send 1 to 5 numbers from 0 to 100', p_aversions));
    end if;
    if st_distance(p_from::geography, p_to::geography) > 30000 then
        perform core.fail('SR013');
    end if;
end
$$;

comment on function core.check_trip(geometry, geometry, timestamptz, float8[]) is
'Refuse a trip that cannot be planned: SR015 for its time, SR018 for its aversions, SR013 beyond 30 km in a straight line.';
revoke all on function core.check_trip(geometry, geometry, timestamptz, float8[]) from public;
grant execute on function core.check_trip(geometry, geometry, timestamptz, float8[]) to saferoute_api;

-- source: sql/functions/routing/corridor_query.sql sha256:3362f42ecf33d96cc68ca232c04a1eb449db95a1dac0542c206dcea5a54f7cf3
create or replace function core.corridor_query(
    p_arcs text, p_from_at point, p_to_at point, p_focal_sum_m float8
) returns text
language plpgsql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_middle constant point := (p_from_at + p_to_at) / point(2, 0);
    v_distance_m constant float8 := p_from_at <-> p_to_at;
    v_length constant float8 := p_focal_sum_m / 2;
    v_width constant float8 := sqrt(p_focal_sum_m ^ 2 - v_distance_m ^ 2) / 2;
    v_axis constant point := (p_to_at - p_from_at) / point(greatest(v_distance_m, 1e-9), 0);
    v_reach constant point := point(
        sqrt((v_length * v_axis[0]) ^ 2 + (v_width * v_axis[1]) ^ 2),
        sqrt((v_length * v_axis[1]) ^ 2 + (v_width * v_axis[0]) ^ 2));
begin
    -- offset 0 keeps the planner from computing each distance again wherever it is used.
    return format(
        $query$
        select arc as id,
            case when source_from + source_to <= %1$s then source else 0 end as source,
            case when target_from + target_to <= %1$s then target else 0 end as target,
            case when direction = -1 then -1 else greatest(0, cost + gain) end as cost,
            case when direction = 1 then -1 else greatest(0, cost - gain) end as reverse_cost
        from (
            select *, (target_to - target_from - source_to + source_from) * 0.4975 as gain
            from (
                select arc, source, target, direction, cost,
                    source_at <-> %2$L as source_from, source_at <-> %3$L as source_to,
                    target_at <-> %2$L as target_from, target_at <-> %3$L as target_to
                from (%4$s) as arcs
                offset 0
            ) as measured
        ) as reduced
        where source_from + source_to <= %1$s or target_from + target_to <= %1$s
        $query$,
        p_focal_sum_m, p_from_at, p_to_at, replace(p_arcs, '$bounds', box(v_middle - v_reach, v_middle + v_reach)::text));
end
$$;

comment on function core.corridor_query(text, point, point, float8) is
'The rows of pgr_dijkstra for the arcs of p_arcs inside the ellipse with foci p_from_at and p_to_at (metres) and this focal sum: everything outside is vertex 0, and costs are reduced by straight-line lengths. docs/explanations/routing.md has the argument.';
revoke all on function core.corridor_query(text, point, point, float8) from public;
grant execute on function core.corridor_query(text, point, point, float8) to saferoute_api;

-- source: sql/functions/routing/end_arcs.sql sha256:bba13ce0f68ef1d59093eff9ee37438ad42dd0a4153ba65ada14eb3e0660d958
create or replace function core.end_arcs(
    p_from_edge bigint,
    p_from_fraction float8,
    p_from_at point,
    p_to_edge bigint,
    p_to_fraction float8,
    p_to_at point
)
returns table (
    arc bigint,
    edge_id bigint,
    from_fraction float8,
    to_fraction float8,
    source bigint,
    target bigint,
    source_at point,
    target_at point
)
language plpgsql stable strict parallel safe security invoker rows 4
set search_path = core, public, pg_temp
as $$
begin
    -- rows 4, not the usual 1,000: or the search reads every link of the city to find theirs, in 45 ms.
    return query
    select a.arc, l.edge_id, a.from_fraction, a.to_fraction, a.source, a.target, a.source_at, a.target_at
    from core.road_links as l
    cross join lateral (values
        (-11::bigint, p_from_edge, p_from_fraction, 1::float8, -1::bigint, l.target, p_from_at, l.target_at),
        (-12, p_from_edge, p_from_fraction, 0::float8, -1, l.source, p_from_at, l.source_at),
        (-13, p_to_edge, 0::float8, p_to_fraction, l.source, -2, l.source_at, p_to_at),
        (-14, p_to_edge, 1::float8, p_to_fraction, l.target, -2, l.target_at, p_to_at),
        (-15, p_from_edge, p_from_fraction, p_to_fraction, -1, -2, p_from_at, p_to_at)
    ) as a (arc, edge_id, from_fraction, to_fraction, source, target, source_at, target_at)
    where l.edge_id in (p_from_edge, p_to_edge)
        and a.edge_id = l.edge_id
        and (a.arc <> -15 or p_from_edge = p_to_edge)
        and l.walkable_direction * (a.to_fraction - a.from_fraction) >= 0;
end
$$;

comment on function core.end_arcs(bigint, float8, point, bigint, float8, point) is
'The pieces of road links at both ends of a walk: from the start (vertex -1) to the ends of its link, from the ends of the last link to the destination (vertex -2), and straight from one to the other on the same link. Points in metres of the UTM zone.';
revoke all on function core.end_arcs(bigint, float8, point, bigint, float8, point) from public;
grant execute on function core.end_arcs(bigint, float8, point, bigint, float8, point) to saferoute_api;

-- source: sql/functions/routing/find_path.sql sha256:302004b22f2cfe87e01ceba3f43ca7eddd4cdbf32e2087a762f9654ba2eb1a3f
create or replace function core.find_path(
    p_city_id integer,
    p_from_edge bigint,
    p_from_fraction float8,
    p_to_edge bigint,
    p_to_fraction float8,
    p_at timestamptz,
    p_aversion float8,
    out edge_ids bigint[],
    out from_fractions float8[],
    out to_fractions float8[],
    out cost float8,
    out proven_optimal boolean
)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set max_parallel_workers_per_gather = '0'
set jit = 'off'
as $$
declare
    v_from_at constant point := core.link_point(p_from_edge, p_from_fraction);
    v_to_at constant point := core.link_point(p_to_edge, p_to_fraction);
    v_distance_m constant float8 := v_from_at <-> v_to_at;
    v_arcs constant text := core.path_arcs(
        p_city_id, p_from_edge, p_from_fraction, v_from_at, p_to_edge, p_to_fraction, v_to_at, p_at, p_aversion);
    -- Least time in all over 80 walks of 2 km in Porto, of six ways to begin and to grow; they differ little.
    v_slack_m float8 := 200 + (0.4 + 0.1 * least(p_aversion, 5)) * v_distance_m;
    v_path bigint[];
    v_nodes bigint[];
begin
    loop
        -- seq: path_seq is wrong for the first and the last row in pgRouting 3.7.3.
        select array_agg(r.edge order by r.seq), array_agg(r.node order by r.seq), max(r.agg_cost)
        into v_path, v_nodes, cost
        from pgr_dijkstra(
            core.corridor_query(v_arcs, v_from_at, v_to_at, v_distance_m + v_slack_m), -1, -2, true) as r;
        -- Vertex 0 is everything outside the ellipse: a best path that stays clear of it is the best of all.
        exit when v_nodes is null or not 0 = any(v_nodes);
        v_slack_m := 2 * v_slack_m;
    end loop;
    proven_optimal := v_path is not null;
    cost := cost + 0.995 * v_distance_m;
    select array_agg(p.edge_id order by p.i), array_agg(p.from_fraction order by p.i),
        array_agg(p.to_fraction order by p.i)
    into edge_ids, from_fractions, to_fractions
    from (
        select u.i, u.arc, coalesce(a.edge_id, l.edge_id) as edge_id,
            coalesce(a.from_fraction, (l.target = u.node)::integer) as from_fraction,
            coalesce(a.to_fraction, (l.source = u.node)::integer) as to_fraction
        from unnest(v_path, v_nodes) with ordinality as u (arc, node, i)
        left join core.end_arcs(
            p_from_edge, p_from_fraction, v_from_at, p_to_edge, p_to_fraction, v_to_at) as a on a.arc = u.arc
        left join core.road_links as l on l.edge_id = u.arc
        where u.node <> -2
    ) as p
    where p.from_fraction <> p.to_fraction or p.arc = -15;
end
$$;

comment on function core.find_path(integer, bigint, float8, bigint, float8, timestamptz, float8) is
'The walk of least cost, the sum of length * (1 + aversion * risk at p_at), from one point along a road link to another: the edges in walking order, each from and to which fraction counted from its source. All null where no walk leads there. Proven optimal by certificate: docs/explanations/routing.md.';
revoke all on function core.find_path(integer, bigint, float8, bigint, float8, timestamptz, float8) from public;
grant execute on function core.find_path(integer, bigint, float8, bigint, float8, timestamptz, float8)
to saferoute_api;

-- source: sql/functions/routing/find_routes.sql sha256:a521ce0f8e5ca315fbe9db9fabdbaac7ba16172a5cd7d167ff06b7d06eee2d55
create or replace function core.find_routes(
    p_city_id integer,
    p_from_edge bigint,
    p_from_fraction float8,
    p_to_edge bigint,
    p_to_fraction float8,
    p_at timestamptz,
    p_aversions float8[]
) returns setof core.route
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select r.aversions, r.proven_optimal, r.legs, s.length_m, s.known_m, s.exposure_m
    from (
        select array_agg(a.aversion order by a.aversion) as aversions, bool_and(p.proven_optimal) as proven_optimal,
            core.path_legs(p_city_id, p.edge_ids, p.from_fractions, p.to_fractions, p_at) as legs
        from (select distinct u.aversion from unnest(p_aversions) as u (aversion)) as a
        cross join lateral core.find_path(
            p_city_id, p_from_edge, p_from_fraction, p_to_edge, p_to_fraction, p_at, a.aversion) as p
        where p.edge_ids is not null
        group by p.edge_ids, p.from_fractions, p.to_fractions
    ) as r
    cross join lateral (
        select sum(l.length_m), coalesce(sum(l.length_m) filter (where l.is_known), 0), sum(l.length_m * l.risk)
        from unnest(r.legs) as l
    ) as s (length_m, known_m, exposure_m)
    order by r.aversions[1];
end
$$;

comment on function core.find_routes(integer, bigint, float8, bigint, float8, timestamptz, float8[]) is
'The best walk for each aversion, the same walk only once; no rows where no walk leads there.';
revoke all on function core.find_routes(integer, bigint, float8, bigint, float8, timestamptz, float8[]) from public;
grant execute on function core.find_routes(integer, bigint, float8, bigint, float8, timestamptz, float8[])
to saferoute_api;

-- source: sql/functions/routing/geojson_line.sql sha256:26b5b3ca356811ebc17a5c26bf80c87eff3067c9103c5bbeca98a5e95f19e805
create or replace function core.geojson_line(p_geojson text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_geometry jsonb;
    v_positions jsonb;
begin
    v_geometry := p_geojson::jsonb;
    if v_geometry ->> 'type' = 'Feature' then
        v_geometry := v_geometry -> 'geometry';
    end if;
    v_positions := v_geometry -> 'coordinates';
    if v_geometry ->> 'type' is distinct from 'LineString' or jsonb_typeof(v_positions) is distinct from 'array' then
        perform core.fail('SR016', 'not a GeoJSON LineString, nor a Feature of one');
    end if;
    if jsonb_array_length(v_positions) > 5000 then
        perform core.fail('SR017', format('%s positions', jsonb_array_length(v_positions)));
    end if;
    if exists (
        select from jsonb_array_elements(v_positions) as p
        where jsonb_typeof(p -> 0) is distinct from 'number' or jsonb_typeof(p -> 1) is distinct from 'number'
    ) then
        perform core.fail('SR016', 'a position is not [lon, lat]');
    end if;
    return (
        select st_makeline(core.position((p.p ->> 0)::float8, (p.p ->> 1)::float8) order by p.i)
        from jsonb_array_elements(v_positions) with ordinality as p (p, i)
    );
exception
    when data_exception then
        perform core.fail('SR016', sqlerrm);
end
$$;

comment on function core.geojson_line(text) is
'The line (EPSG:4326) of a GeoJSON LineString or a Feature of one, at most 5,000 positions; SR016, SR017 or SR010 where it is none.';
revoke all on function core.geojson_line(text) from public;
grant execute on function core.geojson_line(text) to saferoute_api;

-- source: sql/functions/routing/incidents_along.sql sha256:f9fbc2ff0cd7a58acb0e340518f7ad0361ad7f44445e5792c091322dfad0d83e
create or replace function core.incidents_along(p_utm_srid integer, p_lines geometry[], p_period tstzrange)
returns table (line bigint, counts json)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
set jit = 'off'
as $$
declare
    v_reach_m constant float8 := 75;
    v_cells constant text[] := core.geohash_cover(core.expand_metres(st_collect(p_lines), v_reach_m));
    v_since constant timestamptz := upper(p_period) - interval '1 year';
    v_until constant timestamptz := upper(p_period);
begin
    return query
    select q.line, json_object_agg(q.offence_class, q.incidents order by q.incidents desc, q.offence_class)
    from (
        select u.line, k.offence_class, count(*) as incidents
        from (
            select l.line, st_transform(st_buffer(st_transform(l.geom, p_utm_srid), v_reach_m), 4326) as reach
            from unnest(p_lines) with ordinality as l (geom, line)
            offset 0
        ) as u
        inner join core.crime_data as d on st_intersects(u.reach, d.geom)
        inner join core.crime_categories as k on k.category = d.category
        where d.occurred_at >= v_since and d.occurred_at <= v_until and (v_cells is null or d.cell = any(v_cells))
        group by u.line, k.offence_class
    ) as q
    group by q.line;
end
$$;

comment on function core.incidents_along(integer, geometry[], tstzrange) is
'For each line (EPSG:4326, numbered from 1) the crimes within 75 m of it in the last year of the period, counted by offence class; no row for a line without any.';
revoke all on function core.incidents_along(integer, geometry[], tstzrange) from public;
grant execute on function core.incidents_along(integer, geometry[], tstzrange) to saferoute_api;

-- source: sql/functions/routing/leg_turns.sql sha256:973619e3aed2150d254b5388221dbe2d8f04de3f538f1a305168ac2c30f59bd5
create or replace function core.leg_turns(p_legs core.leg[])
returns table (leg integer, heading float8, turn float8)
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select a.leg, a.heading, a.bend - 360 * floor((a.bend + 180) / 360)
from (
    select h.leg, h.heading, h.heading - lag(h.last_heading) over (order by h.leg) as bend
    from (
        select
            l.leg,
            degrees(st_azimuth(st_startpoint(l.geom)::geography, st_pointn(l.geom, 2)::geography)) as heading,
            degrees(st_azimuth(st_pointn(l.geom, -2)::geography, st_endpoint(l.geom)::geography)) as last_heading
        from unnest(p_legs) as l
    ) as h
) as a
$$;

comment on function core.leg_turns(core.leg[]) is
'Where each leg heads at its start (degrees from north) and how far it turns from the leg before: -180 to 180 degrees, right is positive, null for the first.';
revoke all on function core.leg_turns(core.leg[]) from public;
grant execute on function core.leg_turns(core.leg[]) to saferoute_api;

-- source: sql/functions/routing/legs_geometry.sql sha256:c6245159a1c279264a64c0bba7647a813f9582ba74b776419c4b8df9c5ec96a0
create or replace function core.legs_geometry(p_legs core.leg[]) returns json
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select st_asgeojson(st_removerepeatedpoints(st_makeline(l.geom order by l.leg)), 6)::json from unnest(p_legs) as l
$$;

comment on function core.legs_geometry(core.leg[]) is 'The line of consecutive legs as GeoJSON, degrees to 6 decimals (0.1 m).';
revoke all on function core.legs_geometry(core.leg[]) from public;
grant execute on function core.legs_geometry(core.leg[]) to saferoute_api;

-- source: sql/functions/routing/link_point.sql sha256:a2c8c19492c92a6ef2cd252b4feeaad931e37d024de98e316ba17e91d7b292ab
create or replace function core.link_point(p_edge_id bigint, p_fraction float8) returns point
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        select st_lineinterpolatepoint(st_transform(e.geom, c.utm_srid), p_fraction)::point
        from core.road_edges as e inner join core.cities as c on c.city_id = e.city_id
        where e.edge_id = p_edge_id
    );
end
$$;

comment on function core.link_point(bigint, float8) is
'The point at this fraction of an edge from its source, metres in the UTM zone of its city.';
revoke all on function core.link_point(bigint, float8) from public;
grant execute on function core.link_point(bigint, float8) to saferoute_api;

-- source: sql/functions/routing/link_risk.sql sha256:becc5742b3c87e3ccfae78eb99b58a93ebb80e43dc4cce7ec3799110ec5d1df2
create or replace function core.link_risk(
    p_all_density float8,
    p_street_density float8,
    p_neighbourhood smallint,
    p_all_factors float8[],
    p_street_factors float8[],
    p_mean_risk float8
) returns float8
language sql immutable parallel safe security invoker
as $$
-- coalesce comes first: least() passes over a null, and unknown would be the highest risk. Sums kept up by
-- differences may end a rounding error below 0.
select least(1, greatest(0, coalesce(
    p_all_density * p_all_factors[p_neighbourhood] + p_street_density * p_street_factors[p_neighbourhood],
    p_mean_risk)))
$$;

comment on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) is
'Risk of a road link, 0 to 1 (the 95th percentile of its city): its densities times the factors of core.risk_terms; the mean risk where it is unknown. Inlined, so it has no search_path of its own.';
revoke all on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) from public;
grant execute on function core.link_risk(float8, float8, smallint, float8[], float8[], float8) to saferoute_api;

-- source: sql/functions/routing/path_arcs.sql sha256:7155472b9775914a7a4fbe875b8e7541dacf5135379f4fd5588253624a5b091c
create or replace function core.path_arcs(
    p_city_id integer,
    p_from_edge bigint,
    p_from_fraction float8,
    p_from_at point,
    p_to_edge bigint,
    p_to_fraction float8,
    p_to_at point,
    p_at timestamptz,
    p_aversion float8
) returns text
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    -- Subqueries, not literals: with 645 neighbourhoods the factors as text cost 10 ms to parse.
    v_cost constant text := case when p_aversion = 0 then 'l.length_m' else format(
        'l.length_m * (1 + %L::float8 * core.link_risk(l.all_density, l.street_density, l.neighbourhood, '
        '(select all_factors from terms), (select street_factors from terms), (select mean_risk from terms)))',
        p_aversion) end;
begin
    return format(
        $query$
        with terms as materialized (select * from core.risk_terms(%2$s, %9$L))
        select l.edge_id as arc, l.source, l.target, l.walkable_direction as direction, %1$s as cost,
            l.source_at, l.target_at
        from core.road_links as l
        where l.bounds && '$bounds'::box and l.city_id = %2$s
        union all
        select a.arc, a.source, a.target, 1, abs(a.to_fraction - a.from_fraction) * %1$s, a.source_at, a.target_at
        from core.end_arcs(%3$s, %4$L, %5$L, %6$s, %7$L, %8$L) as a
        inner join core.road_links as l on l.edge_id = a.edge_id
        $query$,
        v_cost, p_city_id, p_from_edge, p_from_fraction, p_from_at, p_to_edge, p_to_fraction, p_to_at, p_at);
end
$$;

comment on function core.path_arcs(
    integer, bigint, float8, point, bigint, float8, point, timestamptz, float8
) is
'The query text of all arcs of a city with their cost, length * (1 + aversion * risk), and the pieces at both ends; core.corridor_query puts its box in the place of $bounds.';
revoke all on function core.path_arcs(
    integer, bigint, float8, point, bigint, float8, point, timestamptz, float8
) from public;
grant execute on function core.path_arcs(
    integer, bigint, float8, point, bigint, float8, point, timestamptz, float8
) to saferoute_api;

-- source: sql/functions/routing/path_legs.sql sha256:a603b133780d82677c1139ae04bfa64e428a4ad23b87900e7165cde6a8337e08
create or replace function core.path_legs(
    p_city_id integer, p_edge_ids bigint[], p_from_fractions float8[], p_to_fractions float8[], p_at timestamptz
) returns core.leg[]
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set jit = 'off'
as $$
begin
    return (
        select array_agg((q.leg, q.street, q.length_m, q.ends_m - q.length_m, q.risk, q.is_known, q.geom)::core.leg order by q.leg)
        from (
            select
                u.leg,
                core.street_name(e.name, e.highway) as street,
                abs(u.to_fraction - u.from_fraction) * e.length_m as length_m,
                sum(abs(u.to_fraction - u.from_fraction) * e.length_m) over (order by u.leg) as ends_m,
                core.link_risk(
                    l.all_density, l.street_density, l.neighbourhood, t.all_factors, t.street_factors, t.mean_risk) as risk,
                l.all_density is not null as is_known,
                case
                    when u.from_fraction = u.to_fraction
                        then st_makeline(array_fill(st_lineinterpolatepoint(e.geom, u.from_fraction), array[2]))
                    when u.from_fraction = 0 and u.to_fraction = 1 then e.geom
                    when u.from_fraction = 1 and u.to_fraction = 0 then st_reverse(e.geom)
                    when u.from_fraction < u.to_fraction then st_linesubstring(e.geom, u.from_fraction, u.to_fraction)
                    else st_reverse(st_linesubstring(e.geom, u.to_fraction, u.from_fraction))
                end as geom
            from unnest(p_edge_ids, p_from_fractions, p_to_fractions)
                with ordinality as u (edge_id, from_fraction, to_fraction, leg)
            inner join core.road_edges as e on e.edge_id = u.edge_id
            inner join core.road_links as l on l.edge_id = u.edge_id
            cross join core.risk_terms(p_city_id, p_at) as t
        ) as q
    );
end
$$;

comment on function core.path_legs(integer, bigint[], float8[], float8[], timestamptz) is
'The legs of a path of core.find_path, in walking order, with street, length, risk at p_at and line.';
revoke all on function core.path_legs(integer, bigint[], float8[], float8[], timestamptz) from public;
grant execute on function core.path_legs(integer, bigint[], float8[], float8[], timestamptz) to saferoute_api;

-- source: sql/functions/routing/polyline_route.sql sha256:003d025d481e0402f748cf8fe41266bf01715c2da7de17a48dd7bc3fb4fdfee8
create or replace function core.polyline_route(p_encoded text) returns geometry
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- 14 characters are the longest position.
    if length(p_encoded) > 14 * 5000 then
        perform core.fail('SR017', format('%s characters', length(p_encoded)));
    end if;
    for v_precision in 5..6 loop
        begin
            v_line := core.decode_polyline(p_encoded, v_precision);
            exit when exists (select from core.cities as c where c.walkable_bounds && st_startpoint(v_line));
        exception
            when sqlstate 'SR010' then null;
        end;
    end loop;
    if v_line is null then
        perform core.fail('SR016', 'the line leaves the Earth with precision 5 and with 6');
    end if;
    return v_line;
end
$$;

comment on function core.polyline_route(text) is
'The line (EPSG:4326) of an encoded polyline: of precision 5 where it begins in an imported city, otherwise of precision 6; the two differ tenfold, so one of them is far away.';
revoke all on function core.polyline_route(text) from public;
grant execute on function core.polyline_route(text) to saferoute_api;

-- source: sql/functions/routing/read_route.sql sha256:31a98c04b4723115865bcddd3b264aa9cb9ceb51e7f7652b7100c2a55fc0687c
create or replace function core.read_route(p_route text) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line geometry;
begin
    -- No polyline holds a quotation mark, and no GeoJSON is without one.
    v_line := case when p_route like '%"%' then core.geojson_line(p_route) else core.polyline_route(p_route) end;
    if coalesce(st_npoints(v_line), 0) > 5000 then
        perform core.fail('SR017', format('%s positions', st_npoints(v_line)));
    end if;
    if coalesce(st_length(v_line), 0) = 0 then
        perform core.fail('SR016', 'it has no length');
    end if;
    if st_length(v_line::geography) > 100000 then
        perform core.fail('SR018', format('route: %s km long, at most 100', round(st_length(v_line::geography) / 1000)));
    end if;
    return v_line;
end
$$;

comment on function core.read_route(text) is
'The line (EPSG:4326) of a route given as GeoJSON or as an encoded polyline: at most 5,000 positions and 100 km.';
revoke all on function core.read_route(text) from public;
grant execute on function core.read_route(text) to saferoute_api;

-- source: sql/functions/routing/risk_along.sql sha256:d91c8a5983376f1309835e47b98c85bfbae5c3a112ff9fee280ec996fa509736
create or replace function core.risk_along(p_city core.cities, p_line geometry, p_at timestamptz)
returns table (segment integer, from_m float8, to_m float8, risk float8, known_share float8, geom geometry)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
set jit = 'off'
as $$
declare
    v_samples constant integer := 4;
    v_reach_m constant float8 := 30;
    v_length_m constant float8 := st_length(p_line::geography);
    v_line constant geometry := st_transform(p_line, p_city.utm_srid);
begin
    return query
    with segments as (
        select s.segment, 100.0::float8 * s.segment as from_m, least(100.0::float8 * (s.segment + 1), v_length_m) as to_m
        from generate_series(0, ceil(v_length_m / 100)::integer - 1) as s (segment)
    ),

    samples as (
        select s.segment, st_lineinterpolatepoint(
            v_line, least(1, (s.from_m + (k.k + 0.5) / v_samples * (s.to_m - s.from_m)) / v_length_m)) as at
        from segments as s cross join generate_series(0, v_samples - 1) as k (k)
    ),

    risks as (
        select s.segment, avg(coalesce(n.risk, t.mean_risk)) as risk, avg(coalesce(n.is_known, 0)) as known_share
        from samples as s
        cross join core.risk_terms(p_city.city_id, p_at) as t
        left join lateral (
            select
                core.link_risk(
                    l.all_density, l.street_density, l.neighbourhood, t.all_factors, t.street_factors, t.mean_risk
                ) as risk,
                (l.all_density is not null)::integer as is_known
            from core.road_links as l inner join core.road_edges as e on e.edge_id = l.edge_id
            where l.city_id = p_city.city_id and l.bounds && box(st_expand(s.at, v_reach_m))
            order by st_distance(st_transform(e.geom, p_city.utm_srid), s.at)
            limit 1
        ) as n on true
        group by s.segment
    )

    select s.segment, s.from_m, s.to_m, r.risk, r.known_share::float8,
        st_linesubstring(p_line, s.from_m / v_length_m, least(1, s.to_m / v_length_m))
    from segments as s inner join risks as r on r.segment = s.segment
    order by s.segment;
end
$$;

comment on function core.risk_along(core.cities, geometry, timestamptz) is
'Risk at p_at along any line (EPSG:4326) in pieces of 100 m, the last one shorter: each is sampled four times, and a sample has the risk of the nearest road link within about 30 m, or the city''s mean where there is none or no source reports.';
revoke all on function core.risk_along(core.cities, geometry, timestamptz) from public;
grant execute on function core.risk_along(core.cities, geometry, timestamptz) to saferoute_api;

-- source: sql/functions/routing/risk_at.sql sha256:1d4f561f4d47403eb37c1a64abda96a7522a52989fc9ae3b0f6d11b3db0bbecc
create or replace function core.risk_at(p_position geometry, p_at timestamptz) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_nearest record;
    v_terms record;
    v_link core.road_links;
    v_is_known boolean;
    v_period tstzrange;
begin
    perform core.check_time(p_at);
    v_city := core.city_at(p_position);
    v_nearest := core.snap_position(v_city, p_position);
    v_terms := core.risk_terms(v_city.city_id, p_at);
    select l.* into v_link from core.road_links as l where l.edge_id = v_nearest.edge_id;
    v_is_known := v_link.all_density is not null;
    v_period := core.city_data_period(v_city.city_id);
    return json_build_object(
        'risk', case
            when v_is_known then round(core.link_risk(
                v_link.all_density, v_link.street_density, v_link.neighbourhood,
                v_terms.all_factors, v_terms.street_factors, v_terms.mean_risk)::numeric, 4)
        end,
        'is_known', v_is_known,
        'city_mean_risk', case when v_period is not null then round(v_terms.mean_risk::numeric, 4) end,
        'street', (select core.street_name(e.name, e.highway) from core.road_edges as e where e.edge_id = v_nearest.edge_id),
        'distance_m', round(v_nearest.distance_m::numeric, 1),
        'city', v_city.name,
        'local_time', to_char(p_at at time zone v_city.time_zone, 'YYYY-MM-DD"T"HH24:MI'),
        'data_from', lower(v_period),
        'data_until', upper(v_period)
    );
end
$$;

comment on function core.risk_at(geometry, timestamptz) is
'The risk (0 to 1) of the street nearest to a position (EPSG:4326) at a time; null, with is_known false, where no source reports. SR011 beyond 300 m of any street.';
revoke all on function core.risk_at(geometry, timestamptz) from public;
grant execute on function core.risk_at(geometry, timestamptz) to saferoute_api;

-- source: sql/functions/routing/risky_stretches.sql sha256:484417346b74e59b5767e848ce3d9f7fb0502d63c54b02b90b446769158a7a83
create or replace function core.risky_stretches(p_city core.cities, p_legs core.leg[], p_period tstzrange) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        with marked as (
            select l.*, l.leg - row_number() over (order by l.leg) as island
            from unnest(p_legs) as l
            where l.is_known and l.risk >= 0.5
        ),

        stretches as (
            select min(m.starts_m) as from_m, max(m.starts_m + m.length_m) as to_m,
                coalesce(sum(m.length_m * m.risk) / nullif(sum(m.length_m), 0), max(m.risk)) as risk,
                st_makeline(m.geom order by m.leg) as line
            from marked as m
            group by m.island
        ),

        numbered as (
            select s.*, row_number() over (order by s.from_m) as i from stretches as s
        )

        select coalesce(json_agg(json_build_object(
            'from_m', round(n.from_m::numeric, 1),
            'to_m', round(n.to_m::numeric, 1),
            'risk', round(n.risk::numeric, 4),
            'incidents', coalesce(c.counts, '{}')
        ) order by n.i), '[]')
        from numbered as n
        left join core.incidents_along(
            p_city.utm_srid, (select array_agg(n.line order by n.i) from numbered as n), p_period) as c
            on c.line = n.i
    );
end
$$;

comment on function core.risky_stretches(core.cities, core.leg[], tstzrange) is
'Consecutive legs of risk 0.5 and more, half of what the city''s 95th percentile is, with the incidents behind them by offence class. Stretches where no source reports are never among them.';
revoke all on function core.risky_stretches(core.cities, core.leg[], tstzrange) from public;
grant execute on function core.risky_stretches(core.cities, core.leg[], tstzrange) to saferoute_api;

-- source: sql/functions/routing/route_feature.sql sha256:01ef8d6c57a35089ad3e59663c6833b649469abcba0ebb00a906b004162c078d
create or replace function core.route_feature(
    p_city core.cities, p_route core.route, p_shortest core.route, p_period tstzrange
) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'type', 'Feature',
    'geometry', core.legs_geometry(p_route.legs),
    'properties', json_build_object(
        'label', core.route_label(p_route),
        'aversion', p_route.aversions[1],
        'aversions', p_route.aversions,
        'length_m', round(p_route.length_m::numeric, 1),
        'duration_s', round((p_route.length_m / core.walking_speed())::numeric),
        'exposure', round(p_route.exposure_m::numeric, 1),
        'risk', round(coalesce(p_route.exposure_m / nullif(p_route.length_m, 0), p_route.legs[1].risk)::numeric, 4),
        'length_diff_m', round((p_route.length_m - p_shortest.length_m)::numeric, 1),
        'exposure_diff', round((p_route.exposure_m - p_shortest.exposure_m)::numeric, 1),
        'proven_optimal', p_route.proven_optimal,
        'covered_share', round(coalesce(
            p_route.known_m / nullif(p_route.length_m, 0), p_route.legs[1].is_known::integer)::numeric, 4),
        'method', 'least sum of length * (1 + aversion * risk), pgRouting Dijkstra in a certified corridor',
        'steps', core.route_steps(p_route.legs),
        'risky_stretches', core.risky_stretches(p_city, p_route.legs, p_period)))
$$;

comment on function core.route_feature(core.cities, core.route, core.route, tstzrange) is
'The GeoJSON feature of a route; its differences are to p_shortest, and null where that is null. p_period is what the crime data covers.';
revoke all on function core.route_feature(core.cities, core.route, core.route, tstzrange) from public;
grant execute on function core.route_feature(core.cities, core.route, core.route, tstzrange) to saferoute_api;

-- source: sql/functions/routing/route_label.sql sha256:ecf5a066db069b4c2325b7683fa37fdbf6397a7a34f0c1345d6bbae9ea2550f3
create or replace function core.route_label(p_route core.route) returns text
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select string_agg(n.label, ', ' order by n.rank)
from (
    select min(a.aversion) as rank, case
        when a.aversion = 0 then 'shortest'
        when a.aversion < 12 then 'balanced'
        -- Where most of the way nobody reports, nobody knows what is safest.
        when p_route.known_m < 0.8 * p_route.length_m then 'cautious'
        else 'safest' end as label
    from unnest(p_route.aversions) as a (aversion)
    group by label
) as n
$$;

comment on function core.route_label(core.route) is
'shortest (aversion 0), balanced (below 12), safest (12 and more), or cautious instead of safest where less than 80 % of the way is covered by a source; several where one walk is all of them.';
revoke all on function core.route_label(core.route) from public;
grant execute on function core.route_label(core.route) to saferoute_api;

-- source: sql/functions/routing/route_safety.sql sha256:706883ba0f936453f67fb08fd18ee4ae9011ce98bed0d6b5f26acea623a30b08
create or replace function core.route_safety(p_route text, p_at timestamptz) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_line constant geometry := core.read_route(p_route);
    v_city core.cities;
    v_period tstzrange;
    v_answer json;
begin
    perform core.check_time(p_at);
    v_city := core.city_at(st_startpoint(v_line));
    v_period := core.city_data_period(v_city.city_id);
    select json_build_object(
        'score', case when max(s.known_share) > 0
            then round((100 * (1 - sum(s.risk * (s.to_m - s.from_m)) / max(s.to_m)))::numeric) end,
        'risk', round((sum(s.risk * (s.to_m - s.from_m)) / max(s.to_m))::numeric, 4),
        'exposure', round(sum(s.risk * (s.to_m - s.from_m))::numeric, 1),
        'covered_share', round((sum(s.known_share * (s.to_m - s.from_m)) / max(s.to_m))::numeric, 4),
        'length_m', round(max(s.to_m)::numeric, 1),
        'city', v_city.name,
        'local_time', to_char(p_at at time zone v_city.time_zone, 'YYYY-MM-DD"T"HH24:MI'),
        'data_from', lower(v_period),
        'data_until', upper(v_period),
        'method', 'score = 100 * (1 - risk); risk of the nearest street every 25 m, weighed by length',
        'segments', json_agg(json_build_object(
            'from_m', round(s.from_m::numeric, 1),
            'to_m', round(s.to_m::numeric, 1),
            'risk', round(s.risk::numeric, 4),
            'covered_share', round(s.known_share::numeric, 2),
            'geometry', st_asgeojson(s.geom, 6)::json) order by s.segment))
    into v_answer
    from core.risk_along(v_city, v_line, p_at) as s;
    return v_answer;
end
$$;

comment on function core.route_safety(text, timestamptz) is
'The answer of api.route_safety for a route given as GeoJSON or as an encoded polyline.';
revoke all on function core.route_safety(text, timestamptz) from public;
grant execute on function core.route_safety(text, timestamptz) to saferoute_api;

-- source: sql/functions/routing/route_steps.sql sha256:4d0fffdecfeeb26f323c22aa03bab796fc6262ffadd72946a74b599cc0d4bec1
create or replace function core.route_steps(p_legs core.leg[]) returns json
language plpgsql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        with turns as (
            select l.*, t.heading, t.turn,
                l.street is distinct from lag(l.street) over (order by l.leg) or abs(t.turn) > 60 as is_new
            from unnest(p_legs) as l inner join core.leg_turns(p_legs) as t on t.leg = l.leg
        ),

        numbered as (
            select turns.*, count(*) filter (where turns.is_new) over (order by turns.leg) as step from turns
        ),

        steps as (
            select n.step, min(n.street) as street, sum(n.length_m) as length_m, sum(n.length_m * n.risk) as exposure_m,
                min(n.risk) as least_risk,
                (array_agg(n.heading order by n.leg))[1] as heading, (array_agg(n.turn order by n.leg))[1] as turn
            from numbered as n
            group by n.step
        )

        select json_agg(json_build_object(
            'instruction', core.step_instruction(s.heading, s.turn, s.street),
            'street', s.street,
            'metres', round(s.length_m::numeric, 1),
            'risk', round(coalesce(s.exposure_m / nullif(s.length_m, 0), s.least_risk)::numeric, 4)
        ) order by s.step)
        from steps as s
    );
end
$$;

comment on function core.route_steps(core.leg[]) is
'The legs as steps of {instruction, street, metres, risk}: a new one where the street changes or bends by more than 60 degrees.';
revoke all on function core.route_steps(core.leg[]) from public;
grant execute on function core.route_steps(core.leg[]) to saferoute_api;

-- source: sql/functions/routing/safe_routes.sql sha256:12eee819012cf03bf98a03c6212c40f7229820e2c0182fd02cdd20efefd66ca9
create or replace function core.safe_routes(
    p_from geometry, p_to geometry, p_depart_at timestamptz, p_aversions float8[]
) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_from record;
    v_to record;
    v_routes core.route[];
    v_shortest core.route;
    v_period tstzrange;
    v_notice text;
begin
    perform core.check_trip(p_from, p_to, p_depart_at, p_aversions);
    v_city := core.city_at(p_from);
    if (core.city_at(p_to)).city_id <> v_city.city_id then
        perform core.fail('SR012');
    end if;
    v_from := core.snap_position(v_city, p_from);
    v_to := core.snap_position(v_city, p_to);
    v_routes := array(select r from core.find_routes(
        v_city.city_id, v_from.edge_id, v_from.fraction, v_to.edge_id, v_to.fraction, p_depart_at, p_aversions) as r);
    if v_routes = '{}' then
        perform core.fail('SR012');
    end if;
    if not exists (select from unnest(v_routes) as r cross join lateral unnest(r.legs) as l where l.is_known) then
        v_notice := 'No source of crime data covers this walk: its risk is unknown, so only the shortest is offered.';
        v_routes := array(select r from core.find_routes(
            v_city.city_id, v_from.edge_id, v_from.fraction, v_to.edge_id, v_to.fraction, p_depart_at, '{0}') as r);
    end if;
    if v_routes[1].aversions[1] = 0 then
        v_shortest := v_routes[1];
    end if;
    v_period := core.city_data_period(v_city.city_id);
    return json_build_object(
        'type', 'FeatureCollection',
        'city', v_city.name,
        'time_zone', v_city.time_zone,
        'local_time', to_char(p_depart_at at time zone v_city.time_zone, 'YYYY-MM-DD"T"HH24:MI'),
        'weekday', to_char(p_depart_at at time zone v_city.time_zone, 'FMDay'),
        'hour', extract(hour from p_depart_at at time zone v_city.time_zone),
        'data_from', lower(v_period),
        'data_until', upper(v_period),
        'walking_speed_mps', core.walking_speed(),
        'notice', v_notice,
        'features', (
            select json_agg(core.route_feature(v_city, r, v_shortest, v_period) order by r.aversions[1])
            from unnest(v_routes) as r));
end
$$;

comment on function core.safe_routes(geometry, geometry, timestamptz, float8[]) is
'The walks of api.safe_routes between two points (EPSG:4326), as a GeoJSON FeatureCollection.';
revoke all on function core.safe_routes(geometry, geometry, timestamptz, float8[]) from public;
grant execute on function core.safe_routes(geometry, geometry, timestamptz, float8[]) to saferoute_api;

-- source: sql/functions/routing/snap_position.sql sha256:e2b099c16329932e02f3ba6477af7138d06ed3d93bc4c6bb44437496dcd754bd
create or replace function core.snap_position(
    p_city core.cities,
    p_position geometry,
    out edge_id bigint,
    out fraction float8,
    out distance_m float8
)
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_reach_m constant float8 := 300;
    v_at constant geometry := st_transform(p_position, p_city.utm_srid);
    v_point constant point := v_at::point;
    -- A cursor, since the planner counts on reading only its beginning: it walks the index outwards from the position.
    v_nearest_first cursor for
        select l.edge_id, l.bounds <-> v_point as box_distance_m
        from core.road_links as l
        where l.city_id = p_city.city_id
        order by l.bounds <-> v_point;
    v_line geometry;
begin
    -- The box of an edge is never farther than the edge: once boxes are farther than the nearest edge, it is final. Lines
    -- are looked up one by one, for a handful of links: with a join hundreds were transformed, in 8 ms.
    for v_near in v_nearest_first loop
        exit when v_near.box_distance_m >= coalesce(distance_m, v_reach_m);
        select st_transform(e.geom, p_city.utm_srid) into strict v_line
        from core.road_edges as e
        where e.edge_id = v_near.edge_id;
        if st_distance(v_line, v_at) < coalesce(distance_m, v_reach_m) then
            edge_id := v_near.edge_id;
            fraction := st_linelocatepoint(v_line, v_at);
            distance_m := st_distance(v_line, v_at);
        end if;
    end loop;
    if edge_id is null then
        perform core.fail('SR011', st_astext(p_position));
    end if;
end
$$;

comment on function core.snap_position(core.cities, geometry) is
'Where a walk from p_position (EPSG:4326) begins: the nearest point along the nearest edge of the largest component, as the fraction of the edge from its source; SR011 beyond 300 m.';
revoke all on function core.snap_position(core.cities, geometry) from public;
grant execute on function core.snap_position(core.cities, geometry) to saferoute_api;

-- source: sql/functions/routing/step_instruction.sql sha256:9046a5e46c2c344348d38c725c1c3b625663cc28bd165408305ceed5bd76a842
create or replace function core.step_instruction(p_heading float8, p_turn float8, p_street text) returns text
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when p_heading is null then format('Stay on %s', p_street)
    when p_turn is null then format('Head %s on %s', (
        '{north,north-east,east,south-east,south,south-west,west,north-west}'::text[]
    )[1 + round(p_heading / 45)::integer % 8], p_street)
    when abs(p_turn) < 30 then format('Continue onto %s', p_street)
    else format(
        '%s %s onto %s',
        case when abs(p_turn) < 60 then 'Bear' when abs(p_turn) < 130 then 'Turn' else 'Turn sharply' end,
        case when p_turn < 0 then 'left' else 'right' end, p_street) end
$$;

comment on function core.step_instruction(float8, float8, text) is
'What to do where a step begins: p_heading in degrees from north (null for a walk of no length), p_turn in degrees, right positive, null at the start.';
revoke all on function core.step_instruction(float8, float8, text) from public;
grant execute on function core.step_instruction(float8, float8, text) to saferoute_api;

-- source: sql/functions/routing/street_name.sql sha256:03b7e49dba41560d78fa8b4479c8758f2ca34dcf4d48553a2956958e35884e3e
create or replace function core.street_name(p_name text, p_highway text) returns text
language sql immutable parallel safe security invoker
as $$
select coalesce(p_name, case p_highway
    when 'footway' then 'the footpath'
    when 'path' then 'the path'
    when 'steps' then 'the steps'
    when 'track' then 'the track'
    when 'cycleway' then 'the cycle path'
    when 'pedestrian' then 'the pedestrian street'
    when 'service' then 'the service road'
    else 'the unnamed street' end)
$$;

comment on function core.street_name(text, text) is
'What a street is called in instructions: its name, or what it is by its OSM highway tag. Inlined, so it has no search_path of its own.';
revoke all on function core.street_name(text, text) from public;
grant execute on function core.street_name(text, text) to saferoute_api;

-- source: sql/functions/routing/walking_speed.sql sha256:ef580bfefb21c2c27a2d009fd25d1d0e4735c4bf89b010325a4d36785f3855d4
create or replace function core.walking_speed() returns float8
language sql immutable parallel safe security invoker
as $$
select 1.33::float8
$$;

comment on function core.walking_speed() is
'Metres per second that durations are told with: 4.8 km/h, an unhurried adult. Inlined, so it has no search_path of its own.';
revoke all on function core.walking_speed() from public;
grant execute on function core.walking_speed() to saferoute_api;

-- source: sql/schema/900_partitions.sql sha256:e2986612bd132fcfe0a0dbfd58dcae7e1ee66d1d62dd21ff713e8e3fdff45030
-- Premake first: pg_partman then finds its children and only registers the set.
select core.ensure_partitions();
select core.register_partitions(parent) from core.partition_sets;

-- source: sql/schema/910_policies.sql sha256:fed243a4790857e301be413e3f0f151b313ba59ce60dec4b74e5edfd837906d8
-- The second wall: rows of other people do not exist for saferoute_api, whatever a function asks for.
-- No FORCE: the owner's pg_dump, and so every archive, would fail.
alter table core.journeys enable row level security;
drop policy if exists own_rows on core.journeys;
create policy own_rows on core.journeys to saferoute_api
using (user_id = (select core.current_user_id()));

alter table core.journey_points enable row level security;
drop policy if exists own_rows on core.journey_points;
create policy own_rows on core.journey_points to saferoute_api
using (user_id = (select core.current_user_id()));

alter table core.point_quarantine enable row level security;
drop policy if exists own_rows on core.point_quarantine;
create policy own_rows on core.point_quarantine to saferoute_api
using (user_id = (select core.current_user_id()));

-- source: sql/schema/920_risk.sql sha256:3c3b96d1b3710c479c2e92b272eb00397add77c51a43fe6e683ed2ef16453338
-- Statement triggers of the parent see every row that goes through it. What is done to a leaf alone does not pass here:
-- core.add_leaf moves rows without a change of risk, and a month that is dropped shows in core.city_risk_inputs.
create or replace trigger _100_keep_inserted after insert on core.crime_data
referencing new table as new_rows
for each statement execute function core.tg_crime_data__inserted();
create or replace trigger _100_keep_updated after update on core.crime_data
referencing old table as old_rows new table as new_rows
for each statement execute function core.tg_crime_data__updated();
create or replace trigger _100_keep_deleted after delete on core.crime_data
referencing old table as old_rows
for each statement execute function core.tg_crime_data__deleted();

-- source: sql/schema/920_triggers.sql sha256:e1187d85b0563105e68fc56e46ca8ec907334598ce31e28c775e51d2c396838b
create or replace trigger _100_remove_streets
after delete on core.cities
referencing old table as removed
for each statement execute function core.tg_cities__remove_streets();

-- by hand: last
insert into core.installations (digest) values
('29435ab9cc3359d2840e2a68aea4ba70d41858a4d3752402ef9428c137b8c27c');
