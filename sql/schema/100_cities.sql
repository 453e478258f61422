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
