"""The Dovecot that these tests share."""

from dovecot_server import dovecot

__all__ = ["dovecot"]
