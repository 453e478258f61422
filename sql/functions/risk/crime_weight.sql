create or replace function core.crime_weight(p_severity smallint, p_occurred_at timestamptz) returns float8
language sql stable strict parallel safe security invoker
as $$
select p_severity * 2::float8 ^ ((date_part('epoch', p_occurred_at) - 946684800) / (730 * 86400.0::float8))
$$;

comment on function core.crime_weight(smallint, timestamptz) is
'Forward-decayed weight of a crime (Cormode et al. 2009): severity, doubled for every 730 days after the landmark 2000-01-01. Between two crimes only the ratio counts, so no sum is ever decayed anew. float8 holds it for 2,000 years either way. Inlined, so it has no search_path of its own.';
revoke all on function core.crime_weight(smallint, timestamptz) from public;
