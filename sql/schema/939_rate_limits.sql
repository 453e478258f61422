create or replace view ops.rate_limits as
select
    class,
    subject,
    api_key_id,
    amount,
    window_s,
    is_hard
from core.rate_limits;
comment on view ops.rate_limits is 'How often calls may be made: core.rate_limits, for operators to change.';
comment on column ops.rate_limits.class is 'Kind of calls. Never sos.';
comment on column ops.rate_limits.subject is 'What is counted: api_key, user, ip or address.';
comment on column ops.rate_limits.api_key_id is 'The key that has this limit of its own; null: all others.';
comment on column ops.rate_limits.amount is 'Calls admitted within window_s.';
comment on column ops.rate_limits.window_s is 'Seconds.';
comment on column ops.rate_limits.is_hard is 'Never more than amount in any window.';
grant select, insert, update, delete on ops.rate_limits to operator;

create or replace trigger _100_notify
after insert or update or delete on core.rate_limits
for each statement execute function core.tg_catalogue__notify();

create or replace trigger _100_notify
after insert or update or delete on core.endpoints
for each statement execute function core.tg_catalogue__notify();

create or replace trigger _100_notify
after insert or update or delete on core.endpoint_classes
for each statement execute function core.tg_catalogue__notify();
