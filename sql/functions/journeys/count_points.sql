create or replace function core.count_points(p_points json) returns integer
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_points integer;
begin
    if coalesce(json_typeof(p_points), 'null') <> 'array' then
        perform core.fail('SR019', format('points is of type %s', coalesce(json_typeof(p_points), 'null')));
    end if;
    v_points := json_array_length(p_points);
    if v_points = 0 then
        perform core.fail('SR020');
    elsif v_points > 5000 then
        perform core.fail('SR017', format('%s points', v_points));
    end if;
    return v_points;
end
$$;

comment on function core.count_points(json) is
'How many points a batch has, 1 to 5,000: SR019 where it is no array, SR020 where it is empty, SR017 where it has more.';
revoke all on function core.count_points(json) from public;
grant execute on function core.count_points(json) to saferoute_api;
