create or replace function core.check_prefix(p_prefix text, p_longest integer) returns void
language plpgsql immutable security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_prefix is null or p_prefix !~ '^[0-9b-hjkmnp-z]+$' then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%s is not a geohash prefix: it is written in 0-9 and b-z without i, l and o', coalesce(p_prefix, 'null'));
    elsif length(p_prefix) > p_longest then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%s has %s characters, and cells end at five: it has no children', p_prefix, length(p_prefix));
    end if;
end
$$;

comment on function core.check_prefix(text, integer) is
'Refuse what is no geohash prefix of at most p_longest characters.';
revoke all on function core.check_prefix(text, integer) from public;
