-- migration: post
-- The dispatcher of the release before, which could not name its request: the API of that release needs it until the last
-- process of it has ended.
-- squawk-ignore-file ban-drop-function

-- role: saferoute_owner
set local role saferoute_owner;

drop function if exists core.call(text, boolean, text, text, text, text, text, json);
