create or replace view ops.escalation_steps as
select
    s.cause,
    s.tier,
    s.after,
    s.who,
    s.channels
from core.escalation_steps as s;
comment on view ops.escalation_steps is 'Who is told of an alert, when and how, until somebody acknowledges it; change the rows here.';
comment on column ops.escalation_steps.cause is 'Of the alert; drill, duress, or * for all without rows of their own.';
comment on column ops.escalation_steps.tier is '1 is told first. A channel in a later tier again is a repetition; after the last nothing is sent.';
comment on column ops.escalation_steps.after is 'How long after the first could be told; rising with tier.';
comment on column ops.escalation_steps.who is 'everyone; first: the contacts of the best priority; others: all but those.';
comment on column ops.escalation_steps.channels is 'live, sms, voice, email, web_push, webhook: as far as a contact has them.';
grant select, insert, update, delete on ops.escalation_steps to operator;

create or replace trigger _100_first_is_kept
after insert or update or delete on core.escalation_steps
for each statement execute function core.tg_escalation_steps__first_is_kept();
