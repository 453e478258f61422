"""What callers are told of errors of PostgreSQL."""

import asyncpg
import pytest

from api.errors import from_postgres


def answer(code: str, function: str = "errfinish", **fields: str) -> dict[str, str | None]:
    error = asyncpg.PostgresError.new(
        {"C": code, "M": 'could not open file "base/1/2": no such file', "R": function, **fields}
    )
    return from_postgres(error, {}, is_known=True).body


@pytest.mark.parametrize(
    "code", ["53100", "54001", "53300", "53400", "58P01", "58030", "F0000", "XX001"]
)
def test_errors_of_the_server_itself_are_told_by_code_alone(code: str) -> None:
    body = answer(code, D="/var/lib/postgresql", H="Check the disk.")
    assert body["code"] == code
    assert "file" not in str(body["message"])
    assert (body["details"], body["hint"]) == (None, None)


def test_what_a_function_raises_is_told() -> None:
    assert answer("XX000", "exec_stmt_raise", M="raised", D="why")["message"] == "raised"


def test_the_row_that_failed_is_not_told() -> None:
    row = "Failing row contains (1, secret)."
    assert answer("23502", M="null value", D=row)["details"] is None
    assert answer("23505", M="there", D="Key (id)=(1) exists.")["details"] == "Key (id)=(1) exists."
