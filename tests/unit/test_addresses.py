import pytest

from api import addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+351 912 345 678", "+351912345678"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("+1-202-555-0123", "+12025550123"),
        ("٠٣٥١", None),
        ("912345678", None),
        ("+351 601 234 567", None),
        ("+44 909 8790 000", None),
        ("+999123456789", None),
        ("", None),
        ("+" + "1" * 100, None),
        ("+351912345678; drop table", None),
    ],
)
def test_phone(text: str, expected: str | None) -> None:
    found = addresses.phone(text)
    assert (found and found.text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna@Example.COM", "anna@example.com"),
        ("anna+walks@example.com", "anna+walks@example.com"),
        ("anna@münchen.example.com", "anna@münchen.example.com"),
        ("anna", None),
        ("anna@", None),
        ("a@b@example.com", None),
        ("anna@example", None),
        ("anna@example.com\r\nBcc: x@example.com", None),
        ("x" * 300 + "@example.com", None),
    ],
)
def test_email(text: str, expected: str | None) -> None:
    found = addresses.email(text)
    assert (found and found.text) == expected
