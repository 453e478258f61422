-- Watched walks: what is watched for, what has happened, who may look.
create table if not exists core.watches (
    journey_id uuid primary key,
    user_id uuid not null,
    state text not null check (state in ('planned', 'active', 'late', 'overdue', 'alarm', 'ended')),
    reason text,
    state_since timestamptz not null,
    starts_at timestamptz not null,
    expected_at timestamptz,
    check_in_every interval,
    silence_after interval,
    grace interval not null,
    battery_floor real,
    deviation_m real,
    route geometry (linestring, 4326),
    route_m geometry,
    destination_m geometry,
    checked_in_at timestamptz,
    heard_at timestamptz,
    last_position geometry (point, 4326),
    pace_mps real,
    eta timestamptz,
    told_eta timestamptz,
    arriving_since timestamptz,
    off_route_since timestamptz,
    off_route_points integer not null default 0,
    strayed_at timestamptz,
    is_straying_known boolean not null default false,
    crossed_at timestamptz,
    battery_pct real,
    is_battery_low boolean not null default false,
    warned_for timestamptz,
    is_alarm_due boolean not null default false,
    alert_id uuid,
    last_seq bigint not null default 0,
    next_look_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    check ((ended_at is not null) = (state = 'ended')),
    check ((next_look_at is null) = (state = 'ended')),
    check (state = 'overdue' or not is_alarm_due)
)
-- A look writes the row, and the route is not part of what it reads or writes.
with (fillfactor = 70, toast_tuple_target = 128);
comment on table core.watches is 'The watch of a walk: one row per watched journey. Only core.move_watch changes its state.';
comment on column core.watches.journey_id is 'The walk.';
comment on column core.watches.user_id is 'The walker.';
comment on column core.watches.state is 'planned: has not begun; active: all is well; late: something is not as planned and the walker was told; overdue: they have not reacted; alarm: an alert was raised; ended.';
comment on column core.watches.reason is 'Why it is in this state: the cause (overdue, check_in, silence, deviation, geofence) or what ended the concern or the watch.';
comment on column core.watches.state_since is 'When it came into this state. The next step is never sooner than grace after it.';
comment on column core.watches.starts_at is 'When the watch begins.';
comment on column core.watches.expected_at is 'When the walker means to have arrived; null where nobody waits for that.';
comment on column core.watches.check_in_every is 'How often the walker says that all is well; null: not at all.';
comment on column core.watches.silence_after is 'Without a position for so long, something may be wrong; null: never.';
comment on column core.watches.grace is 'How long the walker has to react, from late to overdue and from there to the alarm.';
comment on column core.watches.battery_floor is 'Below this charge (per cent) the battery is low; null: it is not watched.';
comment on column core.watches.deviation_m is 'Metres from the route that are still on it; null without a route.';
comment on column core.watches.route is 'The planned way, WGS 84.';
comment on column core.watches.route_m is 'The same in metres, in the UTM zone of its beginning.';
comment on column core.watches.destination_m is 'Where the walk leads to, in metres of the same zone; null where nobody said.';
comment on column core.watches.checked_in_at is 'When the walker last said that all is well.';
comment on column core.watches.heard_at is 'When the newest position that was looked at was recorded. Positions recorded before it are not looked at later.';
comment on column core.watches.last_position is 'That position, WGS 84.';
comment on column core.watches.pace_mps is 'How fast the walker gets on, smoothed over some two minutes, metres per second; null before it is known.';
comment on column core.watches.eta is 'When the walker will arrive, as estimated from there.';
comment on column core.watches.told_eta is 'The arrival that watchers were last told.';
comment on column core.watches.arriving_since is 'Since when every position was at the destination.';
comment on column core.watches.off_route_since is 'Since when every position was off the route.';
comment on column core.watches.off_route_points is 'How many these are.';
comment on column core.watches.strayed_at is 'When it was sure that the walker had left the route; null where they have not, or have said that all is well.';
comment on column core.watches.is_straying_known is 'The walker has said that all is well although they are off the route: it counts again once they have been back.';
comment on column core.watches.crossed_at is 'The oldest crossed_at of its areas.';
comment on column core.watches.battery_pct is 'Charge of the phone as last heard, per cent.';
comment on column core.watches.is_battery_low is 'It is below battery_floor, or has been and is not yet 5 above.';
comment on column core.watches.warned_for is 'The check-in of which the walker was reminded.';
comment on column core.watches.is_alarm_due is 'Nothing is left but to raise the alert, which tasks.sound_alarm does in a transaction of its own.';
comment on column core.watches.alert_id is 'The alert that was raised last.';
comment on column core.watches.last_seq is 'seq of the newest event.';
comment on column core.watches.next_look_at is 'When the sweep looks at it again; null once it has ended.';
comment on column core.watches.ended_at is 'When the watch ended.';
comment on column core.watches.created_at is 'When the server first heard of it.';
create index if not exists watches_due on core.watches (next_look_at) where next_look_at is not null;
create index if not exists watches_alarm_due on core.watches (state_since) where is_alarm_due;
create index if not exists watches_user on core.watches (user_id);

