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
    refreshed_at timestamptz not null default now(),
    absent_periods timestamptz[] not null default '{}'
);
comment on table core.city_risk is 'What the risk sums of a city were made from: where it differs from now, they are made anew.';
comment on column core.city_risk.categories is 'Severity and street violence by category, as they were weighed.';
comment on column core.city_risk.oldest_period is 'Start of the oldest month of crimes: when it is dropped, its crimes leave without a trigger.';
comment on column core.city_risk.absent_periods is 'core.absent_periods of the crimes: a month that is retired or restored comes and goes without a trigger.';
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
