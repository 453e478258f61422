create or replace function core.finish_erasure(p_erasure_id uuid, p_lsn pg_lsn, p_proof jsonb) returns jsonb
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    update core.erasures set
        lsn = p_lsn,
        proof = p_proof,
        finished_at = clock_timestamp(),
        digest = ''
    where erasure_id = p_erasure_id and finished_at is null;
    update core.erasures set digest = core.receipt_digest(core.erasure_receipt(p_erasure_id))
    where erasure_id = p_erasure_id and digest = '';
    return core.erasure_receipt(p_erasure_id);
end
$$;

comment on function core.finish_erasure(uuid, pg_lsn, jsonb) is
'Close a receipt with its proof, and give it its digest; the receipt. A closed receipt stays as it is.';
revoke all on function core.finish_erasure(uuid, pg_lsn, jsonb) from public;
