-- Texts: each in every language, in the channels it is sent by, naming the same things everywhere.
begin;
select plan(9);

create temporary view languages as
select distinct w.language from core.consent_wordings as w;
create temporary view named as
select
    t.template,
    t.channel,
    t.language,
    array(
        select distinct m[1] from regexp_matches(coalesce(t.subject, '') || t.body, '\{([^}]*)\}', 'g') as m
        order by 1
    ) as names
from core.message_templates as t;

select is_empty(
    $$select t.template, t.channel, l.language from (select distinct template, channel from core.message_templates) as t, languages as l
      except select template, channel, language from core.message_templates$$,
    'each text is there in every language that a contact can be asked in'
);
select is_empty(
    $$select n.template, n.channel, n.language, n.names from named as n
      join named as e on e.template = n.template and e.channel = n.channel and e.language = 'en'
      where n.names <> e.names$$,
    'and names the same things in each'
);
select is_empty(
    $$select c.cause, p.prefix from (
          select unnest(array['sos', 'overdue', 'check_in', 'silence', 'deviation', 'geofence']) as cause
      ) as c, (values (''), ('drill_')) as p (prefix), unnest(array['sms', 'voice', 'email', 'web_push']) as channel
      where not exists (
          select from core.message_templates as t where t.template = p.prefix || 'alert_' || c.cause and t.channel = channel
      )$$,
    'there is one for each cause of an alert and channel, and one for its rehearsal'
);
select is_empty(
    $$select template, language from core.message_templates
      where template like 'drill%' and body !~ '^(DRILL|SIMULACRO|EXERCICE|ÜBUNG|SIMULADO|अभ्यास)'$$,
    'a rehearsal says so first'
);
select is_empty(
    $$select template, language from core.message_templates
      where template ~ '(alert|duress|escalated|cancelled|resolved|acknowledged|pre_warning|reply)'
        and body !~* '(not an emergency service|no es un servicio de emergencias|pas un service d''urgence|kein notdienst|não é um serviço de emergência|आपातकालीन सेवा नहीं)'$$,
    'what is about an alert says that this is no emergency service'
);
select is_empty(
    $$select template, language from core.message_templates
      where template ~ '(alert|duress|escalated|cancelled|resolved|acknowledged|pre_warning|reply)'
        and body !~* '(local emergency number|teléfono local de emergencias|numéro d''urgence local|örtliche notrufnummer|número local de emergência|स्थानीय आपातकालीन नंबर)'$$,
    'and whom to call'
);

select throws_ok(
    $$set local role worker; select * from core.message_templates$$, '42501', null, 'a worker reads no table'
);
set local role worker;
select is(
    tasks.message_template('verify', 'sms', 'tlh') ->> 'body', tasks.message_template('verify', 'sms', 'en') ->> 'body',
    'a language that is not there is told in English'
);
select ok(
    tasks.message_template('alert_sos', 'webhook', 'fr')::text = tasks.message_template('alert_sos', 'web_push', 'fr')::text
    and tasks.message_template('nothing', 'sms', 'en') is null,
    'webhooks get the words of notifications'
);
reset role;
select * from finish();
rollback;
