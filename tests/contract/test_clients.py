"""A PostgREST client that knows nothing of us."""

from collections.abc import Iterator

import pytest
from postgrest import APIError, SyncPostgrestClient

from tests.contract.serving import Api, bearer


@pytest.fixture
def rest(api: Api) -> Iterator[SyncPostgrestClient]:
    with SyncPostgrestClient(api.url, schema="api", headers=bearer()) as client:
        yield client


def test_calls(rest: SyncPostgrestClient) -> None:
    assert rest.rpc("echo", {"words": "ab", "times": 2}).execute().data == "abab"
    assert rest.rpc("echo", {"words": "ab", "times": 2}, get=True).execute().data == "abab"
    assert rest.rpc("rows", {}).execute().data[1] == {"number": 2, "name": "two"}
    assert rest.rpc("where_written", {}).execute().data is False


def test_errors(rest: SyncPostgrestClient) -> None:
    with pytest.raises(APIError) as raised:
        rest.rpc("read_and_fail", {}).execute()
    assert raised.value.code == "SR018"
    assert raised.value.hint == "try"


def test_head_errors_carry_their_code(rest: SyncPostgrestClient) -> None:
    with pytest.raises(APIError) as raised:
        rest.rpc("read_and_fail", {}, head=True).execute()
    assert raised.value.code == "SR018"


def test_another_schema_is_refused(api: Api) -> None:
    with SyncPostgrestClient(api.url) as client, pytest.raises(APIError) as raised:
        client.rpc("rows", {}).execute()
    assert raised.value.code == "PGRST106"
