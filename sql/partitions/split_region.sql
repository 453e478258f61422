create or replace function core.split_region(p_prefix text) returns boolean
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_label text;
begin
    perform core.check_prefix(p_prefix, 4);
    delete from core.regions as r where r.prefix = p_prefix returning r.label into v_label;
    if found then
        insert into core.regions (prefix, label) select u.prefix, v_label from unnest(core.child_prefixes(p_prefix)) as u (prefix);
        return true;
    elsif exists (select from core.split_plan(p_prefix)) then
        return false;
    elsif exists (select from core.regions as r where starts_with(r.prefix, p_prefix)) then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s has been split already', p_prefix);
    end if;
    raise exception using errcode = 'invalid_parameter_value', message = format('%s is not a region', p_prefix);
end
$$;

comment on function core.split_region(text) is
'Replace a region by its 32 children in core.regions; false where that was done before and some leaves are still to follow.';
revoke all on function core.split_region(text) from public;
