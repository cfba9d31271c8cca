"""Mails to be sent through Postfix, and how they must arrive."""

CLEAN = (
    b"From: Anna <a@example.org>\r\n"
    b"To: b@example.org\r\n"
    b"Subject: =?utf-8?q?Mittagessen_am_Montag=3F?=\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"X-Folded: one\r\n\ttwo\r\n"
    b"\r\n"
    b"Treffen wir uns um zw\xc3\xb6lf?\r\n"
    b".\r\n"
    b"..two dots\r\n" + b"A long line. " * 70 + b"\r\n"
    b"  \t \r\n"
)
EXTORTION = CLEAN.replace(b"Treffen wir uns", b"EXTORTION")
SECRET = CLEAN.replace(b"Treffen wir uns", b"KEEP BACK")
# To two recipients; with these policies it is kept back for one, and tagged and delivered for all others.
LETTER = (
    b"From: Eve <eve@example.net>\r\n"
    b"To: b@example.org, c@example.org\r\n"
    b"Subject: About you\r\n"
    b"Message-ID: <2@example.net>\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"\r\n"
    b"I hacked your computer and recorded you through your webcam. I will send the video to all your contacts.\r\n"
    b"Pay me 900 dollars in bitcoin within 48 hours to my wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\r\n"
)
POLICIES = {"b@example.org": {"quarantine": True}}

# Of a mail that was looked at and is not flagged.
OUR_FIELDS = ["Authentication-Results", "X-Blackmail-Flag", "X-Blackmail-Score", "X-Blackmail-Status"]


def fields_on_top(delivered: bytes, original: bytes) -> list[str]:
    """Names of the fields above the original, which has to be there byte for byte."""
    original = original.replace(b"\r\n", b"\n")
    assert delivered.endswith(original), delivered.decode(errors="replace")
    top = delivered.removesuffix(original).decode()
    return [line.partition(":")[0] for line in top.splitlines() if not line[0].isspace()]
