create or replace function core.alert_problems(
    p_alert_id uuid
) returns table (alert_id uuid, number integer, problem text)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
with events as (
    select
        e.*,
        a.user_id is null as is_erased,
        row_number() over in_order as place,
        lag(e.digest) over in_order as digest_before
    from core.alert_events as e
    inner join core.alerts as a using (alert_id)
    where p_alert_id is null or e.alert_id = p_alert_id
    window in_order as (partition by e.alert_id order by e.number)
),

ends as (
    select distinct on (e.alert_id) e.alert_id, e.number, e.digest
    from events as e
    order by e.alert_id, e.number desc
)

select e.alert_id, e.number, p.problem
from events as e
cross join lateral (values
    ('an event before it is missing', e.number <> e.place),
    (
        'it does not follow the event before it',
        e.previous_digest <> coalesce(e.digest_before, sha256(uuid_send(e.alert_id)))
    ),
    (
        'it was changed',
        e.digest <> core.event_digest(e.previous_digest, e.number, e.event, e.at, e.delivery_id, e.content_digest)
    ),
    ('its content was changed', e.content_digest <> sha256(e.salt || convert_to(e.content::text, 'UTF8'))),
    ('its content is missing', not e.is_erased and (e.salt is null or e.content is null))
) as p (problem, is_so)
where p.is_so
union all
select a.alert_id, c.number, 'events after the last one are missing'
from core.alerts as a
left join core.alert_chains as c using (alert_id)
left join ends as l using (alert_id)
where (p_alert_id is null or a.alert_id = p_alert_id) and (l.number, l.digest) is distinct from (c.number, c.digest)
order by 1, 2, 3
$$;

comment on function core.alert_problems(uuid) is
'What is wrong with the chain of an alert, or with any where p_alert_id is null: no row where all is as it was written. Content that an erasure has taken out is not missed.';
revoke all on function core.alert_problems(uuid) from public;
