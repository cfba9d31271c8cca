"""How much is in quarantine, in each database."""

from datetime import UTC, datetime, timedelta

from milter.config import Store
from milter.model import Envelope, Verdict
from milter.store.figures import Figures, figures

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def keep(opened, raw, *recipients, hours=0):
    envelope = Envelope("a@example.org", recipients, queue_id=f"Q{len(raw)}")
    return opened.quarantine.keep(raw, envelope, Verdict("quarantine"), received=NOW - timedelta(hours=hours))


def test_what_is_kept_asked_for_and_uncertain(opened, store_settings):
    assert figures(store_settings) == Figures()
    old = keep(opened, b"x" * 100, "b@example.org", "c@example.org", hours=5)
    keep(opened, b"x" * 10, "b@example.org")
    gone = keep(opened, b"x" * 1000, "b@example.org", hours=9)
    opened.quarantine.delete([gone], by="anna", now=NOW)
    for recipient in ("b@example.org", "c@example.org"):
        opened.quarantine.request(old, recipient, now=NOW)
    claim = opened.quarantine.claim(old, by="anna", now=NOW)
    opened.quarantine.handing_over(claim, now=NOW)
    opened.quarantine.given_back(claim, "gone", now=NOW)
    assert figures(store_settings) == Figures(2, 110, NOW - timedelta(hours=5), requested=1, uncertain=1)


def test_a_store_that_was_never_made_is_empty_and_stays_so(tmp_path):
    settings = Store(url=f"sqlite:///{tmp_path}/store.sqlite", key_file=tmp_path / "key")
    assert figures(settings) == Figures()
    assert list(tmp_path.iterdir()) == []