create table if not exists core.journey_events (
    journey_id uuid not null,
    seq bigint not null,
    user_id uuid not null,
    event text not null,
    from_state text,
    state text not null,
    reason text,
    eta timestamptz,
    content jsonb,
    at timestamptz not null,
    primary key (journey_id, seq)
);
comment on table core.journey_events is 'What has happened to each walk while it was watched or shared, in order; only added to.';
comment on column core.journey_events.journey_id is 'The walk.';
comment on column core.journey_events.seq is 'Microseconds since 1970, and always more than before within the walk: it is taken under the lock of the watch, so that commits come in its order.';
comment on column core.journey_events.user_id is 'The walker.';
comment on column core.journey_events.event is 'state: it changed; eta: the expected arrival changed; settings, check_in, check_in_due, battery_low, battery_ok, geofence: for the walker only.';
comment on column core.journey_events.from_state is 'The state before; null where it is the first one or has not changed.';
comment on column core.journey_events.state is 'The state from then on.';
comment on column core.journey_events.reason is 'Why.';
comment on column core.journey_events.eta is 'When the walker was expected or estimated to arrive.';
comment on column core.journey_events.content is 'What belongs to the event.';
comment on column core.journey_events.at is 'When it happened.';
create index if not exists journey_events_user on core.journey_events (user_id);

create table if not exists core.journey_shares (
    share_id uuid primary key,
    journey_id uuid not null,
    user_id uuid not null,
    digest bytea not null unique check (length(digest) = 32),
    precision text not null check (precision in ('exact', 'street', 'area')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);
comment on table core.journey_shares is 'Links by which others may watch a walk, without an account. The path that they show begins when they were made.';
comment on column core.journey_shares.share_id is 'UUIDv7.';
comment on column core.journey_shares.journey_id is 'The walk.';
comment on column core.journey_shares.user_id is 'The walker.';
comment on column core.journey_shares.digest is 'SHA-256 of the token in the link: 256 random bits.';
comment on column core.journey_shares.precision is 'exact: positions as recorded; street: on a grid of 100 m; area: of 1 km.';
comment on column core.journey_shares.created_at is 'When it was made.';
comment on column core.journey_shares.expires_at is 'It shows nothing from then on.';
comment on column core.journey_shares.revoked_at is 'When the walker took it back; null where they have not.';
create index if not exists journey_shares_journey on core.journey_shares (journey_id);
create index if not exists journey_shares_user on core.journey_shares (user_id);

create table if not exists core.geofences (
    journey_id uuid not null,
    geofence_id uuid not null,
    user_id uuid not null,
    kind text not null check (kind in ('arrive', 'leave', 'enter', 'risk')),
    name text check (length(name) between 1 and 60),
    area geometry (polygon, 4326),
    min_risk real check (min_risk > 0 and min_risk <= 1),
    is_inside boolean,
    crossed_at timestamptz,
    added_at timestamptz not null default now(),
    primary key (journey_id, geofence_id),
    check ((area is null) = (kind = 'risk')),
    check ((min_risk is not null) = (kind = 'risk'))
);
comment on table core.geofences is 'Areas of a watched walk: told when the walker arrives, and a concern when they leave or enter.';
comment on column core.geofences.journey_id is 'The walk.';
comment on column core.geofences.geofence_id is 'Made by the app; one of the walk.';
comment on column core.geofences.user_id is 'The walker.';
comment on column core.geofences.kind is 'arrive: told when the walker comes into the area; leave: a concern when they leave it; enter: when they come into it; risk: when they come into a street of at least min_risk at that hour.';
comment on column core.geofences.name is 'What the walker calls it.';
comment on column core.geofences.area is 'WGS 84; null for risk.';
comment on column core.geofences.min_risk is '0 to 1; only for risk.';
comment on column core.geofences.is_inside is 'Whether the last position was in it; null before the first one.';
comment on column core.geofences.crossed_at is 'Since when it is a concern: the walker has left it, or come into it, and has not said that all is well.';
comment on column core.geofences.added_at is 'When it was added.';
create index if not exists geofences_user on core.geofences (user_id);

grant select, insert, update on core.watches to saferoute_api, saferoute_tasks;
grant select, insert on core.journey_events to saferoute_api, saferoute_tasks;
grant select, insert, update on core.journey_shares to saferoute_api;
grant select, insert, update, delete on core.geofences to saferoute_api;
grant select, update on core.geofences to saferoute_tasks;
grant select on core.journeys, core.journey_points to saferoute_tasks;
grant select on core.watches, core.journey_events, core.journey_shares, core.journeys, core.journey_points to saferoute_live;
grant select (user_id, contact_user_id, state) on core.contacts to saferoute_live;
grant select (alert_id, user_id, journey_id, state) on core.alerts to saferoute_live;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
('core.watches', 'user_id', 70, null, 'What you had your walks watched for, and how that stood.', '{route_m,destination_m}'),
('core.journey_events', 'user_id', 71, null, 'What happened on your watched walks.', '{}'),
('core.journey_shares', 'user_id', 72, null, 'Links by which others could watch your walks.', '{digest}'),
('core.geofences', 'user_id', 73, null, 'Areas of your watched walks.', '{}')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;
