"""A store with mails in it, a next hop, and everything that tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import SimpleNamespace
from typing import Any

import pytest
from stored_mails import NOW, RAW, VERDICT, B

from milter.actions.smtp import SmtpHop
from milter.config import Config, Store
from milter.digest.opened import Office, open_office
from milter.digest.tokens import Order, Purpose, Tokens, signing_keys
from milter.model import Envelope

COMMANDS = "commands@example.org"


@dataclass
class Scene:
    """Settings, an open office and a next hop that remembers."""

    config: Config
    hop: Any
    smtp: SmtpHop
    office: Office
    clock: list[datetime] = field(default_factory=lambda: [NOW])

    def now(self) -> datetime:
        """The time."""
        return self.clock[0]

    def keep(self, *recipients: str, sender: str = "spam@example.net", raw: bytes = RAW, at: datetime = NOW) -> str:
        """A quarantined mail."""
        return self.office.store.quarantine.keep(raw, Envelope(sender, recipients or (B,)), VERDICT, received=at)

    def token(self, purpose: Purpose, mail_id: str, position: int = 0, *, at: datetime = NOW) -> str:
        """A token that our letters could hold."""
        tokens = Tokens(signing_keys(self.config.store), valid_days=self.config.digest.valid_days)
        return tokens.make(Order(purpose, mail_id, position), now=at)

    @property
    def sent(self) -> list[EmailMessage]:
        """What arrived at the next hop."""
        return [message_from_bytes(raw, policy=default) for raw in self.hop.messages]  # type: ignore[misc]


@pytest.fixture
async def scene(tmp_path, start_hop) -> AsyncIterator[Callable[..., Any]]:
    """Set up: `await scene(answers={}, digest={...}, policy={...})`, in SQLite or the given store."""
    made: list[Scene] = []

    async def set_up(*, store: Store | None = None, digest: Any = None, hop: Any = None, **settings: Any) -> Scene:
        answers = settings.pop("answers", {})
        hop = hop or await start_hop(answers=answers)
        store = store or Store(url=f"sqlite:///{tmp_path}/store/store.sqlite", key_file=tmp_path / "store" / "key")
        wanted = {"command_address": COMMANDS, "schedule": "07:30"} | (digest or {})
        config = Config(
            store=store.model_dump(), digest=wanted, next_hop=f"smtp://{hop.address}", hostname="filter.example",
            **settings,
        )  # fmt: skip
        smtp = SmtpHop(hop.address, helo_name="filter.example", timeout=5.0)
        made.append(Scene(config, hop, smtp, open_office(config, NOW)))
        return made[-1]

    yield set_up
    for one in made:
        one.office.store.close()
        await one.smtp.close()


@pytest.fixture
def parts():
    """The text and the HTML of a mail."""

    def of(mail: EmailMessage) -> SimpleNamespace:
        return SimpleNamespace(
            text=mail.get_body(("plain",)).get_content(),  # type: ignore[union-attr]
            html=mail.get_body(("html",)).get_content(),  # type: ignore[union-attr]
        )

    return of
