create or replace function core.attempt_delay(p_policy core.delivery_policies, p_attempts integer, p_retry_after_s float8) returns interval
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return greatest(
        -- Full jitter: attempts that failed together do not come again together.
        random() * least(p_policy.longest_wait, p_policy.first_wait * power(2, least(p_attempts, 30) - 1)),
        -- least() is not null where one of them is.
        case
            when p_retry_after_s is not null
                then make_interval(secs => least(p_retry_after_s, extract(epoch from p_policy.longest_retry_after)::float8))
        end
    );
end
$$;

comment on function core.attempt_delay(core.delivery_policies, integer, float8) is
'How long to wait after so many attempts: anything up to first_wait, doubled with each and at most longest_wait, but at least what the provider asks for (up to longest_retry_after).';
revoke all on function core.attempt_delay(core.delivery_policies, integer, float8) from public;
grant execute on function core.attempt_delay(core.delivery_policies, integer, float8) to saferoute_tasks;
