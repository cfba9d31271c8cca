"""The page behind the links of a digest: GET shows one mail's reason and advice, and only a pressed button acts.

Whoever has a link may use it, as with any mail that opens an account again; links expire, and reach one copy each.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from milter.actions.nexthop import NextHop
from milter.config import Config
from milter.digest.deeds import EXPIRED, INVALID, TEXTS, carry_out, subject_of
from milter.digest.letters import Desk
from milter.digest.opened import office
from milter.digest.texts import defanged
from milter.digest.tokens import Expired, Order, Tokens, signing_keys
from milter.errors import BlackmailFilterError
from milter.i18n import LANGUAGES, supported, translator
from milter.store.records import StoredMail
from milter.templates import page

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
CONTENT_POLICY = (
    "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
ACCEPTED = re.compile(r"[a-z]{2}(?![a-z])")
# Signs that are shown; more make nothing clearer.
SHOWN = 12
# Requests at once in one worker; more get 503.
CONCURRENT = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pages:
    """The answers of one process."""

    config: Config
    hop: NextHop
    now: Callable[[], datetime]

    async def look(self, request: Request) -> Response:
        """GET: what is known of the mail; changes nothing, since programs follow links, too."""
        return await self._answer(request, act=False)

    async def act(self, request: Request) -> Response:
        """POST: do what the token allows."""
        return await self._answer(request, act=True)

    async def _answer(self, request: Request, *, act: bool) -> Response:
        now, language = self.now(), accepted_language(request)
        try:
            order = await asyncio.to_thread(self._read, request.path_params["token"], now)
            if order is None or (act and order.purpose == "view"):
                return message_page(INVALID, language, 404)
            return await self._page(order, now, language, act=act)
        except Expired:
            return message_page(EXPIRED, language, 410)
        except BlackmailFilterError as error:
            log.warning("a page could not be shown: %s", error)
            return message_page(TEXTS["failed"], language, 503)

    def _read(self, token: str, now: datetime) -> Order | None:
        keys = signing_keys(self.config.store, make=False)
        return Tokens(keys, valid_days=self.config.digest.valid_days).read(token, now=now)

    async def _page(self, order: Order, now: datetime, language: str, *, act: bool) -> Response:
        async with office(self.config, now) as opened:
            mail, recipient = await asyncio.to_thread(subject_of, opened.store, order)
            if not recipient:
                return message_page(TEXTS["gone"], language, 410)
            if not act:
                return mail_page(opened.desk, mail, recipient)
            done = await carry_out(order, opened, self.hop)
            log.info("%s of %s by its recipient: %s", order.purpose, mail.id, done.outcome)
            status = 503 if done.outcome == "failed" else 200
            return mail_page(opened.desk, done.mail, recipient, TEXTS[done.outcome], status)


def mail_page(desk: Desk, mail: StoredMail, recipient: str, message: str = "", status: int = 200) -> Response:
    """One mail, and what just became of it."""
    words = translator(desk.language(recipient, [mail]))
    reasons = [reason for reason in mail.verdict.reasons if reason.score > 0 and reason.excerpt]
    text = page(
        "digest/page.html",
        words,
        title=words.gettext("A mail to you was kept back"),
        message=words.gettext(message) if message else "",
        entry=desk.entry(mail, recipient, words),
        buttons=desk.buttons(mail, recipient, words),
        excerpts=list(dict.fromkeys(defanged(reason.excerpt) for reason in reasons))[:SHOWN],
        counsel=desk.counsel(mail, recipient, words.language),
    )
    return _secured(text, status)


def message_page(message: str, language: str, status: int) -> Response:
    """A page with one sentence."""
    words = translator(language)
    title = words.gettext("Mail filter")
    return _secured(page("digest/page.html", words, title=title, message=words.gettext(message), entry=None), status)


def accepted_language(request: Request) -> str:
    """The first language of the browser that we speak; English if there is none."""
    wanted = ACCEPTED.findall(request.headers.get("accept-language", "")[:200].lower())
    return supported(next((code for code in wanted if code in LANGUAGES), None))


def _secured(text: str, status: int) -> Response:
    style = STYLE.search(text)
    digest = hashlib.sha256(style[1].encode("utf-8") if style else b"").digest()
    policy = CONTENT_POLICY.format(style=base64.b64encode(digest).decode("ascii"))
    return HTMLResponse(text, status, {**HEADERS, "Content-Security-Policy": policy})


async def _nothing(request: Request, error: Exception) -> Response:
    return PlainTextResponse("Not found\n", 404, HEADERS)


def web_app(config: Config, hop: NextHop, now: Callable[[], datetime]) -> Starlette:
    """The application, for any ASGI server."""
    pages = Pages(config, hop, now)
    return Starlette(
        routes=[
            Route("/m/{token}", pages.look, methods=["GET"]),
            Route("/m/{token}", pages.act, methods=["POST"]),
        ],
        exception_handlers={404: _nothing},
    )


class _Server(uvicorn.Server):
    """uvicorn in a process whose signals are handled elsewhere."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    """Answer on a socket inside the block; tokens stand in addresses, so nothing is logged of these."""
    settings = uvicorn.Config(
        app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
        proxy_headers=False, limit_concurrency=CONCURRENT, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = _Server(settings)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
