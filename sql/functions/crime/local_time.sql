create or replace function core.local_time(p_text text, p_time_zone text) returns timestamptz
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_text ~ '^\d{4}-\d{2}$' then
        return (p_text || '-01')::timestamp at time zone p_time_zone;
    elsif p_text !~ '^\d' then
        return null; -- PostgreSQL would also read words such as "now" and "infinity"
    elsif p_text ~* ':\d\d(\.\d+)?\s*([-+]\d\d(:?\d\d)?|z|utc|gmt)$' then
        return p_text::timestamptz;
    end if;
    return p_text::timestamp at time zone p_time_zone;
exception
    when invalid_datetime_format or datetime_field_overflow or invalid_time_zone_displacement_value then
        return null;
end
$$;

comment on function core.local_time(text, text) is
'The moment that a file means: in its own zone where it states one, else in p_time_zone; the first moment of a day or a month; null where it cannot be read.';
revoke all on function core.local_time(text, text) from public;
