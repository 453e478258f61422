create or replace function core.my_shares(p_user_id uuid, p_journey_id uuid) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    perform core.own_journey(p_user_id, p_journey_id);
    return (
        select coalesce(json_agg(core.share_summary(s) order by s.created_at desc, s.share_id), '[]')
        from core.journey_shares as s
        where s.journey_id = p_journey_id and s.user_id = p_user_id
    );
end
$$;

comment on function core.my_shares(uuid, uuid) is 'Every link to the person''s own walk there has been, newest first.';
revoke all on function core.my_shares(uuid, uuid) from public;
grant execute on function core.my_shares(uuid, uuid) to saferoute_api;
