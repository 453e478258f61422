create or replace function core.add_leaf(p_period regclass, p_prefix text) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set role = 'saferoute_owner' -- whoever calls: what a superuser made, the owner could not archive
set lock_timeout = '5s'
as $$
declare
    v_schema text;
    v_name text;
    v_default regclass;
    v_moved bigint := 0;
begin
    if p_prefix !~ '^[0-9b-hjkmnp-z]{1,5}$' then
        raise exception using errcode = 'invalid_parameter_value', message = format('%L is not a geohash prefix', p_prefix);
    end if;
    if exists (
        select from core.leaves(p_period) as l
        where p_prefix collate "C" >= l.lower_cell collate "C" and p_prefix collate "C" < l.upper_cell collate "C"
    ) then
        return 0;
    end if;
    select n.nspname, c.relname into v_schema, v_name
    from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_period;
    select l.leaf into v_default from core.leaves(p_period) as l where l.lower_cell is null;

    execute format(
        'create table %1$I.%2$I (like %1$I.%3$I including defaults including constraints including storage)',
        v_schema, v_name || '_' || p_prefix, v_name
    );
    if v_default is not null then
        -- The period and not only the leaf: an insert that has looked up its leaf before the attach would fail the
        -- default leaf's new constraint after it.
        execute format('lock table only %s in access exclusive mode', p_period);
        execute format('lock table %s in access exclusive mode', v_default);
        execute format(
            'with moved as (delete from %1$s where cell >= $1 and cell < $2 returning *) insert into %2$I.%3$I select * from moved',
            v_default, v_schema, v_name || '_' || p_prefix
        ) using p_prefix, p_prefix || '~';
        get diagnostics v_moved = row_count;
    end if;
    execute format(
        'alter table %s attach partition %I.%I for values from (%L) to (%L)',
        p_period, v_schema, v_name || '_' || p_prefix, p_prefix, p_prefix || '~'
    );
    return v_moved;
end
$$;

comment on function core.add_leaf(regclass, text) is
'Give a period a leaf for the cells that begin with p_prefix, and move their rows out of its default leaf; the number of rows moved. Changes nothing where a leaf already holds them. Who reads or writes the period waits to the end of the transaction: for periods nobody uses yet; others are for `saferoute partitions regions fill`.';
revoke all on function core.add_leaf(regclass, text) from public;
