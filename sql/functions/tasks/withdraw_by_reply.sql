create or replace function tasks.withdraw_by_reply(p_number text, p_text text) returns boolean
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.withdraw_by_reply(p_number, p_text)
$$;

comment on function tasks.withdraw_by_reply(text, text) is
'Whether a text from p_number, whose signature the caller has checked, says STOP: then that number is nobodys contact any more.';
alter function tasks.withdraw_by_reply(text, text) owner to saferoute_tasks;
revoke all on function tasks.withdraw_by_reply(text, text) from public;
grant execute on function tasks.withdraw_by_reply(text, text) to authenticator;
