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
    erasing_since timestamptz,
    check (ended_at >= started_at)
);
comment on table core.journeys is 'One walk of one person. Its id is made by the client (UUIDv7), so a retry is harmless.';
comment on column core.journeys.journey_id is 'Made by the app.';
comment on column core.journeys.user_id is 'Whose walk it is.';
comment on column core.journeys.started_at is 'As the app said, or when the server heard of it.';
comment on column core.journeys.ended_at is 'Null while it goes on.';
comment on column core.journeys.origin is 'Where it began, WGS 84.';
comment on column core.journeys.destination is 'Where it was to lead, WGS 84; null where the app did not say.';
comment on column core.journeys.created_at is 'When the server first heard of it.';
comment on column core.journeys.cell is 'Geohash-5 of the origin: the shard the journey and its points live in.';
comment on column core.journeys.points_from is 'Start of the first UTC day it has points on, so that reading them prunes partitions; null without points.';
comment on column core.journeys.points_until is 'End of the last such day, exclusive.';
comment on column core.journeys.cells is 'Geohash-5 cells its points stand in, for the same reason.';
comment on column core.journeys.erasing_since is 'When the erasure of its person began: from then on no call of theirs finds it, and nothing is added to it.';
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
comment on column core.journey_points.journey_id is 'The walk it belongs to.';
comment on column core.journey_points.recorded_at is 'By the clock of the phone.';
comment on column core.journey_points.geom is 'WGS 84.';
comment on column core.journey_points.speed_mps is 'Metres per second, as the phone said.';
comment on column core.journey_points.accuracy_m is 'Metres, as the phone said.';
comment on column core.journey_points.battery_pct is 'Charge of the phone, per cent.';
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
    reason text not null check (reason in ('unreadable', 'time', 'ended', 'position', 'far', 'period')),
    point json not null,
    digest uuid not null,
    fixed json,
    recorded_at timestamptz,
    unique (journey_id, digest)
);
comment on table core.point_quarantine is 'Points that could not be stored, whole, with the reason; the rest of their batch was.';
comment on column core.point_quarantine.quarantine_id is 'A running number.';
comment on column core.point_quarantine.journey_id is 'The walk it was sent for.';
comment on column core.point_quarantine.user_id is 'Who sent it.';
comment on column core.point_quarantine.received_at is 'When the server got it.';
comment on column core.point_quarantine.reason is 'unreadable: a value has no meaning; time: none, without zone, over 29 days old or over 10 minutes ahead; ended: after the end of the journey; position: off the Earth; far: over 300 km from its origin, as when longitude and latitude are swapped; period: its day has no partition, because upkeep has not run for days or because it is older than what is kept.';
comment on column core.point_quarantine.point is 'As it was sent: json, because jsonb refuses some of what can arrive (\u0000, 1e999999).';
comment on column core.point_quarantine.digest is 'MD5 of the point: the same batch again adds nothing.';
comment on column core.point_quarantine.fixed is 'What an operator has made of it, which is what a replay stores; null where nobody has.';
comment on column core.point_quarantine.recorded_at is 'The time in the point, or in what it was fixed to; null where there is none that can be read.';
create index if not exists point_quarantine_reason on core.point_quarantine (reason, quarantine_id);
grant select, insert on core.point_quarantine to saferoute_api;
