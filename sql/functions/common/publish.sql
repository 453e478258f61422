create or replace function core.publish(p_topic text, p_message json) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config(
        'response.publications',
        concat_ws(
            ',', nullif(current_setting('response.publications', true), ''),
            json_build_object('topic', p_topic, 'message', p_message)
        ),
        true
    );
end
$$;

comment on function core.publish(text, json) is
'Have p_message told to who watches p_topic (user:<id>, journey:<id>), once this transaction has committed: whoever runs it takes the list from response.publications (JSON objects, separated by commas) and publishes it. It may get lost: what must arrive is also in a table that is polled.';
revoke all on function core.publish(text, json) from public;
grant execute on function core.publish(text, json) to saferoute_api, saferoute_tasks;
