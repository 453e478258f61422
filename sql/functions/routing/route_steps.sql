create or replace function core.route_steps(p_legs core.leg[]) returns json
language plpgsql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return (
        with turns as (
            select l.*, t.heading, t.turn,
                l.street is distinct from lag(l.street) over (order by l.leg) or abs(t.turn) > 60 as is_new
            from unnest(p_legs) as l inner join core.leg_turns(p_legs) as t on t.leg = l.leg
        ),

        numbered as (
            select turns.*, count(*) filter (where turns.is_new) over (order by turns.leg) as step from turns
        ),

        steps as (
            select n.step, min(n.street) as street, sum(n.length_m) as length_m, sum(n.length_m * n.risk) as exposure_m,
                min(n.risk) as least_risk,
                (array_agg(n.heading order by n.leg))[1] as heading, (array_agg(n.turn order by n.leg))[1] as turn
            from numbered as n
            group by n.step
        )

        select json_agg(json_build_object(
            'instruction', core.step_instruction(s.heading, s.turn, s.street),
            'street', s.street,
            'metres', round(s.length_m::numeric, 1),
            'risk', round(coalesce(s.exposure_m / nullif(s.length_m, 0), s.least_risk)::numeric, 4)
        ) order by s.step)
        from steps as s
    );
end
$$;

comment on function core.route_steps(core.leg[]) is
'The legs as steps of {instruction, street, metres, risk}: a new one where the street changes or bends by more than 60 degrees.';
revoke all on function core.route_steps(core.leg[]) from public;
grant execute on function core.route_steps(core.leg[]) to saferoute_api;
