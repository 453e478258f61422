create or replace function core.limits_of_message(p_channel text, p_address text, p_country text, p_prefix text, p_cost numeric)
returns table (scope text, subject text, period interval, amount numeric, counted numeric)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
with subjects (n, scope, subject, counted) as (
    values
    (1, 'number', encode(sha256(convert_to(p_address, 'UTF8')), 'hex'), 1),
    (2, 'prefix', p_prefix, 1),
    (3, 'country', p_country, 1),
    (4, 'spend', '*', p_cost)
)

select s.scope, s.subject, l.period, l.amount, s.counted
from subjects as s
inner join core.message_limits as l
    on l.channel = p_channel and s.scope = l.scope and l.subject = (
        select m.subject from core.message_limits as m
        where m.channel = p_channel and m.scope = s.scope and m.subject in ('*', s.subject)
        order by m.subject = '*'
        limit 1
    )
order by s.n, l.period
$$;

comment on function core.limits_of_message(text, text, text, text, numeric) is
'The limits a message has to pass, in the order in which they refuse: how much there is in which period, under what it is counted, and how much it takes.';
revoke all on function core.limits_of_message(text, text, text, text, numeric) from public;
grant execute on function core.limits_of_message(text, text, text, text, numeric) to saferoute_api, saferoute_auth;
