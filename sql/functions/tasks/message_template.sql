create or replace function tasks.message_template(p_template text, p_channel text, p_language text) returns json
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select core.message_template(message_template.p_template, message_template.p_channel, message_template.p_language)
$$;

comment on function tasks.message_template(text, text, text) is
'Text of a message: {subject, body}, in English where the language has none; null where there is no such template.';
alter function tasks.message_template(text, text, text) owner to saferoute_tasks;
revoke all on function tasks.message_template(text, text, text) from public;
grant execute on function tasks.message_template(text, text, text) to worker, authenticator;
