"""Exceptions that cross module borders.

    BlackmailFilterError
    ├── ConfigError          the configuration, a rule file or the command line is wrong (exit 2)
    ├── NextHopError         the next hop did not take the mail
    └── StoreError           the quarantine's store cannot do what was asked (exit 2; 451 at SMTP)
"""

from __future__ import annotations


class BlackmailFilterError(Exception):
    """Base of all errors that this package raises on purpose."""


class ConfigError(BlackmailFilterError):
    """A setting or rule is wrong; the text is one line that names file, line, key and remedy."""


class NextHopError(BlackmailFilterError):
    """The next hop could not be reached or broke off; nothing of the mail was accepted by it."""


class StoreError(BlackmailFilterError):
    """The store failed or has no such thing; one line for people, without SQL, parameters, passwords or keys."""
