"""Settings shared by the packages: environment variables that begin with `SAFEROUTE_`.

A variable that is not in the environment is read from the file named by
`SAFEROUTE_ENV_FILE` (default `.local/saferoute.env`, written by `make up`).
"""

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.addresses import PGMQ, broker_address, connection_string, host_and_port, key_address
from common.issuers import OidcIssuer

REPOSITORY = Path(__file__).resolve().parents[1]

_MOST_POOLED = 16
"""Connections of a process to a pooler: as many as one of two has without, by default."""


class Settings(BaseSettings):
    """Where the servers are and how to sign in to them. No secret has a default."""

    model_config = SettingsConfigDict(env_prefix="SAFEROUTE_", extra="ignore")

    database_hosts: str = Field(
        default="127.0.0.1:15432,127.0.0.1:15433",
        description="PostgreSQL servers as host:port, separated by commas, in any order: "
        "which one is the primary is asked of the servers.",
    )
    analyst_address: str = Field(
        default="127.0.0.1:15434",
        description="The analysts' standby as host:port. It is none of the servers above: the API "
        "never reads there, and analysts reach no other.",
    )
    database: str = Field(default="saferoute", description="Name of the database.")
    patroni_port: int | None = Field(
        default=None,
        description="Port of Patroni's REST API on each of the servers above. Without it they are "
        "those of the local profile, which nobody but `saferoute` looks after.",
    )
    patroni_password: SecretStr | None = Field(
        default=None, description="Password of that API, for what changes something."
    )
    admin_password: SecretStr | None = Field(
        default=None, description="Password of the superuser `postgres`: installs the schema."
    )
    owner_password: SecretStr | None = Field(
        default=None, description="Password of `saferoute_owner`: imports and upkeep."
    )
    authenticator_password: SecretStr | None = Field(
        default=None, description="Password of `authenticator`: the login of the API."
    )
    replicator_password: SecretStr | None = Field(
        default=None, description="Password of `replicator`: the login of the standbys."
    )
    analyst_password: SecretStr | None = Field(
        default=None, description="Password of `analyst`: reads views on the analysts' standby."
    )
    worker_password: SecretStr | None = Field(
        default=None, description="Password of `worker`: runs what is queued."
    )
    broker_url: Annotated[SecretStr, AfterValidator(broker_address)] = Field(
        default=SecretStr(PGMQ),
        description="What hands tasks to workers: `pgmq://` for the database itself, on whichever "
        "server is the primary, or a Redis (no cluster) as `redis://:password@host:6379/0`, "
        "`rediss://` by TLS.",
    )
    worker_metrics_port: int = Field(
        default=18094,
        description="Port of the workers' `/metrics`, at the address of the admin port. Beat "
        "serves them.",
    )
    archive_directory: Path = Field(
        default=Path(".local/archive"),
        description="Where retired periods are archived; from the repository, if not absolute. "
        "It holds positions of people: protect and back it up like the database.",
    )
    backup_config: Path | None = Field(
        default=None,
        description="pgBackRest's configuration on a host with a PostgreSQL server: what "
        "`saferoute backup` and `saferoute restore` go by. Without it none are made from here. The "
        "local profile has one of its own.",
    )
    backup_passphrase: SecretStr | None = Field(
        default=None,
        min_length=20,
        description="What backups and the WAL archive are encrypted with. Without it they are of "
        "no use: keep a copy where they are not.",
    )
    backup_days: int = Field(
        default=14,
        ge=1,
        description="Days back that a restore can reach. Backups stay up to nine days longer: "
        "until a newer full one, made once a week, reaches back as far. Whoever is erased is in "
        "them until then.",
    )
    max_replay_lag_s: float = Field(
        default=30,
        description="Seconds a replica may be behind before retiring, restoring and splitting "
        "are refused.",
    )
    lag_tolerant_replicas: str = Field(
        default="analysts",
        description="Replicas (application names, separated by commas) that may be behind.",
    )
    api_host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(
        default=18010,
        description="Port an API process listens on; in the local profile that of the first one, "
        "the next has the port after it.",
    )
    gateway_port: int = Field(
        default=18000,
        description="Port of the local profile's gateway, nginx: the one public address.",
    )
    admin_host: str = Field(
        default="127.0.0.1",
        description="Address of the admin port. It tells operators how the API is and asks for no "
        "password: never open it to the internet.",
    )
    admin_port: int = Field(
        default=18090,
        description="Port of `/live`, `/ready` and `/metrics`. Each process of a machine needs one "
        "of its own; in the local profile they follow the first one's.",
    )
    database_connections: int = Field(
        default=35,
        description="Connections to each PostgreSQL server that all API processes together may "
        "have: less than its `max_connections`. One is for a process that asks to share them.",
    )
    pooler_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of PgBouncer (1.21 or newer) on each of the database's hosts, where "
        "hundreds of processes share a server. Calls go there; each process keeps one connection "
        "of its own to each server, by which it learns what that is.",
    )
    api_processes: int = Field(
        default=2,
        ge=1,
        description="How many API processes, on all machines, share the connections. One more "
        "stays out and is not ready until another ends: count those that overlap while a new "
        "release is rolled out.",
    )
    max_read_lag_s: float = Field(
        default=5,
        description="Seconds a replica may be behind before reads go elsewhere.",
    )
    cors_origins: str = Field(
        default="",
        description="Web pages that may call from a browser: origins as https://example.org, "
        "separated by commas, or * for any. Without it none may.",
    )
    api_connections: int = Field(
        default=4096,
        ge=1,
        description="Clients that one API process serves at a time; the next are answered 503.",
    )
    live_host: str = Field(
        default="127.0.0.1",
        description="Address the live gateway (`python -m api.live`) listens on.",
    )
    live_port: int = Field(
        default=18020,
        description="Port a live gateway listens on; in the local profile that of the first one. "
        "Its admin port is `SAFEROUTE_ADMIN_PORT`, and it is one of `SAFEROUTE_API_PROCESSES`.",
    )
    live_connections: int = Field(
        default=8192,
        ge=1,
        description="Clients that one live gateway holds at a time; the next are answered 503. An "
        "idle one takes up to 35 kB.",
    )
    drain_s: float = Field(
        default=1,
        ge=0,
        description="Seconds that the API, told to stop, still accepts while `/ready` answers 503: "
        "longer than the load balancer takes to notice.",
    )
    jwt_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Key of HS256 tokens, at least 32 characters. Without it they are refused.",
    )
    jwks_url: Annotated[str, AfterValidator(key_address)] | None = Field(
        default=None,
        description="JSON Web Key Set of an issuer of yours that names roles and people itself, as "
        "PostgREST's does: RS256, PS256, ES256 or EdDSA. https, or loopback. Prefer "
        "`SAFEROUTE_OIDC_ISSUERS`, which trusts an issuer with less.",
    )
    jwt_audience: str | None = Field(
        default=None,
        description="A token that names audiences must name this one; our own name it "
        "(`saferoute` where it is not set).",
    )
    issuer: str = Field(
        default="http://127.0.0.1:18000",
        description="Who signs our access tokens, their `iss`: the public address of the API. The "
        "keys are at `/.well-known/jwks.json` below it.",
    )
    signing_keys_directory: Path = Field(
        default=Path(".local/keys"),
        description="The keys that sign access tokens, written by `saferoute keys rotate`; from "
        "the repository, if not absolute. Every host of the API needs a copy; nobody else.",
    )
    session_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Key of refresh tokens, at least 32 characters. Without it nobody signs in; "
        "changing it signs everybody out.",
    )
    oidc_issuers: tuple[OidcIssuer, ...] = Field(
        default=(),
        description="Others whose tokens sign people in, as JSON: "
        '`[{"issuer": "https://...", "audience": "...", "jwks_url": "https://..."}]`. Without '
        "`jwks_url` the keys are found through `/.well-known/openid-configuration`.",
    )

    trusted_proxies: str = Field(
        default="",
        pattern=r"^([0-9a-fA-F.:]+(/[0-9]+)?(,[0-9a-fA-F.:]+(/[0-9]+)?)*)?$",
        description="Proxies in front of the API, as IP addresses and networks separated by "
        "commas. Only they are believed what X-Forwarded-For says of the client's address, which "
        "limits go by. None by default.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="OpenTelemetry collector (OTLP over HTTP, such as http://127.0.0.1:4318) that "
        "gets the traces of the API. Needs the extra `telemetry`. Without it nothing is traced.",
    )
    redis_hosts: str = Field(
        default=",".join(f"127.0.0.1:{port}" for port in range(16379, 16385)),
        description="Nodes of the Redis Cluster as host:port, separated by commas, in any order; "
        "one that answers is enough to find the others.",
    )
    redis_password: SecretStr | None = Field(
        default=None, description="Password of the Redis Cluster."
    )
    tls_ca: Path | None = Field(
        default=None,
        description="Certificate (PEM) of the authority of the servers; from the repository, if "
        "not absolute. With it every connection to PostgreSQL and Redis is TLS 1.2 or newer, the "
        "server's certificate must name the host of the settings, and nothing falls back to plain.",
    )
    tls_certificate: Path | None = Field(
        default=None,
        description="Certificate (PEM) by which the API and the live gateway serve TLS: only to "
        "who shows one of `SAFEROUTE_TLS_CA` too, as nginx does. Admin ports stay plain.",
    )
    tls_key: Path | None = Field(
        default=None,
        description="Key (PEM, without a password) of that certificate, for its process alone.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*[^/?#\s])?$",
        description="Address at which the API is reached from outside, without a slash at its end: "
        "Twilio is told to call back below it, and signs what it calls. Without it nobody hears "
        "what became of a text, and calls take no key. Links in messages begin with "
        "`core.site.public_url`, which is the same.",
    )
    outbox_directory: Path | None = Field(
        default=None,
        description="For development: a folder that gets, as files, the texts, calls and e-mails "
        "for which no provider is set below. They hold codes and addresses: never set it where "
        "strangers come. In the local profile `.local/outbox`.",
    )
    twilio_account_sid: str | None = Field(
        default=None,
        pattern=r"^AC[0-9a-f]{32}$",
        description="Account at Twilio that sends texts and calls. Without it neither is sent.",
    )
    twilio_auth_token: SecretStr | None = Field(
        default=None, description="Token of that account; it also signs what Twilio calls back."
    )
    twilio_number: str | None = Field(
        default=None,
        pattern=r"^\+[1-9][0-9]{6,14}$",
        description="Number of that account that texts and calls come from, as +15005550006.",
    )
    twilio_url: str = Field(
        default="https://api.twilio.com", description="Where Twilio's REST API is."
    )
    twilio_per_second: int = Field(
        default=80,
        ge=2,
        description="Requests a second that all workers together make to Twilio. Alerts have three "
        "quarters of it for themselves.",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Server that takes e-mails: `smtp+starttls://user:password@host:587`, "
        "`smtps://...:465` by TLS, or `smtp://127.0.0.1:25` in plain. Without it none is sent.",
    )
    mail_from: str | None = Field(
        default=None, description="Sender of e-mails, as `Safe Route <alerts@example.org>`."
    )
    vapid_private_key: SecretStr | None = Field(
        default=None,
        description="Key that signs notifications of browsers: 32 bytes, base64url. Without it "
        "none is sent.",
    )
    vapid_contact: str | None = Field(
        default=None,
        pattern=r"^(mailto:|https://)\S+$",
        description="Whom push services may write to about us, as `mailto:ops@example.org`.",
    )
    loopback_endpoints: bool = Field(
        default=False,
        description="Whether webhooks and notifications may go to this machine and by http: only "
        "for trying things out.",
    )

    @model_validator(mode="after")
    def _queues_by_tls(self) -> Self:
        is_plain = urlsplit(self.broker_url.get_secret_value()).scheme == "redis"
        if self.tls_ca is not None and is_plain:
            raise ValueError("with SAFEROUTE_TLS_CA, SAFEROUTE_BROKER_URL begins with rediss://")
        return self

    @property
    def redis_nodes(self) -> list[tuple[str, int]]:
        """Nodes of the Redis Cluster as (host, port)."""
        return [host_and_port(entry) for entry in self.redis_hosts.split(",")]

    @property
    def connections_per_process(self) -> int:
        """Connections of one API process to each server, or to the pooler before it, besides the
        one that watches it.
        """
        if self.pooler_port is not None:
            return min(self.pooled_connections, _MOST_POOLED)
        return (self.database_connections - 1) // self.api_processes - 1

    @property
    def pooled_connections(self) -> int:
        """Connections that a pooler may have to its server: all but those that watch."""
        return self.database_connections - 1 - self.api_processes

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """The servers as (host, port)."""
        return [host_and_port(entry) for entry in self.database_hosts.split(",")]

    @property
    def analyst_host(self) -> tuple[str, int]:
        """The analysts' standby as (host, port)."""
        return host_and_port(self.analyst_address)

    @property
    def libpq_tls(self) -> dict[str, str]:
        """What a libpq connection string says of TLS; nothing where connections are in plain."""
        if self.tls_ca is None:
            return {}
        return {"sslmode": "verify-full", "sslrootcert": str(REPOSITORY / self.tls_ca)}

    def conninfo(self, user: str, password: SecretStr | None, *, primary: bool = True) -> str:
        """A libpq connection string that finds the primary (or a standby) among the hosts."""
        parts = {
            "host": ",".join(host for host, _ in self.hosts),
            "port": ",".join(str(port) for _, port in self.hosts),
            "dbname": self.database,
            "user": user,
            "target_session_attrs": "read-write" if primary else "prefer-standby",
            "connect_timeout": "5",
        }
        if password is not None:
            parts["password"] = password.get_secret_value()
        parts |= self.libpq_tls
        return connection_string(parts)

    @property
    def owner_conninfo(self) -> str:
        """Connection string of `saferoute_owner` on the primary."""
        return self.conninfo("saferoute_owner", self.owner_password)

    @property
    def worker_conninfo(self) -> str:
        """Connection string of `worker` on the primary.

        A server that has gone silent is given up after 10 s: a worker waits for nothing else.
        """
        known = self.conninfo("worker", self.worker_password)
        silence = "keepalives_idle=5 keepalives_interval=2 keepalives_count=3"
        return f"{known} {silence} tcp_user_timeout=10000"

    @property
    def is_broker_postgresql(self) -> bool:
        """Whether tasks are queued in the database."""
        return self.broker_url.get_secret_value() == PGMQ

    @property
    def admin_conninfo(self) -> str:
        """Connection string of the superuser on the primary."""
        return self.conninfo("postgres", self.admin_password)


def environment_file() -> Path:
    """Where settings are read from that are not in the environment. It need not exist."""
    default = REPOSITORY / ".local" / "saferoute.env"
    return Path(os.environ.get("SAFEROUTE_ENV_FILE", default)).absolute()


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once. What is wrong with them ends it: a line for each."""
    try:
        return Settings(_env_file=environment_file())  # type: ignore[call-arg]
    except ValidationError as error:  # its own text would show passwords
        for wrong in error.errors(include_input=False, include_context=False):
            name = "".join(f"SAFEROUTE_{part.upper()}: " for part in map(str, wrong["loc"][:1]))
            print(f"saferoute: {name}{wrong['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        raise SystemExit(2) from None
