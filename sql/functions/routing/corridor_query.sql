create or replace function core.corridor_query(
    p_arcs text, p_from_at point, p_to_at point, p_focal_sum_m float8
) returns text
language plpgsql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_middle constant point := (p_from_at + p_to_at) / point(2, 0);
    v_distance_m constant float8 := p_from_at <-> p_to_at;
    v_length constant float8 := p_focal_sum_m / 2;
    v_width constant float8 := sqrt(p_focal_sum_m ^ 2 - v_distance_m ^ 2) / 2;
    v_axis constant point := (p_to_at - p_from_at) / point(greatest(v_distance_m, 1e-9), 0);
    v_reach constant point := point(
        sqrt((v_length * v_axis[0]) ^ 2 + (v_width * v_axis[1]) ^ 2),
        sqrt((v_length * v_axis[1]) ^ 2 + (v_width * v_axis[0]) ^ 2));
begin
    -- offset 0 keeps the planner from computing each distance again wherever it is used.
    return format(
        $query$
        select arc as id,
            case when source_from + source_to <= %1$s then source else 0 end as source,
            case when target_from + target_to <= %1$s then target else 0 end as target,
            case when direction = -1 then -1 else greatest(0, cost + gain) end as cost,
            case when direction = 1 then -1 else greatest(0, cost - gain) end as reverse_cost
        from (
            select *, (target_to - target_from - source_to + source_from) * 0.4975 as gain
            from (
                select arc, source, target, direction, cost,
                    source_at <-> %2$L as source_from, source_at <-> %3$L as source_to,
                    target_at <-> %2$L as target_from, target_at <-> %3$L as target_to
                from (%4$s) as arcs
                offset 0
            ) as measured
        ) as reduced
        where source_from + source_to <= %1$s or target_from + target_to <= %1$s
        $query$,
        p_focal_sum_m, p_from_at, p_to_at, replace(p_arcs, '$bounds', box(v_middle - v_reach, v_middle + v_reach)::text));
end
$$;

comment on function core.corridor_query(text, point, point, float8) is
'The rows of pgr_dijkstra for the arcs of p_arcs inside the ellipse with foci p_from_at and p_to_at (metres) and this focal sum: everything outside is vertex 0, and costs are reduced by straight-line lengths. docs/explanations/routing.md has the argument.';
revoke all on function core.corridor_query(text, point, point, float8) from public;
grant execute on function core.corridor_query(text, point, point, float8) to saferoute_api;
