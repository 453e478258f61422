create or replace view ops.erasures as
select
    e.erasure_id,
    e.began_at,
    e.finished_at,
    e.removed,
    e.archives,
    e.proof
from core.erasures as e;
comment on view ops.erasures is 'The receipts of erasures, without what could tell whose they are. One that is not finished wants to be run again.';
grant select on ops.erasures to operator;
