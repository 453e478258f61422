create or replace function core.in_words(p_span interval) returns text
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select to_char(floor(s.seconds / u.length), 'FM999,999,999,999') || ' ' || u.name
from (select abs(extract(epoch from p_span)) as seconds) as s
cross join (values (86400, 'days'), (3600, 'hours'), (60, 'minutes'), (1, 'seconds')) as u (length, name)
where s.seconds >= 2 * u.length or u.length = 1
order by u.length desc
limit 1
$$;

comment on function core.in_words(interval) is
'A length of time as people say it, in the largest unit it has two of: 20,781 days, 3 minutes; its sign is left to the sentence.';
revoke all on function core.in_words(interval) from public;
