-- Emergency contacts: people whom a walker names, who agree, and who are told when something goes wrong.
create table if not exists core.site (
    is_only_row boolean primary key default true check (is_only_row),
    public_url text not null check (public_url ~ '^https?://[^/?#\s]+(/[^?#\s]*[^/?#\s])?$'),
    allows_local_webhooks boolean not null default false
);
comment on table core.site is 'One row: what messages say of this platform.';
comment on column core.site.public_url is 'Address at which the API is reached from outside, without a slash at its end. Links in messages begin with it.';
comment on column core.site.allows_local_webhooks is 'Whether webhooks may lead to http and to this machine: for trying things out, never where strangers sign up.';
insert into core.site (public_url) values ('http://127.0.0.1:18000') on conflict do nothing;
grant select on core.site to saferoute_api;

create table if not exists core.consent_wordings (
    version smallint not null check (version > 0),
    language text not null check (language ~ '^[a-z]{2,3}$'),
    statement text not null,
    primary key (version, language)
);
comment on table core.consent_wordings is 'What a contact agrees to, in every version there has been. A change is a new version in all languages: who agreed before has agreed to the old one.';
comment on column core.consent_wordings.statement is 'Shown before the contact agrees. {from_name} stands for the name by which the walker introduces themselves.';
grant select on core.consent_wordings to saferoute_api, saferoute_tasks;

insert into core.consent_wordings (version, language, statement) values
(1, 'en', '{from_name} asks to name you as an emergency contact. If you agree, you get a message when {from_name} calls for help on a walk, or does not arrive; it can hold where they are. Your name and this address are kept for that and for nothing else. You can withdraw at any time, with this link.'),
(1, 'es', '{from_name} quiere añadirte como contacto de emergencia. Si aceptas, recibirás un mensaje cuando {from_name} pida ayuda durante un paseo o no llegue; puede indicar dónde se encuentra. Tu nombre y esta dirección se guardan solo para eso. Puedes retirarte en cualquier momento con este enlace.'),
(1, 'fr', '{from_name} souhaite vous ajouter comme contact d’urgence. Si vous acceptez, vous recevrez un message lorsque {from_name} appelle à l’aide pendant un trajet à pied ou n’arrive pas ; il peut indiquer sa position. Votre nom et cette adresse ne sont conservés que pour cela. Vous pouvez vous retirer à tout moment avec ce lien.'),
(1, 'de', '{from_name} möchte Sie als Notfallkontakt angeben. Wenn Sie zustimmen, erhalten Sie eine Nachricht, wenn {from_name} unterwegs um Hilfe ruft oder nicht ankommt; sie kann den Standort enthalten. Ihr Name und diese Adresse werden nur dafür gespeichert. Sie können Ihre Zustimmung jederzeit mit diesem Link widerrufen.'),
(1, 'pt', '{from_name} quer indicar você como contato de emergência. Se você aceitar, receberá uma mensagem quando {from_name} pedir ajuda durante uma caminhada ou não chegar; ela pode conter a localização. Seu nome e este endereço são guardados só para isso. Você pode desistir a qualquer momento com este link.'),
(1, 'hi', '{from_name} आपको अपना आपातकालीन संपर्क बनाना चाहते हैं। यदि आप सहमत हैं, तो जब {from_name} पैदल चलते समय मदद माँगेंगे या नहीं पहुँचेंगे, तब आपको संदेश मिलेगा; उसमें उनका स्थान हो सकता है। आपका नाम और यह पता केवल इसी के लिए रखा जाता है। आप इस लिंक से कभी भी अपनी सहमति वापस ले सकते हैं।')
on conflict do nothing;

create table if not exists core.contacts (
    contact_id uuid primary key,
    user_id uuid not null,
    name text not null check (length(name) between 1 and 80),
    from_name text not null check (length(from_name) between 1 and 40),
    channel text not null check (channel in ('sms', 'email')),
    address text not null,
    language text not null,
    priority smallint not null check (priority between 1 and 100),
    state text not null default 'invited' check (state in ('invited', 'accepted', 'declined', 'withdrawn')),
    added_at timestamptz not null default now(),
    invited_at timestamptz not null default now(),
    answered_at timestamptz,
    code_digest bytea,
    code_expires_at timestamptz,
    code_tries smallint not null default 0,
    contact_user_id uuid,
    constraint contacts_address unique (user_id, channel, address)
);
comment on table core.contacts is 'Emergency contacts of walkers. Only those who have accepted are ever alerted.';
comment on column core.contacts.contact_id is 'Made by the client.';
comment on column core.contacts.user_id is 'The walker.';
comment on column core.contacts.name is 'What the walker calls the contact.';
comment on column core.contacts.from_name is 'By which name the walker introduces themselves to the contact: accounts have no names.';
comment on column core.contacts.channel is 'How the contact is reached: sms or email.';
comment on column core.contacts.address is 'A number in E.164, or an e-mail address in lower case.';
comment on column core.contacts.language is 'Language of messages to the contact, one of core.consent_wordings.';
comment on column core.contacts.priority is 'Who is told first: lowest.';
comment on column core.contacts.state is 'invited: has not answered; accepted; declined: said no before, withdrawn: said no after having accepted.';
comment on column core.contacts.added_at is 'When the walker named them.';
comment on column core.contacts.invited_at is 'When the last invitation was sent.';
comment on column core.contacts.answered_at is 'When the contact last said yes or no; null before.';
comment on column core.contacts.code_digest is 'SHA-256 of contact_id and the code of the last invitation. What protects six digits is that five tries are all there are.';
comment on column core.contacts.code_expires_at is 'The code is of no use from then on.';
comment on column core.contacts.code_tries is 'Wrong codes since the last invitation; after five no code is right.';
comment on column core.contacts.contact_user_id is 'The account of the contact, once they have opened a link of theirs while signed in; null before.';
create index if not exists contacts_reached on core.contacts (address);
create index if not exists contacts_account on core.contacts (contact_user_id);
grant select, insert, update, delete on core.contacts to saferoute_api;

