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
comment on column core.crime_data.source_id is 'The publisher''s id, or a digest of the content where there is none, then @ the month it was published for and #n, its occurrence in that month; #fixed and the number of the reject for a row that an operator has made loadable.';
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
    loaded_at timestamptz not null default now(),
    publisher text,
    header text[],
    columns jsonb,
    srid integer,
    time_zone text,
    is_day_first boolean
);
comment on table core.crime_loads is 'One row per import of a crime file and source; loading the same file again adds none.';
comment on column core.crime_loads.file_digest is 'SHA-256 of the file.';
comment on column core.crime_loads.publisher is 'This and what follows says how the file was read, so that a rejected row can be read again.';
comment on column core.crime_loads.columns is 'Role (id, time, reported, lon, lat, category, area, force) to position in the header, from 1.';
comment on column core.crime_loads.srid is 'EPSG of its coordinates.';
comment on column core.crime_loads.time_zone is 'Of its times that state none.';
comment on column core.crime_loads.is_day_first is 'Whether 3/2/2017 is a day of February in it.';
create index if not exists crime_loads_source on core.crime_loads (source, city_id);

create table if not exists core.crime_rejects (
    reject_id bigint generated always as identity primary key,
    load_id bigint not null references core.crime_loads on delete cascade,
    line_number bigint not null,
    reason text not null,
    content jsonb not null,
    fixed text[],
    settled_at timestamptz,
    replayed_source text,
    replayed_as text
);
comment on table core.crime_rejects is 'Rows of crime files that could not be loaded, whole, with the reason. A row stays when it is settled, so that the next file that brings it does not reject it again.';
comment on column core.crime_rejects.content is 'As it came: header to field, or {"fields": [...]} where their numbers differ.';
comment on column core.crime_rejects.fixed is 'The fields, in the order of the header, as an operator has fixed them; null where nobody has.';
comment on column core.crime_rejects.settled_at is 'When it was replayed or discarded; null while it waits.';
comment on column core.crime_rejects.replayed_source is 'The source of the crime it has become.';
comment on column core.crime_rejects.replayed_as is 'The source_id of the crime it has become, which a file that still has the rejected row does not remove; null where it waits or was discarded.';
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
