create or replace function core.reorder_contacts(p_user_id uuid, p_contact_ids uuid[]) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_unknown text;
begin
    perform pg_advisory_xact_lock(hashtextextended('saferoute contacts of ' || p_user_id, 0));
    select coalesce(i.contact_id::text, 'null') into v_unknown
    from unnest(p_contact_ids) as i (contact_id)
    where not exists (select from core.contacts as c where c.contact_id = i.contact_id and c.user_id = p_user_id)
    limit 1;
    if v_unknown is not null then
        perform core.fail('SR050', format('contact %s', v_unknown));
    end if;
    if cardinality(p_contact_ids) is distinct from (select count(*) from core.contacts as c where c.user_id = p_user_id)
        or (select count(distinct i.contact_id) < count(*) from unnest(p_contact_ids) as i (contact_id))
    then
        perform core.fail('SR018', 'contact_ids names each of your contacts once');
    end if;
    update core.contacts as c set priority = i.priority
    from unnest(p_contact_ids) with ordinality as i (contact_id, priority)
    where c.contact_id = i.contact_id and c.user_id = p_user_id;
    return core.my_contacts(p_user_id);
end
$$;

comment on function core.reorder_contacts(uuid, uuid[]) is
'Give the person''s contacts the priorities 1, 2, 3... in this order, which names each of them once: SR050 for one that is not theirs, SR018 where one is missing or comes twice.';
revoke all on function core.reorder_contacts(uuid, uuid[]) from public;
grant execute on function core.reorder_contacts(uuid, uuid[]) to saferoute_api;
