create or replace function core.quarantine_reasons() returns table (kind text, reason text, meaning text)
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
values
    ('point', 'unreadable', 'not an object, or a value that is no number, no date'),
    ('point', 'time', 'no time with a zone, over 29 days old or over 10 minutes ahead when it arrived'),
    ('point', 'ended', 'recorded after the end of the journey'),
    ('point', 'position', 'missing, or off the Earth'),
    ('point', 'far', 'over 300 km from where the journey began'),
    ('point', 'period', 'its day has no partition'),
    ('crime', 'fields', 'more or fewer fields than the header'),
    ('crime', 'time', 'no time since 1800 that can be read'),
    ('crime', 'future', 'later than a day after the file was loaded'),
    ('crime', 'position', 'no position that can be read in the file''s EPSG'),
    ('crime', 'outside', 'over 300 km from the city''s streets')
$$;

comment on function core.quarantine_reasons() is
'Every reason for which a point or a row of a crime file can be in quarantine.';
revoke all on function core.quarantine_reasons() from public;
grant execute on function core.quarantine_reasons() to operator;
