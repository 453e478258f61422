create or replace function core.swap_rejects(p_reason text) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_load core.crime_loads;
    v_waiting bigint [];
    v_rows bigint;
    v_fixed bigint := 0;
begin
    for v_load in
        select l.* from core.crime_loads as l
        where l.publisher is not null and exists (
            select from core.crime_rejects as r where r.load_id = l.load_id and r.reason = p_reason and r.settled_at is null
        )
        order by l.load_id
    loop
        v_waiting := array(
            select r.reject_id from core.crime_rejects as r
            where r.load_id = v_load.load_id and r.reason = p_reason and r.settled_at is null
        );
        -- What can be loaded as it is needs no swap.
        perform core.read_rejects(v_load, v_waiting);
        v_waiting := array(select c.line_number from core.crime_candidates as c where c.action = 'rejected');
        perform core.read_rejects(v_load, v_waiting, true);
        update core.crime_rejects as r set fixed = s.fields
        from core.crime_candidates as c
        inner join core.crime_staging as s on s.line_number = c.line_number
        where c.action = 'loaded' and r.reject_id = c.line_number;
        get diagnostics v_rows = row_count;
        v_fixed := v_fixed + v_rows;
        delete from core.crime_candidates;
        delete from core.crime_staging;
    end loop;
    return v_fixed;
end
$$;

comment on function core.swap_rejects(text) is
'Exchange the coordinates of the waiting rejects of this reason that can be loaded with them exchanged, and only so; how many were fixed.';
revoke all on function core.swap_rejects(text) from public;
