create or replace function core.message_template(p_template text, p_channel text, p_language text) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object('subject', coalesce(t.subject, ''), 'body', t.body)
from core.message_templates as t
where t.template = message_template.p_template
    and t.channel = case message_template.p_channel when 'webhook' then 'web_push' else message_template.p_channel end
    and t.language in (message_template.p_language, 'en')
order by t.language = 'en'
limit 1
$$;

comment on function core.message_template(text, text, text) is
'Text of a message: {subject, body}, in English where the language has none; null where there is no such template.';
revoke all on function core.message_template(text, text, text) from public;
grant execute on function core.message_template(text, text, text) to saferoute_tasks;
