"""pg_partman's own scripts, as far as they are safe for sets partitioned by time and by place.

They come with Debian's package of pg_partman and run with the system's Python. The password goes
through the environment, never through the arguments, which every user of the machine can read.
"""

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from common.settings import settings
from ops import upkeep
from ops.cluster import bin_directory
from ops.errors import OperatorError
from ops.progress import progress

_PYTHON = "/usr/bin/python3"
_REFUSED = {
    "dump_partition": "it dumps and drops every table of a schema; of a period, which is itself "
    "partitioned by cell, the dump holds the definition and no row, and the drop takes the leaves "
    "along. `saferoute partitions retire` archives every leaf before it drops",
    "reapply_indexes": "PostgreSQL itself keeps on every leaf the indexes of its set, so there is "
    "nothing to reapply: the script ends at once for such sets, and pg_partman 5 has none",
}
_UNIQUE = "check_unique_constraint"
_VACUUM = "vacuum_maintenance"
_OURS = {"parent": "say --set", "connection": "it is the owner's", "version": "it is pg_partman's"}
_NO_PERIODS = "pg_partman knows the periods of a set and not their leaves"
_REFUSED_OPTIONS = {
    _UNIQUE: {**_OURS, "column_list": "it is the logical key of the set"},
    _VACUUM: {
        **_OURS,
        "all": "every set is done unless --set names one",
        "full": "it locks each leaf against readers and writers until it is rewritten",
        "interval": _NO_PERIODS,
        "type": _NO_PERIODS,
    },
}
_KEY = "select array_to_string(core.logical_key(%s::regclass), ',')"
_PERIODS = """
select format('%%s.%%s', n.nspname, c.relname)
from core.periods(%s::regclass) as p inner join pg_class as c on c.oid = p.period
inner join pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'p' order by p.lower_bound
"""


def tool(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="check_unique_constraint or vacuum_maintenance.")],
    only: Annotated[str | None, typer.Option("--set", help="One set; all where not given.")] = None,
) -> None:
    """Run a script of pg_partman on every set, as the owner, with options of its own behind.

    check_unique_constraint reads the logical key of every row and prints the values that occur
    more than once: exit code 1 if there are any (the script's own is 0). It sorts nothing and
    holds every value in memory. Options: --index_scan, --simple, --temp FOLDER.

    vacuum_maintenance vacuums the leaves that are older than vacuum_freeze_min_age; a second run
    does not touch them. Options: --freeze, --vacuum_freeze_min_age N, --dryrun, --quiet.
    """
    name = name.removesuffix(".py")
    if name in _REFUSED:
        raise OperatorError(f"{name} is not run on these sets: {_REFUSED[name]}")
    if name not in _ACTIONS:
        raise OperatorError(f"{name} is no tool of pg_partman; there are {', '.join(_ACTIONS)}")
    _refuse_options(name, context.args)
    script = _script(name)
    with upkeep.connect() as connection:
        known = upkeep.partition_sets(connection)
        sets = [upkeep.find_set(connection, only)] if only else known
        is_good = _ACTIONS[name](connection, sets, [_PYTHON, str(script), *context.args])
    if not is_good:
        raise typer.Exit(1)


def _refuse_options(name: str, options: Sequence[str]) -> None:
    refused = _REFUSED_OPTIONS[name]
    for option in options:
        text = option.partition("=")[0].lstrip("-")
        is_short = option.startswith("-") and not option.startswith("--")
        for long, reason in refused.items():
            # argparse takes the beginning of an option for the option.
            begins = text[:1] == long[0] if is_short else long.startswith(text)
            if option.startswith("-") and begins:
                raise OperatorError(f"{option} cannot be used here: {reason}")


def _script(name: str) -> Path:
    script = bin_directory() / f"{name}.py"
    major = bin_directory().parent.name
    if not script.exists():
        raise OperatorError(
            f"{script} is not installed: it comes with the package postgresql-{major}-partman"
        )
    if subprocess.run([_PYTHON, "-c", "import psycopg2"], capture_output=True).returncode:
        raise OperatorError(f"{name} needs the package python3-psycopg2")
    return script


def _check_unique(
    connection: psycopg.Connection, sets: Sequence[upkeep.PartitionSet], command: Sequence[str]
) -> bool:
    """Whether the logical key of every set is unique; what is not is printed."""
    bad = []
    with progress() as bar:
        for entry in bar.track(sets, description="sets"):
            (key,) = connection.execute(_KEY, [entry.parent]).fetchone()  # type: ignore[misc]
            found = _run([*command, "--quiet", "--parent", entry.parent, "--column_list", key])
            verdict = f"more than one row has the same {key}:" if found else f"{key} is unique"
            typer.echo(f"{entry.parent}: {verdict}")
            typer.echo(found, nl=False)
            bad += [entry] if found else []
    return not bad


def _vacuum(
    connection: psycopg.Connection, sets: Sequence[upkeep.PartitionSet], command: Sequence[str]
) -> bool:
    """Period by period: given the set, the script would take its periods, which are partitioned
    and have no age, for old, and vacuum every leaf each time; twice, as it adds the parent.
    """
    with progress() as bar:
        for entry in sets:
            periods = [name for (name,) in connection.execute(_PERIODS, [entry.parent])]
            for period in bar.track(periods, description=entry.name):
                typer.echo(_run([*command, "--noparent", "--parent", period]), nl=False)
    return True


_ACTIONS = {_UNIQUE: _check_unique, _VACUUM: _vacuum}


def _run(command: Iterable[str]) -> str:
    """Run a script as the owner; what it prints. It fails as an operator's mistake."""
    values = settings()
    environment = {**os.environ, "PGAPPNAME": "saferoute upkeep"}
    if values.owner_password is not None:
        environment["PGPASSWORD"] = values.owner_password.get_secret_value()
    process = subprocess.run(
        [*command, "--connection", values.conninfo("saferoute_owner", None)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if process.returncode:
        lines = (process.stdout + process.stderr).strip().splitlines()
        raise OperatorError(lines[-1] if lines else f"the script ended with {process.returncode}")
    return process.stdout
