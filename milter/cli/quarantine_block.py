"""`quarantine block`: senders whose mail is to be kept back."""

from milter.cli.quarantine_senders import listing_command

command = listing_command(
    "block",
    "Keep back mail of senders.\n\nThat is the author of a kept mail, an address or a domain. Without any, show who is"
    " blocked.",
)
