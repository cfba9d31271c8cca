"""`quarantine allow`: senders whose mail is to pass."""

from milter.cli.quarantine_senders import listing_command

command = listing_command(
    "allow",
    "Let mail of senders pass.\n\nThat is the author of a kept mail, an address or a domain, and mail that is proven to"
    " be theirs. Without any, show who is allowed.",
)
