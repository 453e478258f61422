"""Phone numbers and e-mail addresses, written in the one way they are stored."""

from dataclasses import dataclass
from typing import Literal

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumberType

_LONGEST_PHONE = 40  # characters, with all that people put between the digits

# A number that costs whoever texts it, and pays whoever owns it, is none of them.
_TEXTED = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.VOIP,
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a code goes, and what somebody signs in with."""

    channel: Literal["sms", "email"]
    text: str
    """E.164, or an e-mail address in lower case."""


def phone(text: str) -> Address | None:
    """The number in E.164; None where there is no such number, or it has no country."""
    if len(text) > _LONGEST_PHONE:
        return None
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.number_type(number) not in _TEXTED:
        return None
    return Address("sms", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def email(text: str) -> Address | None:
    """The address in lower case; None where it cannot be one. No mail server is asked."""
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return None
    return Address("email", found.normalized.lower())
