-- Our own errors: SQLSTATE class SR. The API answers with http_status; docs/reference/errors.md is made from this table.
create table if not exists core.error_codes (
    code text primary key check (code ~ '^SR[0-9]{3}$'),
    http_status smallint not null check (http_status between 400 and 599),
    message text not null,
    hint text
);
comment on table core.error_codes is 'Every error of our own: SQLSTATE, HTTP status, what it means and what to do.';
comment on column core.error_codes.code is 'SQLSTATE of class SR, the `code` of the error body.';
comment on column core.error_codes.message is 'What happened, one sentence, shown to the caller.';
comment on column core.error_codes.hint is 'What the caller can do about it.';
grant select on core.error_codes to saferoute_api, saferoute_auth, saferoute_live, saferoute_tasks, authenticator;

insert into core.error_codes (code, http_status, message, hint) values
('SR001', 401, 'This call needs a signed-in person.', 'Send a token with a `sub` claim that is a UUID.'),
('SR002', 404, 'There is no such journey of yours.', null),
('SR003', 409, 'This journey id belongs to another journey.', 'Make a new UUID for each journey.'),
('SR010', 400, 'A position is not on Earth.', 'Longitude is -180 to 180, latitude -90 to 90, both finite degrees.'),
('SR011', 422, 'No walkable way within 300 m of the position.', 'Are longitude and latitude swapped?'),
('SR012', 422, 'No walk leads from one position to the other.', null),
('SR013', 422, 'The walk is too far: more than 30 km in a straight line.', 'Are longitude and latitude swapped?'),
('SR014', 422, 'The position is in no city that has been imported.', 'Are longitude and latitude swapped?'),
('SR015', 422, 'The time is too far from what the data covers.', 'Send a time between the years 2000 and 2100.'),
('SR016', 400, 'The route is not a line that can be read.', 'Send a GeoJSON LineString or an encoded polyline.'),
('SR017', 413, 'Too many points in one call.', 'Send at most 5,000 points in a call.'),
('SR018', 400, 'An argument is outside its range.', null),
('SR019', 400, 'The points cannot be read.', 'Send a JSON array of objects with recorded_at, lon and lat.'),
('SR020', 400, 'There are no points in the call.', 'Send at least one point.'),
('SR021', 409, 'This journey has no points.', 'Send some with record_points; they are kept for 30 days.'),
('SR030', 413, 'The request body is too large.', 'Send at most 2 MiB.'),
('SR031', 400, 'The compressed body cannot be read.', 'Send one gzip stream, complete.'),
('SR032', 415, 'The body is encoded in a way that is not understood.', 'Send it plain or with Content-Encoding: gzip.'),
('SR033', 400, 'The JSON is nested too deep.', 'Nest at most 64 levels.'),
('SR034', 431, 'The headers of the request are too large.', 'Send at most 16 KiB in at most 64 headers.'),
('SR035', 408, 'The request took too long to arrive.', null),
('SR036', 400, 'This is not a valid HTTP request.', null),
('SR037', 414, 'The address of the request is too long.', 'Send the arguments in the body of a POST.'),
('SR040', 401, 'Signing in failed.', 'Check the address and the password.'),
('SR041', 401, 'The session has ended.', 'Sign in again.'),
('SR042', 400, 'The code is wrong or no longer valid.', 'Ask for a new code; after five wrong tries it is void.'),
('SR043', 409, 'This address already has an account.', 'Sign in instead.'),
('SR044', 400, 'The password cannot be used.', 'Take 10 to 256 characters, none of the most common passwords.'),
('SR045', 400, 'This is not an address that messages can be sent to.', 'Write a phone number as +4420..., or an e-mail address.'),
('SR046', 429, 'Too many messages have been asked for.', 'Wait before you ask again.'),
('SR047', 503, 'Signing in and sending codes are not possible at the moment.', 'Try again in a few seconds.'),
('SR048', 404, 'You have no account here.', 'Who signed you in keeps your addresses: change them there.'),
('SR049', 404, 'There is no such session of yours.', null),
('SR050', 404, 'There is no such contact of yours.', null),
('SR051', 409, 'This contact id belongs to another contact.', 'Make a new UUID for each contact.'),
('SR052', 409, 'You already have a contact with this address.', null),
('SR053', 422, 'You have as many contacts as there can be.', 'Remove one first; there can be 10.'),
('SR054', 404, 'This link is no longer valid.', null),
('SR060', 401, 'The API key is not valid.', 'It may have been revoked; ask the operator for another.'),
('SR061', 403, 'The API key is not for this endpoint.', 'Ask the operator for the scope it needs.'),
('SR062', 400, 'A request has either a token or an API key.', 'Leave out Authorization or X-API-Key.'),
('SR070', 429, 'Too many requests.', 'Wait as many seconds as Retry-After says.'),
('SR080', 409, 'This Idempotency-Key was used for another request.', 'Make a new key for each request.'),
('SR081', 400, 'The Idempotency-Key cannot be used.', 'Sign in, and send 1 to 200 printable characters.'),
('SR082', 400, 'The X-Consistency-Token cannot be read.', 'Send what a write has answered with, unchanged, or nothing.'),
('SR090', 404, 'There is no such alert of yours.', null),
('SR091', 409, 'This alert id belongs to another alert.', 'Make a new UUID for each alert.'),
('SR092', 409, 'The alert has ended.', null),
('SR093', 403, 'The code to cancel the alert is wrong.', 'Send the code you chose, or resolve the alert once you are safe.'),
('SR094', 404, 'There is no such walk that is watched.', 'Start to watch it with watch_journey.'),
('SR095', 409, 'The walk has ended.', null),
('SR096', 404, 'This link shows nothing any more.', 'Ask the walker for another.'),
('SR097', 422, 'There are as many of these as there can be.', 'Remove one first.'),
('SR098', 400, 'This address cannot be called.', 'Send an https address on the public internet.'),
('SR099', 403, 'The signature of the call is wrong.', null),
('SR100', 404, 'There is no such report.', null)
on conflict (code) do update set
    http_status = excluded.http_status, message = excluded.message, hint = excluded.hint;
