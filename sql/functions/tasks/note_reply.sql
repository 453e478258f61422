create or replace function tasks.note_reply(p_provider text, p_from text, p_text text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_reply(p_provider, p_from, p_text)
$$;

comment on function tasks.note_reply(text, text, text) is
'A text that a provider got from p_from (E.164), whose signature the caller has checked: result acknowledged, ended, not_understood or unknown, with language, from_name and drill for what to answer.';
alter function tasks.note_reply(text, text, text) owner to saferoute_tasks;
revoke all on function tasks.note_reply(text, text, text) from public;
grant execute on function tasks.note_reply(text, text, text) to authenticator;
