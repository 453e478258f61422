create or replace function core.erase_points(p_user_id uuid, p_limit bigint)
returns table (leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_place record;
    v_left bigint := p_limit;
begin
    -- The days and cells of the journeys say which leaves to look in, and the key (journey_id, ...) where.
    for v_place in
        select t.leaf, array_agg(j.journey_id) as journeys
        from core.user_tables() as t
        inner join core.journeys as j
            on j.user_id = p_user_id
            and j.points_from < coalesce(t.upper_bound, 'infinity')
            and j.points_until > coalesce(t.lower_bound, '-infinity')
            and (t.lower_cell is null or exists (
                select from unnest(j.cells) as u (cell)
                where u.cell collate "C" >= t.lower_cell collate "C" and u.cell collate "C" < t.upper_cell collate "C"
            ))
        where t.relation = 'core.journey_points'::regclass
        group by t.leaf, t.lower_bound
        order by t.lower_bound, t.leaf
    loop
        execute format(
            'delete from only %1$s where ctid = any(array('
            'select ctid from only %1$s where journey_id = any($1) and user_id = $2 limit $3))',
            v_place.leaf
        ) using v_place.journeys, p_user_id, v_left;
        get diagnostics removed = row_count;
        continue when removed = 0;
        leaf := v_place.leaf;
        return next;
        v_left := v_left - removed;
        exit when v_left <= 0;
    end loop;
end
$$;

comment on function core.erase_points(uuid, bigint) is
'Remove up to p_limit positions of a person''s journeys, oldest days first; from which leaves, and how many. It locks these leaves as an insert does, and not the set.';
revoke all on function core.erase_points(uuid, bigint) from public;
