create or replace function core.merge_region(p_prefix text) returns boolean
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_children text [] := core.child_prefixes(p_prefix);
    v_below text;
    v_label text;
begin
    perform core.check_prefix(p_prefix, 4);
    select min(b.prefix) into v_below
    from (
        select r.prefix from core.regions as r
        union all
        select l.lower_cell from core.partition_sets as s, core.periods(s.parent) as p, core.leaves(p.period) as l
    ) as b
    where starts_with(b.prefix, p_prefix) and length(b.prefix) > length(p_prefix) + 1;
    if v_below is not null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%s cannot be merged while its child %s is split: merge that first', p_prefix, left(v_below, length(p_prefix) + 1));
    end if;

    select string_agg(distinct r.label, ', ' order by r.label) into v_label
    from core.regions as r where r.prefix = any(v_children);
    if v_label is not null then
        delete from core.regions as r where r.prefix = any(v_children);
        insert into core.regions (prefix, label) values (p_prefix, v_label);
        return true;
    elsif exists (select from core.merge_plan(p_prefix)) then
        return false;
    elsif exists (select from core.regions as r where r.prefix = p_prefix) then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s is one region already', p_prefix);
    end if;
    raise exception using errcode = 'invalid_parameter_value', message = format('%s has no regions below it', p_prefix);
end
$$;

comment on function core.merge_region(text) is
'Replace the children of a prefix by the prefix itself in core.regions; false where that was done before and some leaves are still to follow.';
revoke all on function core.merge_region(text) from public;
