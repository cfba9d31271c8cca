"""Room for mails: bytes of all that one process has in hand, whoever brings them."""

from __future__ import annotations

# RFC 3463 §3.4, X.3.1: the client tries again later.
NO_ROOM = (452, "4.3.1 Too much mail at once, please try again later")


class MailMemory:
    """Counts bytes from their arrival until the end of their mail's delivery; without effect on any byte."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.in_hand = 0

    def fits(self, size: int) -> bool:
        """Whether a mail of so many bytes would be taken now."""
        return self.in_hand + size <= self._limit

    def take(self, size: int) -> bool:
        """Count bytes that have come, unless there is no room for them."""
        if self.in_hand + size > self._limit:
            return False
        self.in_hand += size
        return True

    def hold(self, size: int) -> None:
        """Count bytes that are there already."""
        self.in_hand += size

    def give_back(self, size: int) -> None:
        """So many bytes are in hand no longer."""
        self.in_hand -= size
