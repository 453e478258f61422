create or replace function core.hold_off_vacuum(p_leaves regclass[]) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
set lock_timeout = '5s'
as $$
declare
    v_leaf regclass;
begin
    foreach v_leaf in array p_leaves loop
        execute format('lock table %s in share update exclusive mode', v_leaf);
    end loop;
end
$$;

comment on function core.hold_off_vacuum(regclass[]) is
'Keep vacuum and analyze away from these leaves to the end of the transaction. Autovacuum yields only to who waits for deadlock_timeout, longer than anybody may wait for a strong lock; nobody else queues behind this one.';
revoke all on function core.hold_off_vacuum(regclass[]) from public;
