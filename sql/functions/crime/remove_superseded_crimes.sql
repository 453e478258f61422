create or replace function core.remove_superseded_crimes(p_table regclass) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_removed bigint;
begin
    execute format(
        'delete from %s as d where not exists (
            select from core.crime_key as k
            where k.source = d.source and k.source_id = d.source_id and k.occurred_at = d.occurred_at and k.cell = d.cell
        )', p_table
    );
    get diagnostics v_removed = row_count;
    return v_removed;
end
$$;

comment on function core.remove_superseded_crimes(regclass) is
'Remove from a table of crimes that comes out of an archive what its publisher has corrected or withdrawn meanwhile; how many rows.';
revoke all on function core.remove_superseded_crimes(regclass) from public;
