create or replace function core.remove_erased(p_table regclass) returns bigint
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_user_column text;
    v_removed bigint;
begin
    select d.user_column into v_user_column
    from core.user_data as d
    inner join core.partition_sets as s on s.parent = d.relation
    where 4 = (
        select count(*)
        from pg_catalog.pg_attribute as a
        where a.attrelid = p_table and a.attname in (d.user_column, s.control, 'cell', 'journey_id') and not a.attisdropped
    );
    if v_user_column is null or not exists (select from core.erasures) then
        return 0;
    end if;
    -- Who was erased and walks again keeps the new walks: their journeys stand.
    execute format(
        $q$
        with erased as materialized (
            select u.user_id
            from (select distinct t.%2$I as user_id from %1$s as t) as u
            where exists (select from core.erasures as e where e.user_digest = core.user_digest(u.user_id))
        )
        delete from %1$s as t using erased as e
        where t.%2$I = e.user_id and not exists (
            select from core.journeys as j
            where j.journey_id = t.journey_id and j.user_id = e.user_id and j.erasing_since is null
        )
        $q$,
        p_table, v_user_column
    );
    get diagnostics v_removed = row_count;
    return v_removed;
end
$$;

comment on function core.remove_erased(regclass) is
'Remove from a table that was loaded from an archive the rows of people who have been erased since; how many. 0 where the table holds nothing of people.';
revoke all on function core.remove_erased(regclass) from public;
