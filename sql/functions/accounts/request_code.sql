create or replace function core.request_code(
    p_purpose text, p_channel text, p_address text, p_language text, p_user_id uuid
) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_code_id uuid := gen_random_uuid();
    v_code text := core.random_code();
    v_expires_at timestamptz := clock_timestamp() + interval '10 minutes';
    v_user core.users;
    v_template text := p_purpose;
    v_parameters jsonb := jsonb_build_object('code', v_code, 'expires_at', v_expires_at);
begin
    select u.* into v_user from core.users as u where u.phone = p_address or u.email = p_address;
    -- Whether there is an account is told to the phone or the mailbox only: whoever asks sees the same work done.
    if p_purpose = 'reset_password' and not found then
        v_template := 'no_account';
        v_parameters := v_parameters - 'code';
    end if;
    delete from core.codes as c where c.code_id = any(array(
        select e.code_id from core.codes as e where e.expires_at < now() - interval '1 hour' limit 20 for update skip locked
    ));
    insert into core.codes (purpose, address, code_id, channel, user_id, digest, expires_at)
    values (
        p_purpose, p_address, v_code_id, p_channel, p_user_id, core.code_digest(v_code_id, v_code), v_expires_at
    )
    on conflict (purpose, address) do update set
        code_id = excluded.code_id,
        channel = excluded.channel,
        user_id = excluded.user_id,
        digest = excluded.digest,
        tries = 0,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at;
    -- Raised, so that the code before this one stays good where no message goes out.
    if core.enqueue_message(
        p_user_id, p_channel, p_address, v_template, coalesce(v_user.language, p_language), v_parameters
    ) <> 'queued' then
        perform core.fail('SR046');
    end if;
end
$$;

comment on function core.request_code(text, text, text, text, uuid) is
'Send a code for p_purpose (sign_up, reset_password, verify) to an address, in place of the one before; SR046 where a limit refuses the message. Who asks to reset the password of no account sends a message that says so. p_user_id is who is signed in, or null.';
revoke all on function core.request_code(text, text, text, text, uuid) from public;
grant execute on function core.request_code(text, text, text, text, uuid) to saferoute_auth;
