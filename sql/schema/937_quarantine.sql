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
