create or replace function core.ways_to_tell(
    p_user_id uuid
) returns table (
    contact_id uuid, contact_user_id uuid, from_name text, priority smallint, is_first boolean, language text,
    channel text, address text, endpoint_id uuid
)
language sql stable parallel safe security invoker
as $$
with people as (
    select c.*, rank() over (order by c.priority) = 1 as is_first
    from core.contacts as c
    where c.user_id = p_user_id and c.state = 'accepted'
)

select
    p.contact_id, p.contact_user_id, p.from_name, p.priority, p.is_first, p.language, w.channel, w.address, w.endpoint_id
from people as p
cross join lateral (
    select p.channel, p.address, null::uuid
    union all
    select 'voice', p.address, null
    where p.channel = 'sms'
    union all
    select 'live', null, null
    where p.contact_user_id is not null
    union all
    select e.channel, e.url, e.endpoint_id
    from core.notification_endpoints as e
    where e.user_id = p.contact_user_id
) as w (channel, address, endpoint_id)
$$;

comment on function core.ways_to_tell(uuid) is
'Every way in which a person''s emergency contacts can be told: those who have accepted, by each channel they have. is_first marks the contacts of the best priority. Inlined, so it has no search_path of its own.';
revoke all on function core.ways_to_tell(uuid) from public;
grant execute on function core.ways_to_tell(uuid) to saferoute_api, saferoute_tasks;
