create or replace function core.week_part(p_week_hour integer) returns integer
language sql immutable parallel safe security invoker
as $$
select case
    when p_week_hour = 0 then 0
    else case when (p_week_hour - 1) % 24 between 6 and 17 then 1 when (p_week_hour - 1) % 24 between 18 and 22 then 2 else 3 end
        + case when p_week_hour > 24 then 3 else 0 end
end
$$;

comment on function core.week_part(integer) is
'The part of the week of a core.week_hour: day (6 to 18), evening (18 to 23) and night, 1 to 3 on weekdays and 4 to 6 at weekends; 0 stays 0. Inlined, so it has no search_path of its own and is not strict.';
revoke all on function core.week_part(integer) from public;
