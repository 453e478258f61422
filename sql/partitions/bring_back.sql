create or replace function core.bring_back(
    p_archive_id bigint, p_table regclass, p_keep interval, p_is_beside boolean,
    out erased bigint, out superseded bigint, out already_there bigint, out brought_back bigint, out stands_as regclass
)
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_archive core.partition_archives;
begin
    select * into strict v_archive from core.partition_archives where archive_id = p_archive_id;
    superseded := 0;
    erased := core.remove_erased(p_table);
    if p_is_beside then
        select c.oid into stands_as
        from core.partition_archives as a inner join pg_catalog.pg_class as c on c.oid = a.restored_as
        where a.parent = v_archive.parent and a.lower_bound = v_archive.lower_bound;
    else
        if v_archive.parent = 'core.crime_data'::regclass then
            -- No import corrects a crime between the look at its key and its return.
            perform pg_advisory_xact_lock(hashtext('saferoute import'));
            superseded := core.remove_superseded_crimes(p_table);
        end if;
        execute format('lock table %s in share update exclusive mode', v_archive.parent);
        select p.period into stands_as from core.periods(v_archive.parent) as p where p.lower_bound = v_archive.lower_bound;
    end if;
    execute format('select count(*) from %s', p_table) into brought_back;
    already_there := brought_back;

    if stands_as is not null then
        -- Through the parent, whose triggers tell the risk.
        execute format(
            'insert into %s select * from %s on conflict do nothing',
            case when p_is_beside then stands_as else v_archive.parent end, p_table
        );
        get diagnostics brought_back = row_count;
        execute format('drop table %s', p_table);
    else
        stands_as := p_table;
        if p_is_beside then
            perform core.rename_period(p_table, core.period_name(v_archive.parent, v_archive.lower_bound) || '_restored');
        else
            perform core.attach_period(v_archive.parent, v_archive.lower_bound, p_table);
        end if;
    end if;
    already_there := already_there - brought_back;

    update core.partition_archives as a
    set
        restored_at = now(),
        restored_as = case when p_is_beside then stands_as end,
        keep_until = now() + p_keep
    where a.archive_id = p_archive_id;
    if not p_is_beside then
        perform core.drop_beside(v_archive.restored_as);
    end if;
end
$$;

comment on function core.bring_back(bigint, regclass, interval, boolean) is
'Let the rows of an archive, loaded into p_table, be part of their set again or stand beside it, without those of people erased since and, in the set, of crimes corrected since. Where such a table stands, rows that it lacks join it. Counts rows removed and rows that were there already.';
revoke all on function core.bring_back(bigint, regclass, interval, boolean) from public;
