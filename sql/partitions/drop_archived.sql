create or replace function core.drop_archived(p_archive_id bigint, p_period regclass) returns boolean
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_archive core.partition_archives;
    v_is_archived boolean;
begin
    if exists (select from pg_catalog.pg_inherits as i where i.inhrelid = p_period) then
        raise exception using errcode = 'object_not_in_prerequisite_state', message = format('%s has not been detached', p_period);
    end if;
    select * into strict v_archive from core.partition_archives where archive_id = p_archive_id for update;
    execute format('lock table %s in access exclusive mode', p_period);
    select
        sum(c.digest) = v_archive.content_digest
        and jsonb_object_agg(c.leaf, c.row_count) = v_archive.leaf_rows
        and v_archive.dropped_at is null
        and v_archive.superseded_by is null
    into v_is_archived
    from core.leaf_contents(p_period) as c;
    if v_is_archived is not true then
        return false;
    end if;
    delete from core.known_periods as k where k.period = p_period;
    execute format('drop table %s', p_period);
    update core.partition_archives set dropped_at = now() where archive_id = p_archive_id;
    return true;
end
$$;

comment on function core.drop_archived(bigint, regclass) is
'Drop a detached period whose rows are, one and all, those of this archive; false, and nothing done, where they are not.';
revoke all on function core.drop_archived(bigint, regclass) from public;
