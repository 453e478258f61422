create or replace function tasks.note_keypress(p_delivery_id uuid, p_digits text) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.note_keypress(p_delivery_id, p_digits)
$$;

comment on function tasks.note_keypress(uuid, text) is
'A key pressed in a call, whose signature the caller has checked: result acknowledged, ended, not_understood or unknown, with language, from_name and drill for what to say.';
alter function tasks.note_keypress(uuid, text) owner to saferoute_tasks;
revoke all on function tasks.note_keypress(uuid, text) from public;
grant execute on function tasks.note_keypress(uuid, text) to authenticator;
