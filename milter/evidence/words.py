"""What results and signs of a mail mean, in plain words."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from milter.evidence.facts import Checksum
from milter.evidence.route import Standing
from milter.i18n import Translator, msgid
from milter.model import AuthResult, Group, Where

UNCHECKED = msgid("This could not be checked at that time.")
BROKEN = msgid("What the domain published about this has mistakes, so it could not be checked.")
SPF: dict[AuthResult, str] = {
    "none": msgid("The domain does not say which hosts may send its mail."),
    "neutral": msgid("The domain does not say whether this host may send its mail."),
    "pass": msgid("The host that handed the mail over may send mail for the domain of the envelope sender."),
    "softfail": msgid("The domain of the envelope sender advises against this host."),
    "fail": msgid("The domain of the envelope sender forbids this host: the envelope sender is forged."),
    "temperror": UNCHECKED,
    "permerror": BROKEN,
}
DKIM: dict[AuthResult, str] = {
    "none": msgid("The mail has no signature."),
    "neutral": msgid("The mail has a signature that could not be read."),
    "pass": msgid("A signature is valid: the mail came this way from the domain that signed it."),
    "policy": msgid("The mail has a signature that is too weak to prove anything."),
    "fail": msgid("The signature is not valid: the mail was changed on its way, or the signature is forged."),
    "temperror": UNCHECKED,
    "permerror": BROKEN,
}
DMARC: dict[AuthResult, str] = {
    "none": msgid("The domain of the sender shown does not say how its mail can be recognised."),
    "pass": msgid("The domain of the sender shown confirms the mail. That says nothing about the sender's intentions."),
    "fail": msgid("The domain of the sender shown does not confirm the mail: the sender is very likely forged."),
    "temperror": UNCHECKED,
    "permerror": BROKEN,
}
ARC: dict[AuthResult, str] = {
    "none": msgid("No forwarding server vouches for the mail."),
    "pass": msgid("The servers that forwarded the mail vouch for what they found when they got it."),
    "fail": msgid("What forwarding servers found out is no longer valid."),
    "temperror": UNCHECKED,
    "permerror": BROKEN,
}
OTHER_RESULT = msgid("The result tells neither for nor against the mail.")

SPOOFS = {
    "from_equals_to": msgid(
        "The recipient's own address stands as the sender. Anyone can forge that; it does not prove a break-in."
    ),
    "own_domain_unauthenticated": msgid(
        "A domain of the recipient's own side stands as the sender, but nothing confirms it."
    ),
    "display_name_address": msgid("The name shown as the sender contains an address other than the real one."),
    "display_name_recipient": msgid("The recipient's own name or address is shown as the name of the sender."),
    "lookalike_domain": msgid("The domain of the sender is spelt almost like one of the recipient's own side."),
    "reply_to_elsewhere": msgid("Answers would go to a domain other than that of the sender."),
    "from_missing": msgid("No sender is shown at all."),
    "from_multiple": msgid("Several senders are shown."),
    "return_path_unrelated": msgid("The envelope sender belongs to a domain other than that of the sender shown."),
    "fake_bounce": msgid("The mail pretends to be a report on a mail that was not delivered."),
    "fake_reply": msgid("The mail pretends to be an answer, but answers no mail."),
}
GROUPS: dict[Group | Literal["policy"], str] = {
    "threat": msgid("Threat"),
    "demand": msgid("Demand"),
    "claim": msgid("Claim"),
    "deadline": msgid("Deadline"),
    "secrecy": msgid("Order to keep silent"),
    "spoof": msgid("Forged sender"),
    "evasion": msgid("Disguise"),
    "wallet": msgid("Payment address"),
    "campaign": msgid("Known mass mailing"),
    "context": msgid("Circumstances"),
    "policy": msgid("Setting of the recipient's side"),
}
WHERES: dict[Where, str] = {
    "text": msgid("in the text"),
    "html": msgid("in the text"),
    "subject": msgid("in the subject"),
    "header": msgid("in the header"),
    "image": msgid("in a picture"),
    "pdf": msgid("in a PDF"),
    "qr": msgid("in a QR code"),
}
STANDINGS: dict[Standing, str] = {
    "ours": msgid("recipient's side"),
    "handover": msgid("first contact"),
    "claimed": msgid("unproven"),
}
CHECKSUMS: dict[Checksum, str] = {
    "holds": msgid("The checksum is right: such an address can exist."),
    "none": msgid("Addresses written like this have no checksum."),
    "fails": msgid("The checksum is wrong: no such address exists, or it was copied wrongly."),
}
FILES = {
    "original.eml": msgid(
        "The mail as it arrived, byte for byte. If the mail names passwords, they stand in this file only."
    ),
    "report.html": msgid("This report. Passwords are shown as •••."),
    "case.json": msgid("The same facts for programs."),
    "stix.json": msgid("Addresses and indicators in the format STIX 2.1, for threat intelligence platforms."),
    "misp.json": msgid("The same as an event for MISP."),
    "SHA256SUMS": msgid(
        "Checksums of all files. The command “sha256sum -c SHA256SUMS” shows whether one of them was changed."
    ),
}


def length(words: Translator, time: timedelta) -> str:
    """A length of time in its largest fitting unit: "17 seconds", "3 hours"."""
    seconds = abs(int(time.total_seconds()))
    if seconds < 120:
        text, count = words.ngettext("{count} second", "{count} seconds", seconds), seconds
    elif seconds < 2 * 3600:
        count = round(seconds / 60)
        text = words.ngettext("{count} minute", "{count} minutes", count)
    elif seconds < 2 * 86400:
        count = round(seconds / 3600)
        text = words.ngettext("{count} hour", "{count} hours", count)
    else:
        count = round(seconds / 86400)
        text = words.ngettext("{count} day", "{count} days", count)
    return text.format(count=words.number(count))
