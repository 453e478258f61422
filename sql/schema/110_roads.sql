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
