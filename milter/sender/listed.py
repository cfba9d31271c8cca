"""Authors on the lists of a recipient: who passes, who is kept back, and when a list is not to be believed."""

from __future__ import annotations

from dataclasses import dataclass

from milter.config import Policy
from milter.content.headers import Headers
from milter.model import Authentication, Listing
from milter.sender.spoof import mailboxes

# A proven author may have his bounces and those of his bulk mailer sent wherever he likes.
HARMLESS_IF_PROVEN = {"return_path_unrelated"}
# A longer address is none (RFC 5321 §4.5.3.1), and this one goes into reasons.
MAX_ADDRESS = 320


@dataclass(frozen=True, slots=True)
class Listed:
    """An author on a list. doubt: why the entry is not followed; "" if it is."""

    listing: Listing
    author: str
    doubt: str = ""


def find_listed(policy: Policy, headers: Headers, sender: Authentication, *, checked: bool) -> Listed | None:
    """What the lists say of the authors of a mail; of several, blocked ones count first.

    checked: SPF, DKIM and DMARC were asked for; else anybody can be the author, but for the signs in the headers.
    """
    if not (policy.allow or policy.block):
        return None
    found = {author.address: policy.listing(author.address) for author in mailboxes(headers, "from")["from"]}
    for listing in ("block", "allow"):
        for author, said in found.items():
            if said == listing:
                return Listed(said, author[:MAX_ADDRESS], _doubt(sender, checked=checked) if said == "allow" else "")
    return None


def _doubt(sender: Authentication, *, checked: bool) -> str:
    """Why a mail may be somebody else's; "" if it is the author's."""
    if checked and not sender.author_proven:
        return "the author's domain is not proven"
    signs = [name for name in sender.spoof if not (checked and name in HARMLESS_IF_PROVEN)]
    return f"spoof.{signs[0]} holds" if signs else ""
