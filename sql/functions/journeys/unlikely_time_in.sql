create or replace function core.unlikely_time_in(p_point json, p_recorded_at timestamptz, p_received_at timestamptz) returns text
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when coalesce(json_typeof(p_point -> 'recorded_at'), 'null') = 'null' then 'It has no recorded_at.'
    when p_recorded_at is null then format(
        'recorded_at is %s: no date and time with a zone, such as %s.', left((p_point -> 'recorded_at')::text, 60),
        to_char(p_received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    )
    when p_recorded_at > p_received_at then format(
        'It was recorded %s after it arrived (%s UTC); at most 10 minutes are accepted.',
        core.in_words(p_recorded_at - p_received_at), to_char(p_received_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    )
    else format(
        'It was recorded %s before it arrived (%s UTC); at most 29 days are accepted.',
        core.in_words(p_received_at - p_recorded_at), to_char(p_received_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    )
end
$$;

comment on function core.unlikely_time_in(json, timestamptz, timestamptz) is
'What is wrong with the time of a readable point that arrived at p_received_at, in a sentence.';
revoke all on function core.unlikely_time_in(json, timestamptz, timestamptz) from public;
