"""`demo`: the real proxy on loopback, sample mails sent through it, and what became of each."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING

import click
import yaml

import milter
from milter.errors import BlackmailFilterError
from milter.reason import sentence

if TYPE_CHECKING:
    from milter.store.records import StoredMail

SAMPLES = Path(milter.__file__).parent / "data" / "demo"
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a sample arrived, and the headers that it carries."""

    subject: str
    fate: str
    score: str
    reason: str


@click.command("demo")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), help="Where the mails go.")
def command(directory: Path | None) -> None:
    """Run a whole set-up on loopback with sample mails and show what happened to each."""
    folder = directory or Path(tempfile.mkdtemp(prefix="blackmail-filter-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    click.echo("Starting the filter on loopback …", err=True)
    with running_filter(folder) as port:
        samples = sorted(SAMPLES.glob("*.eml"))
        send(samples, port)
    show(arrivals(folder), folder)


@contextmanager
def running_filter(folder: Path) -> Iterator[int]:
    """The server in a process of its own, as `serve` runs it; gives its port and stops it at the end."""
    config = folder / "config.yaml"
    settings = {
        "listen": "127.0.0.1:0",
        "next_hop": f"maildir:{folder / 'mail'}",
        "store": store_settings(folder),
        "policy": {"quarantine": True},
        "hostname": "filter.example.org",
        "verify_senders": False,
    }
    config.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    serve = [sys.executable, "-m", "milter", "serve", "-c", str(config), "--log-level", "warning"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield _port(server)
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)


def store_settings(folder: Path) -> dict[str, str]:
    """The setting `store` of this demo."""
    return {"url": f"sqlite:///{folder.absolute()}/store.sqlite", "key_file": str(folder.absolute() / "key")}


def _port(server: subprocess.Popen[str]) -> int:
    """The port that the server says it listens on. Raises BlackmailFilterError with its words if it ends instead."""
    said = []
    assert server.stderr is not None  # asked for as a pipe
    for line in server.stderr:
        if line.startswith("listening on "):
            return int(line.rsplit(":", 1)[1])
        said.append(line.strip())
    raise BlackmailFilterError("the server did not start: " + " ".join(said))


def send(samples: list[Path], port: int) -> None:
    """Send each sample by SMTP, from and to the addresses in its headers."""
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        for path in samples:
            raw = path.read_bytes()
            mail = message_from_bytes(raw)
            client.sendmail("sender@example.com", [str(mail["To"])], raw)


def arrivals(folder: Path) -> list[Arrival]:
    """What was delivered and what was kept back, in the order of the samples."""
    from milter.config import Store
    from milter.store.opened import open_store
    from milter.store.records import Filter

    found = {}
    for path in (folder / "mail" / "new").iterdir():
        mail = message_from_bytes(path.read_bytes())
        flagged = mail["X-Blackmail-Flag"] == "YES"
        found[mail["Message-ID"]] = _arrival(
            mail, "tagged" if flagged else "passed", str(mail["X-Blackmail-Reason"] or "")
        )
    with open_store(Store.model_validate(store_settings(folder))) as store:
        for kept in store.quarantine.find(Filter()):
            mail = message_from_bytes(store.quarantine.raw(kept.id))
            found[mail["Message-ID"]] = _quarantined(kept)
    return [found[key] for key in sorted(found)]


def _arrival(mail: Message, fate: str, reason: str) -> Arrival:
    return Arrival(_decoded(mail["Subject"]), fate, str(mail["X-Blackmail-Score"] or "0.0"), _decoded(reason))


def _decoded(value: str) -> str:
    return " ".join(str(make_header(decode_header(value))).split())


def _quarantined(mail: StoredMail) -> Arrival:
    return Arrival(mail.subject, "quarantined", f"{mail.verdict.score:.1f}", sentence(mail.verdict))


def show(mails: list[Arrival], folder: Path) -> None:
    """A table for people, and where to look further."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    styles = {"passed": "green", "tagged": "yellow", "quarantined": "red"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("mail", "arrived", "score", "why"):
        table.add_column(name, justify="right" if name == "score" else "left", no_wrap=name in ("arrived", "score"))
    for mail in mails:
        table.add_row(escape(mail.subject), f"[{styles[mail.fate]}]{mail.fate}[/]", mail.score, escape(mail.reason))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\nDelivered mail, with its X-Blackmail headers: {folder / 'mail' / 'new'}", soft_wrap=True)
    console.print("Quarantined mail, unchanged, with its verdict:", soft_wrap=True)
    console.print(f"  blackmail-filter quarantine list -c {folder / 'config.yaml'}", soft_wrap=True)
    console.print("This demo quarantines from a score of 10; without that setting, flagged mail is delivered tagged.")
