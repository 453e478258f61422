"""The functions that may be called, as pg_proc describes them, and the SQL text that calls each.

The catalogue is read whole and replaced in one assignment, so that requests never wait for it.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

import asyncpg

from api.errors import RequestError, unavailable
from api.metrics import CATALOGUE_READINGS
from api.policies import ClassPolicies, by_class
from api.servers import Servers

SCHEMA = "api"
DEFAULT_TIMEOUT = 10.0
"""Seconds a call may take where the role has no `statement_timeout` of its own."""
logger = logging.getLogger("saferoute.api")
_APART = 1.0  # least seconds between two readings that missing functions cause

_FUNCTIONS = """
select
    p.proname::text as name,
    p.provolatile = 'v' as is_volatile,
    p.proretset as is_set,
    p.prorettype = 'void'::regtype as is_void,
    p.prorettype in ('json'::regtype, 'jsonb'::regtype) as is_json,
    t.typtype = 'c' or p.prorettype = 'record'::regtype
    or coalesce(p.proargmodes::text[] && array['o', 'b', 't'], false) as is_composite,
    array(
        select array[
            coalesce(p.proargnames[a.position], ''),
            format_type(a.type, null),
            (a.number > p.pronargs - p.pronargdefaults)::text
        ]
        from (
            select
                u.type, u.position, row_number() over (order by u.position) as number
            from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
                with ordinality as u (type, position)
            where coalesce(p.proargmodes[u.position], 'i') in ('i', 'b', 'v')
        ) as a
        order by a.position
    ) as parameters,
    coalesce(
        e.class, case when p.provolatile = 'v' then 'writes' else 'reads' end
    ) as endpoint_class,
    coalesce(e.is_repeatable, false) as is_repeatable
from pg_proc as p
inner join pg_type as t on t.oid = p.prorettype
left join core.endpoints as e on e.endpoint = p.proname
where p.pronamespace = $1::regnamespace and p.prokind = 'f'
"""
# A role's own statement_timeout applies only at login, so it is read here and kept by the client.
_ROLES = """
select
    r.rolname::text as name,
    extract(epoch from (
        -- A number without a unit is in milliseconds.
        select regexp_replace(split_part(c.setting, '=', 2), '^\\d+$', '\\& ms')
        from unnest(r.rolconfig) as c (setting)
        where c.setting like 'statement_timeout=%'
    )::interval)::float8 as timeout