create table if not exists core.contact_links (
    digest bytea primary key check (length(digest) = 32),
    contact_id uuid not null references core.contacts on delete cascade,
    user_id uuid not null,
    made_at timestamptz not null default now()
);
comment on table core.contact_links is 'Links that contacts were sent. Each is good for accepting and withdrawing for as long as the contact is there with that address: one that says no must never fail.';
comment on column core.contact_links.digest is 'SHA-256 of the token in the link: 256 random bits.';
comment on column core.contact_links.contact_id is 'Whom it was sent to.';
comment on column core.contact_links.user_id is 'The walker.';
comment on column core.contact_links.made_at is 'When it was sent.';
create index if not exists contact_links_contact on core.contact_links (contact_id);
create index if not exists contact_links_user on core.contact_links (user_id);
grant select, insert, delete on core.contact_links to saferoute_api;

create table if not exists core.contact_consents (
    consent_id uuid primary key,
    user_id uuid not null,
    contact_id uuid not null,
    event text not null check (event in ('invited', 'given', 'declined', 'withdrawn', 'removed')),
    means text check (means in ('link', 'code', 'reply')),
    wording_version smallint not null,
    language text not null,
    address_digest bytea not null,
    recorded_at timestamptz not null default clock_timestamp(),
    check ((means is not null) = (event in ('given', 'declined', 'withdrawn')))
);
comment on table core.contact_consents is 'Ledger of what contacts were asked and what they answered. It proves that messages were consented to (GDPR, article 7), and counts invitations, so that nobody is asked again and again by being removed and added anew. Rows are only added; they go three years after their contact was removed, or with the walker.';
comment on column core.contact_consents.consent_id is 'UUIDv7.';
comment on column core.contact_consents.user_id is 'The walker.';
comment on column core.contact_consents.contact_id is 'The contact; no foreign key: the ledger outlives it.';
comment on column core.contact_consents.event is 'invited; given, declined or withdrawn by the contact; removed by the walker, who took the contact away or gave it another address.';
comment on column core.contact_consents.means is 'How the contact answered: link, code that they read to the walker, or reply to a text.';
comment on column core.contact_consents.wording_version is 'What the contact was shown: core.consent_wordings.';
comment on column core.contact_consents.language is 'The language it was shown in.';
comment on column core.contact_consents.address_digest is 'SHA-256 of walker, channel and address: who names their address can be told what was recorded; the address itself goes with the contact.';
comment on column core.contact_consents.recorded_at is 'When it happened.';
create index if not exists contact_consents_address on core.contact_consents (user_id, address_digest, recorded_at);
create index if not exists contact_consents_contact on core.contact_consents (contact_id);
create index if not exists contact_consents_removed on core.contact_consents (recorded_at) where event = 'removed';
grant select, insert on core.contact_consents to saferoute_api;
-- What a reply to a text changes.
grant update (state, answered_at, code_digest, code_expires_at, code_tries) on core.contacts to saferoute_tasks;
grant insert on core.contact_consents to saferoute_tasks;

insert into core.user_data (relation, user_column, erase_order, erase_with, description, secrets) values
('core.contact_links', 'user_id', 40, null, 'Links that your emergency contacts were sent.', '{digest}'),
('core.contacts', 'user_id', 41, 'erase_contacts', 'Your emergency contacts.', '{code_digest}'),
('core.contact_consents', 'user_id', 42, null, 'When your emergency contacts were asked, and what they answered.', '{}')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description,
    secrets = excluded.secrets;

insert into core.endpoints (endpoint, class, is_repeatable) values
('add_contact', 'codes', true),
('update_contact', 'codes', false),
('resend_contact_invitation', 'codes', false)
on conflict (endpoint) do update set class = excluded.class, is_repeatable = excluded.is_repeatable;
