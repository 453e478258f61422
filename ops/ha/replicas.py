"""The members of a cluster that Patroni looks after, as `saferoute replicas` speaks of them."""

import time
from collections.abc import Callable
from pathlib import Path

from common.settings import REPOSITORY, environment_file, settings
from ops.errors import OperatorError
from ops.ha.patroni import Member, Patroni
from ops.identity import Identity
from ops.progress import step
from ops.replica_status import Seen
from ops.supervision import Supervisor

_FOLLOWS_S = 60
_COPIED_S = 4 * 3600
_FINE = ("running", "streaming")


def names() -> dict[str, str]:
    """What each server is called, by its address."""
    return {f"{member.host}:{member.port}": member.name for member in _patroni().members()}


def judge(found: list[Seen]) -> None:
    """Add what Patroni knows: members that are not as they should be."""
    members = _patroni().members()
    if not members:
        for seen in found[:1]:
            seen.blame("Patroni does not answer: nobody would take over.")
    known = {member.name: member for member in members}
    for seen in found:
        member = known.get(seen.name)
        if member is not None and member.state not in _FINE:
            seen.blame(
                f"Patroni says: {member.state}. `saferoute replicas add {seen.name}` starts it; "
                "where it cannot follow then, once more the same copies it anew.",
                "yellow" if _is_aside(member) else "red",
            )


def candidate(name: str | None) -> tuple[str, str | None]:
    """The primary, and who is to be the next one; Patroni chooses where nobody is named."""
    members = _patroni().members()
    leader = next((member for member in members if member.is_primary), None)
    if leader is None:
        raise OperatorError(
            "there is no primary; Patroni makes one by itself: `saferoute replicas status`"
        )
    if name is None:
        return leader.name, None
    member = _find(members, name)
    if member == leader:
        raise OperatorError(f"{name} is the primary already")
    if member.tags.get("nofailover"):
        raise OperatorError(f"{name} never becomes the primary (its tag nofailover)")
    if member.state != "streaming":
        raise OperatorError(f"{name} is {member.state}: `saferoute replicas status` says more")
    return leader.name, name


def switch_over(leader: str, next_one: str | None) -> str:
    """Make another member the primary, and return once the old one follows it."""
    patroni = _patroni()
    began = time.monotonic()
    with step("Switching over"):
        patroni.switch_over(leader, next_one)
    seconds = time.monotonic() - began

    def follows() -> bool:
        now = {member.name: member for member in patroni.members()}
        return leader in now and now[leader].state == "streaming"

    with step(f"{leader} follows the new primary"):
        _wait(follows, _FOLLOWS_S, f"{leader} does not follow: `saferoute replicas status`")
    primary = patroni.primary()
    return f"{primary.name if primary else 'Nobody'} is the primary, after {seconds:.1f} s."


def refuse_to_remove(name: str) -> None:
    """Raise an error where a member cannot be done without."""
    members = _patroni().members()
    member = _find(members, name)
    if member.role == "leader":
        raise OperatorError(
            f"{name} is the primary: first make another one, `saferoute replicas switchover`"
        )
    others = [
        each.name
        for each in members
        if each != member and each.state == "streaming" and not _is_aside(each)
    ]
    if not _is_aside(member) and not others:
        raise OperatorError(
            f"{name} is the only standby that commits wait for and that could take over"
        )


def remove(name: str) -> str:
    """Stop a member; its host keeps the data."""
    host = _supervisor(name)
    if host is None:
        raise OperatorError(
            f"this machine does not run the programs of {name}: on its host, "
            f"systemctl disable --now {_unit(name)}"
        )
    with step(f"Stopping {name}"):
        host.stop_process(_program(name))
        _wait(
            lambda: all(each.name != name for each in _patroni().members() if each.state in _FINE),
            _FOLLOWS_S,
            f"{name} does not end",
        )
    return (
        f"{name} is out. Patroni forgets its slot half an hour from now; until then the primary "
        f"keeps WAL for it. `saferoute replicas add {name}` has it follow again."
    )


def add(name: str, ask: Callable[[str], None]) -> str:
    """Have a member follow again: started where it is down, copied anew where it is broken."""
    patroni = _patroni()
    member = next((each for each in patroni.members() if each.name == name), None)
    host = _supervisor(name)
    if host is not None and not host.process(_program(name)).runs:
        with step(f"Starting {name}"):
            host.start_process(_program(name))
            _wait(lambda: _state(name) in _FINE, _FOLLOWS_S, _again(name))
        return f"{name} follows the primary."
    if member is None:
        raise OperatorError(
            f"Patroni knows of no member {name}: systemctl enable --now {_unit(name)} on its host; "
            "a further host is put into the inventory, see deploy/README.md"
        )
    if member.state in _FINE:
        return f"{name} is {member.state}: there is nothing to do."
    ask(f"{name} is {member.state}. Delete its data and copy the primary to it?")
    with step(f"Copying the primary to {name}"):
        patroni.reinitialize(member)
        _wait(lambda: _state(name) in _FINE, _COPIED_S, f"{name} is not copied yet; see its log")
    return f"{name} follows the primary."


def _patroni() -> Patroni:
    values = settings()
    password = values.patroni_password
    files = (values.tls_ca, values.tls_certificate, values.tls_key)
    if any(files) and not all(files):
        # In plain it would be sent the password.
        raise OperatorError(
            "Patroni is asked by TLS: SAFEROUTE_TLS_CA, SAFEROUTE_TLS_CERTIFICATE and "
            "SAFEROUTE_TLS_KEY are needed, and one of them is not set"
        )
    return Patroni(
        [f"{host}:{values.patroni_port}" for host, _ in values.hosts],
        password.get_secret_value() if password else None,
        Identity(*(REPOSITORY / path for path in files if path)) if all(files) else None,
    )


def _find(members: list[Member], name: str) -> Member:
    for member in members:
        if member.name == name:
            return member
    if not members:
        raise OperatorError("no Patroni answers: is the cluster up?")
    known = ", ".join(member.name for member in members)
    raise OperatorError(f"Patroni knows of no member {name}: {known}")


def _is_aside(member: Member) -> bool:
    """Whether it neither takes over nor is waited for: the analysts' standby."""
    return bool(member.tags.get("nofailover") and member.tags.get("nosync"))


def _state(name: str) -> str | None:
    return next((each.state for each in _patroni().members() if each.name == name), None)


def _wait(is_so: Callable[[], bool], seconds: float, why_not: str) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise OperatorError(why_not)
        time.sleep(0.2)


def _again(name: str) -> str:
    return f"{name} was started and does not follow: once more the same copies it anew"


def _program(name: str) -> str:
    return "patroni-analysts" if name == "analysts" else "patroni"


def _unit(name: str) -> str:
    return f"saferoute-{_program(name)}"


def _supervisor(name: str) -> Supervisor | None:
    """The supervisor of a simulated host that runs this member; none for a real host."""
    for path in sorted(environment_file().parent.glob("*/supervisor.sock")):
        host = Supervisor(Path(path).parent)
        is_its = host.folder.name == name or name == "analysts"
        if is_its and any(each.name == _program(name) for each in host.processes()):
            return host
    return None