from pg_roles as r
where pg_has_role(current_user, r.oid, 'member') and r.rolname <> current_user
"""
_CLASSES = "select class, is_priority from core.endpoint_classes"
_PATHS = "select endpoint, class from core.endpoints where endpoint like '/%'"
_LIMITS = """
select class, subject, api_key_id::text, amount, window_s, is_hard from core.rate_limits
"""
_ERRORS = "select code, http_status, message, hint from core.error_codes"


@dataclass(slots=True)
class Function:
    """One function of the API's schema."""

    name: str
    is_volatile: bool
    is_set: bool
    is_void: bool
    is_json: bool
    is_composite: bool
    types: dict[str, str]
    """SQL type of each argument by name, in order."""
    required: frozenset[str]
    endpoint_class: str
    """What limits, scopes and lanes go by: `core.endpoints`."""
    is_repeatable: bool
    """Whether the same call twice does no more than once: `core.endpoints`."""
    takes_body: bool
    """Its one parameter is an unnamed json or jsonb: the whole body goes there."""
    action: str
    """The name, encoded to stand in a comment of a statement."""
    json_names: frozenset[str] = frozenset()
    statements: dict[frozenset[str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Function":
        """The function that a row of the catalogue query describes."""
        parameters = row["parameters"]
        types = {name: kind for name, kind, _ in parameters if name}
        json_types = ("json", "jsonb")
        return cls(
            **{key: row[key] for key in row.keys() if key != "parameters"},  # noqa: SIM118
            types=types,
            required=frozenset(name for name, _, optional in parameters if optional == "false"),
            takes_body=len(parameters) == 1
            and not parameters[0][0]
            and parameters[0][1] in json_types,
            action=quote(row["name"], safe=""),
            json_names=frozenset(name for name, kind in types.items() if kind in json_types),
        )

    def statement(self, names: frozenset[str]) -> str:
        """SQL that calls the function with these arguments taken from the JSON object $1.

        Its one value is the answer as JSON text. Raises PGRST202 where the names do not fit.
        """
        statement = self.statements.get(names)
        if statement is None:
            if not self.required <= names <= self.types.keys() or self.takes_body:
                raise not_found(self.name, names)
            statement = self.statements[names] = self._build(names)
        return statement

    def statement_of_body(self) -> str:
        """SQL that gives the whole JSON body $1 to the one unnamed parameter."""
        return self._select(f"{_quoted(SCHEMA)}.{_quoted(self.name)}($1)", "")

    def _build(self, names: Iterable[str]) -> str:
        used = [name for name in self.types if name in names]
        arguments = ", ".join(f"{_quoted(name)} => a.{_quoted(name)}" for name in used)
        call = f"{_quoted(SCHEMA)}.{_quoted(self.name)}({arguments})"
        columns = ", ".join(f"{_quoted(name)} {self.types[name]}" for name in used)
        return self._select(call, f"json_to_record($1) as a ({columns})" if used else "")

    def _select(self, call: str, source: str) -> str:
        if self.is_set or self.is_composite:
            comma = ", lateral " if source else ""
            row = "t" if self.is_composite else "t.value"
            value = f"coalesce(json_agg({row}), '[]')" if self.is_set else f"row_to_json({row})"
            rows = f"(select * from {call}) as t" if self.is_composite else f"{call} as t (value)"
            return f"select {value}::text from {source}{comma}{rows}"
        # The value of a void call is used too: the planner drops a STABLE call nobody looks at.
        value = call if self.is_void or self.is_json else f"to_json({call})"
        return f"select {value}::text" + (f" from {source}" if source else "")


@dataclass(frozen=True, slots=True)
class Contents:
    """What one reading of the catalogue found."""

    functions: dict[str, Function]
    timeouts: dict[str, float]
    """Seconds a call may take, for each role the API may become."""
    statuses: dict[str, int]
    """HTTP status of each of our own SQLSTATEs."""
    meanings: dict[str, tuple[str, str | None]]
    """Message and hint of each of our own SQLSTATEs."""
    priority_classes: frozenset[str]
    """Classes of endpoints whose calls have connections of their own."""
    policies: dict[str, ClassPolicies]
    """Rate limits of each class of endpoints that has any."""
    path_classes: dict[str, str]
    """Class of each path that is no function: `core.endpoints`."""

    def error(self, code: str, details: str | None = None) -> RequestError:
        """One of our own errors, where the API itself finds it."""
        message, hint = self.meanings[code]
        return RequestError(self.statuses[code], code, message, details, hint)


class Catalogue:
    """The functions, roles and error codes of the database, read anew when something is missing."""

    def __init__(self, servers: Servers) -> None:
        """Nothing is read yet."""
        self._servers = servers
        self._contents: Contents | None = None
        self.read_at: float | None = None
        """When what is known was read, on the monotonic clock; none before the first reading."""
        self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    @property
    def contents(self) -> Contents:
        """What is known now; 503 before the first reading."""
        if self._contents is None:
            raise unavailable("The catalogue of functions has not been read yet", "PGRST002")
        return self._contents

    async def function(self, name: str) -> Function:
        """The function of this name; PGRST202 where there is none even after reading anew."""
        if self._contents is None or name not in self._contents.functions:
            await self.reload_if_old()
        function = self.contents.functions.get(name)
        if function is None:
            raise not_found(name, ())
        return function

    async def timeout(self, role: str) -> float:
        """Seconds a call of this role may take; 403 where the API may not become it."""
        timeout = self.contents.timeouts.get(role)
        if timeout is None:
            await self.reload_if_old()
            timeout = self.contents.timeouts.get(role)
        if timeout is None:
            raise RequestError(403, "42501", f'permission denied to set role "{role}"')
        return timeout

    async def reload_if_old(self) -> None:
        """Read anew, unless that was done a moment ago: unknown names must not load the server."""
        if time.monotonic() - self._tried_at > _APART:
            await self.reload()

    async def reload(self) -> None:
        """Read anew. Callers that come meanwhile share the reading after: this one may be older."""
        reading = self._reading
        if reading is not None and not reading.done():
            await asyncio.wait([reading])
        if self._reading is reading:
            self._reading = asyncio.create_task(self._read())
        assert self._reading is not None
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        self._tried_at = time.monotonic()
        try:
            functions, roles, errors, classes, limits, paths = await self._servers.fetch_all(
                (_FUNCTIONS, SCHEMA), (_ROLES,), (_ERRORS,), (_CLASSES,), (_LIMITS,), (_PATHS,)
            )
        except asyncpg.PostgresError as error:
            logger.error("the catalogue cannot be read: SQLSTATE %s", error.sqlstate)
            CATALOGUE_READINGS.labels("failed").inc()
            raise unavailable("The catalogue of functions cannot be read", "PGRST002") from None
        CATALOGUE_READINGS.labels("read").inc()
        self.read_at = self._tried_at
        self._contents = Contents(
            {row["name"]: Function.of(row) for row in functions},
            {row["name"]: row["timeout"] or DEFAULT_TIMEOUT for row in roles},
            {row["code"]: row["http_status"] for row in errors},
            {row["code"]: (row["message"], row["hint"]) for row in errors},
            frozenset(row["class"] for row in classes if row["is_priority"]),
            by_class(limits),
            {row["endpoint"]: row["class"] for row in paths},
        )


def not_found(name: str, arguments: Iterable[str]) -> RequestError:
    """404: no function of this name takes these arguments."""
    names = ", ".join(sorted(arguments))
    parameters = f"({names})" if names else " without parameters"
    searched = f"with parameters {names}" if names else "without parameters"
    return RequestError(
        404,
        "PGRST202",
        f"Could not find the function {SCHEMA}.{name}{parameters} in the schema cache",
        f"Searched for the function {SCHEMA}.{name} {searched}, but no matches were found.",
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
