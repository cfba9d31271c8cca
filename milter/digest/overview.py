"""What an administrator has to know of the quarantine, gathered from the store."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from milter.digest.compose import Overview
from milter.digest.deeds import FALSE_ALARM
from milter.store.opened import OpenStore
from milter.store.records import Filter, StoredMail

PAGE = 200
# Of more, the command line tells.
LISTED = 100
WAVES = 5


def overview(store: OpenStore, since: datetime, now: datetime) -> Overview:
    """The quarantine now, and what came in since. Blocks. Raises StoreError."""
    held = _all(store, Filter(state="held", until=now))
    alarms = store.audit.entries(action=FALSE_ALARM, since=since, limit=LISTED)
    waiting = [(mail, copy) for mail in held for copy in mail.copies if copy.released_at is None]
    waves = [campaign for campaign in store.campaigns.find(least=2, limit=PAGE) if campaign.last_seen >= since]
    return Overview(
        held=len(held),
        kinds=dict(Counter(mail.verdict.kind or "other" for mail in _all(store, Filter(since=since, until=now)))),
        requests=[(mail, copy.recipient) for mail, copy in waiting if copy.requested_at][:LISTED],
        uncertain=[(mail, copy.recipient) for mail, copy in waiting if copy.uncertain][:LISTED],
        alarms=list(dict.fromkeys(entry.mail_id for _, entry in alarms if entry.mail_id)),
        campaigns=sorted(waves, key=lambda campaign: -campaign.mails)[:WAVES],
    )


def _all(store: OpenStore, wanted: Filter) -> list[StoredMail]:
    found: list[StoredMail] = []
    while page := store.quarantine.find(wanted, limit=PAGE, after=found[-1].id if found else None):
        found += page
    return found
