create or replace function core.step_instruction(p_heading float8, p_turn float8, p_street text) returns text
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when p_heading is null then format('Stay on %s', p_street)
    when p_turn is null then format('Head %s on %s', (
        '{north,north-east,east,south-east,south,south-west,west,north-west}'::text[]
    )[1 + round(p_heading / 45)::integer % 8], p_street)
    when abs(p_turn) < 30 then format('Continue onto %s', p_street)
    else format(
        '%s %s onto %s',
        case when abs(p_turn) < 60 then 'Bear' when abs(p_turn) < 130 then 'Turn' else 'Turn sharply' end,
        case when p_turn < 0 then 'left' else 'right' end, p_street) end
$$;

comment on function core.step_instruction(float8, float8, text) is
'What to do where a step begins: p_heading in degrees from north (null for a walk of no length), p_turn in degrees, right positive, null at the start.';
revoke all on function core.step_instruction(float8, float8, text) from public;
grant execute on function core.step_instruction(float8, float8, text) to saferoute_api;
