"""The copies and the drill of docs/operations.md, as they stand there, on a store with mail in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from milter.config import Store
from milter.model import Envelope, Verdict
from milter.store.opened import open_store

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RAW = b"From: a@example.com\r\nSubject: About you\r\n\r\nPay me\r\n"


def commands(name: str, home: Path, mail_id: str) -> str:
    """The lines below a mark of the page, with folders below home."""
    block = re.search(rf"<!-- {name} -->\n((?: {{4}}.*\n)+)", PAGE)
    assert block
    text = block[1].replace(" ID ", f" {mail_id} ")
    for folder in (
        "/var/lib/blackmail-filter/quarantine",
        "/etc/blackmail-filter",
        "/var/backups",
        "/media/safe",
        "/tmp/drill",
    ):
        text = text.replace(folder, f"{home}{folder}")
    return text


def run(script: str, url: str) -> subprocess.CompletedProcess[bytes]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euc", script],
        env={**os.environ, "PATH": path, "URL": url},
        capture_output=True,
        check=False,
        timeout=120,
    )


def test_a_copy_is_made_and_can_be_read(store_settings: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    library, settings = home / "var/lib/blackmail-filter/quarantine", home / "etc/blackmail-filter"
    for folder in (library, settings, home / "var/backups", home / "media/safe", home / "tmp"):
        folder.mkdir(parents=True)
    url = store_settings.url if store_settings.file is None else f"sqlite:///{library}/store.sqlite"
    kind = "postgresql" if store_settings.file is None else "sqlite"
    with open_store(Store(url=url, key_file=settings / "quarantine.key")) as store:
        verdict = Verdict("quarantine", 12.0, "other")
        envelope = Envelope("a@example.com", ("b@example.org",))
        mail_id = store.quarantine.keep(RAW, envelope, verdict, received=datetime.now(UTC))
        # The store is open meanwhile, as it is by a running filter.
        copied = run(commands(f"copy {kind}", home, mail_id), url)
    assert (copied.returncode, copied.stderr) == (0, b"")
    (settings / "quarantine.key").write_text("gone")
    drilled = run(commands(f"drill {kind}", home, mail_id), url)
    assert (drilled.returncode, drilled.stderr) == (0, b"")
    assert mail_id.encode() in drilled.stdout
    assert drilled.stdout.endswith(RAW)
    assert not (home / "tmp/drill").exists()


def test_local_links_lead_somewhere() -> None:
    for page in ("operations.md", "trying.md", "configuration.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        targets = [
            target.split("#")[0] for target in re.findall(r"\]\(([^)#]+)", text) if not target.startswith("http")
        ]
        assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
