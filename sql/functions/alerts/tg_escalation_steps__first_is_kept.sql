create or replace function core.tg_escalation_steps__first_is_kept() returns trigger
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    -- The view: an operator may read it.
    if not exists (select from ops.escalation_steps as s where s.cause = '*' and s.tier = 1 and s.after = '0') then
        raise exception using
            errcode = 'restrict_violation',
            message = 'somebody has to be told of an alert at once',
            hint = 'Keep a row of cause * and tier 1 with after = 0; causes with rows of their own do not use it.';
    end if;
    return null;
end
$$;

comment on function core.tg_escalation_steps__first_is_kept() is
'Refuses a change of core.escalation_steps after which an alert could tell nobody.';
revoke all on function core.tg_escalation_steps__first_is_kept() from public;
