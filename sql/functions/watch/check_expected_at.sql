create or replace function core.check_expected_at(
    p_expected_at timestamptz, p_starts_at timestamptz, p_now timestamptz
) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not coalesce(
        p_expected_at > p_now and p_expected_at > p_starts_at
        and p_expected_at <= greatest(p_now, p_starts_at) + interval '24 hours', true
    ) then
        perform core.fail('SR018', 'expected_at is after the start and within 24 hours');
    end if;
end
$$;

comment on function core.check_expected_at(timestamptz, timestamptz, timestamptz) is
'SR018 unless the expected arrival is to come, after the start of the watch and within 24 hours.';
revoke all on function core.check_expected_at(timestamptz, timestamptz, timestamptz) from public;
grant execute on function core.check_expected_at(timestamptz, timestamptz, timestamptz) to saferoute_api;
