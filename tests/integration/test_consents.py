"""What `saferoute partitions maintain` does with the ledger of consents."""

import psycopg

from tests.command import owners_environment, saferoute_here


def test_old_consents_are_forgotten(db: psycopg.Connection) -> None:
    environment = owners_environment(db)
    db.execute(
        """insert into core.contact_consents (consent_id, user_id, contact_id, event,
            wording_version, language, address_digest, recorded_at)
        values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'removed',
            1, 'en', '', now() - interval '4 years')"""
    )
    db.commit()
    done = saferoute_here("partitions", "maintain", **environment)
    assert done.returncode == 0, done.stderr
    assert db.execute("select count(*) from core.contact_consents").fetchone() == (0,)
