"""A mail to keep, with everything that a store must bring back and must not show."""

from datetime import UTC, datetime

from milter.model import Authentication, Demand, Envelope, RuleMatch, Verdict, Wallet

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
B, C = "b@example.org", "c@example.org"
ENVELOPE = Envelope("spam@example.net", (B, C), "192.0.2.1", "spike.example.net", "helo", "4QX", authenticated=False)
RAW = (
    b"From: =?utf-8?q?J=C3=B6rg_Sonderling?= <Crook@Example.COM>\r\nTo: b@example.org\r\n"
    b"Subject: Dein Passwort xylophon99\r\n\r\nI know xylophon99. Pay 900 USD.\r\n.\r\n\x00\xff\r\n"
)
# What stands in the mail or was concluded from it, and is nobody's business.
SECRETS = ("xylophon99", "Sonderling", "grandmother-attic")
VERDICT = Verdict(
    action="quarantine",
    score=12.5,
    kind="sextortion",
    language="de",
    reasons=(
        RuleMatch("threat.publish", "threat", 3.0, "text", "from your grandmother-attic \udcff"),
        RuleMatch("demand.crypto", "demand", 2.5, "html", "pay"),
        RuleMatch("threat.publish", "threat", 1.0, "subject", "twice"),
    ),
    wallets=(Wallet("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", True, "text"),),
    demand=Demand("900", "USD", 48),
    auth=Authentication(spf="fail", spoof=("from_equals_to",), results="spf=fail"),
    notes=("too deep",),
)


def mail(text: str, subject: str = "x", author: str = "a@example.com") -> bytes:
    """A small mail."""
    return f"From: {author}\r\nSubject: {subject}\r\n\r\n{text}\r\n".encode()
