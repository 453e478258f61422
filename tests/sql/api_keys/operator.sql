-- API keys as an operator makes and ends them with psql.
begin;
select plan(17);

grant usage on schema tests to operator;
create temporary table made (api_key_id uuid, api_key text);
grant all on made to operator;
set local role operator;

insert into made
select k.*
from ops.create_api_key('Maps Ltd', 'it@maps.example', '{routes,reads,routes}') as k;
select matches(m.api_key, '^sr_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$', 'a key has an id and a secret') from made as m;
select is(
    substr(m.api_key, 4, 32)::uuid, m.api_key_id, 'the id in the key is the one that limits and the list go by'
) from made as m;
select row_eq(
    'select k.name, k.contact, k.scopes, k.state, k.last_used_at from ops.api_keys as k',
    row('Maps Ltd'::text, 'it@maps.example'::text, '{reads,routes}'::text[], 'valid'::text, null::timestamptz),
    'it is listed, each scope once'
);
select ok(starts_with(m.api_key, k.prefix), 'the list shows how it begins') from made as m, ops.api_keys as k;
select isnt(
    m.api_key, (select k.api_key from ops.create_api_key('Other', 'o@maps.example', '{reads}') as k), 'no two keys are the same'
) from made as m;

select throws_ok(
    $$select ops.create_api_key('Maps', 'it@maps.example', '{reads,everything}')$$,
    '22023', 'no such scope: everything', 'an unknown scope is refused'
);
select throws_ok(
    $$select ops.create_api_key('Maps', 'it@maps.example', '{}')$$, '22023', 'a key needs a scope', 'a key for nothing is refused'
);
select throws_ok(
    $$select ops.create_api_key('Maps', 'it@maps.example', null)$$, '22023', 'a key needs a scope', 'and so is one without scopes'
);
select throws_ok(
    $$select ops.create_api_key('Maps', 'it@maps.example', '{reads}', now() - interval '1 s')$$,
    '22023', null, 'a key that has expired already is refused'
);
select throws_ok($$select ops.create_api_key('', 'it@maps.example', '{reads}')$$, '22023', null, 'a key has a name');

select is(ops.revoke_api_key(m.api_key_id), now(), 'a key is revoked') from made as m;
select is(k.state, 'revoked', 'and stays in the list') from ops.api_keys as k inner join made as m on k.api_key_id = m.api_key_id;
select throws_ok(
    $$select ops.revoke_api_key('00000000-0000-4000-8000-000000000001')$$, 'P0002', null, 'a key that is not there cannot be revoked'
);

select lives_ok(
    $$select ops.limit_api_key(m.api_key_id, 'routes', n, 60) from made as m, generate_series(500, 600, 100) as n$$,
    'a key gets a limit of its own'
);
select
    is(
        k.limits, '{routes=600/60}', 'the later one counts'
    )
from ops.api_keys as k inner join made as m on k.api_key_id = m.api_key_id;
select throws_ok(
    $$select ops.limit_api_key('00000000-0000-4000-8000-000000000001', 'routes', 1, 1)$$, 'P0002', null,
    'a key that is not there is not limited'
);

select throws_ok('select digest from core.api_keys', '42501', null, 'not even an operator sees a digest');

select * from finish();
rollback;
