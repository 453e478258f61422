create or replace function core.replay_crimes(p_reject_ids bigint[]) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_load core.crime_loads;
    v_settled bigint;
    v_done bigint := 0;
begin
    perform pg_advisory_xact_lock(hashtext('saferoute import'));
    for v_load in
        select l.* from core.crime_loads as l
        where l.publisher is not null and l.load_id in (
            select r.load_id from core.crime_rejects as r where r.reject_id = any(p_reject_ids) and r.settled_at is null
        )
        order by l.load_id
    loop
        perform core.read_rejects(v_load, p_reject_ids);
        perform core.number_replayed_crimes();
        update core.crime_rejects as r set settled_at = now(), replayed_source = c.source, replayed_as = c.source_id
        from core.crime_candidates as c
        where r.reject_id = c.line_number and c.action in ('loaded', 'unchanged');
        get diagnostics v_settled = row_count;
        v_done := v_done + v_settled;
        -- Only what is new is written, and nothing has vanished: this is not the whole of any month.
        delete from core.crime_candidates as c where c.action <> 'loaded';
        perform core.write_crimes();
        delete from core.crime_candidates;
        delete from core.crime_staging;
    end loop;
    return v_done;
end
$$;

comment on function core.replay_crimes(bigint[]) is
'Load those of the given rejects that can be loaded now, as they were fixed or else as they came; how many are settled by it. No other row is touched, nor what their source covers. Imports wait meanwhile; the risk has to be refreshed.';
revoke all on function core.replay_crimes(bigint[]) from public;
