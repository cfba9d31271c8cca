"""The page behind a link: a look changes nothing, a pressed button does, once."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta

import httpx
import pytest
from stored_mails import NOW, RAW, B, C

from milter.frontends.web import web_app

DAY = timedelta(days=1)
BUTTON = re.compile(r'<form method="post" action="([^"]+)">.*?>([^<]+)</button>')


@pytest.fixture
def browse(scene):
    """A scene and a browser before it: `at, browser = await browse(policy={...})`."""

    async def start(**settings):
        at = await scene(**settings)
        transport = httpx.ASGITransport(web_app(at.config, at.smtp, at.now))
        return at, httpx.AsyncClient(transport=transport, base_url="http://filter.example")

    return start


def pressed(page: httpx.Response) -> list[str]:
    return [label for _, label in BUTTON.findall(page.text)]


async def test_the_page_shows_reason_and_advice_and_two_buttons(browse):
    at, browser = await browse(policy={"language": "en"})
    page = await browser.get(f"/m/{at.token('view', at.keep())}")
    assert page.status_code == 200
    assert "demands 900 USD" in page.text
    assert "Do not pay." in page.text
    assert "from your grandmother-attic" in page.text
    assert "Nothing happens until you press a button." in page.text
    assert "xylophon99. Pay" not in page.text
    assert pressed(page) == ["Deliver this mail to me", "Report a false alarm"]


async def test_pages_load_nothing_and_are_kept_nowhere(browse):
    at, browser = await browse()
    page = await browser.get(f"/m/{at.token('view', at.keep())}")
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script" not in policy + page.text
    assert not re.search(r"\ssrc=|url\(|@import|<link|style=", page.text)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize("purpose", ["view", "release", "request", "false-alarm"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_look_changes_nothing(browse, purpose, method):
    at, browser = await browse()
    mail_id = at.keep(B, C)
    before = at.office.store.quarantine.get(mail_id), at.office.store.audit.entries()
    assert (await browser.request(method, f"/m/{at.token(purpose, mail_id)}")).status_code == 200
    assert (at.office.store.quarantine.get(mail_id), at.office.store.audit.entries()) == before
    assert at.hop.messages == []


async def test_a_pressed_button_releases_once(browse):
    at, browser = await browse(policy={"language": "en"})
    mail_id = at.keep(B, C)
    page = await browser.get(f"/m/{at.token('view', mail_id, 1)}")
    target = str(page.url.join(BUTTON.findall(page.text)[0][0]))
    first, second = [await browser.post(target) for _ in range(2)]
    assert "The mail is on its way to you." in first.text
    assert "This mail was delivered to you before." in second.text
    assert pressed(first) == ["Report a false alarm"]
    assert [raw.endswith(RAW) for raw in at.hop.messages] == [True]
    assert [copy.recipient for copy in at.office.store.quarantine.get(mail_id).copies if copy.released_at] == [C]


async def test_who_may_only_ask_is_offered_no_more(browse):
    at, browser = await browse(policy={"language": "en", "self_release": "ask"})
    mail_id = at.keep()
    assert pressed(await browser.get(f"/m/{at.token('view', mail_id)}")) == [
        "Ask for this mail",
        "Report a false alarm",
    ]
    # A token from before the policy was changed.
    page = await browser.post(f"/m/{at.token('release', mail_id)}")
    assert "Your request was noted." in page.text
    assert at.hop.messages == []


async def test_a_false_alarm_is_noted(browse):
    at, browser = await browse(policy={"language": "en"})
    mail_id = at.keep()
    page = await browser.post(f"/m/{at.token('false-alarm', mail_id)}")
    assert "Thank you." in page.text
    ((_, entry),) = at.office.store.audit.entries(action="false-alarm")
    assert (entry.actor, entry.mail_id) == (B, mail_id)


async def test_a_link_to_look_allows_no_more(browse):
    at, browser = await browse()
    mail_id = at.keep()
    assert (await browser.post(f"/m/{at.token('view', mail_id)}")).status_code == 404
    assert at.office.store.quarantine.get(mail_id).state == "held"


async def test_forged_expired_and_gone(browse):
    at, browser = await browse()
    mail_id = at.keep()
    token = at.token("release", mail_id)
    for method in ("GET", "POST"):
        forged = await browser.request(method, f"/m/{token[:-3]}abc", headers={"Accept-Language": "xx, en-GB"})
        assert forged.status_code == 404
        assert "This command is not valid." in forged.text
    at.clock[0] = NOW + 15 * DAY
    assert (await browser.post(f"/m/{token}")).status_code == 410
    at.clock[0] = NOW
    at.office.store.quarantine.delete([mail_id], by="anna", now=NOW)
    assert (await browser.get(f"/m/{token}")).status_code == 410
    assert at.hop.messages == []


async def test_other_paths_and_methods_lead_nowhere(browse):
    at, browser = await browse()
    at.keep()
    assert (await browser.get("/")).status_code == 404
    assert (await browser.get("/m/")).status_code == 404
    assert (await browser.put("/m/x")).status_code == 405


async def test_a_store_that_fails_says_so(browse):
    at, browser = await browse()
    token = at.token("view", at.keep())
    at.office.store.close()
    at.config.store.file.write_bytes(b"no database at all, only noise" * 100)
    page = await browser.get(f"/m/{token}", headers={"Accept-Language": "en"})
    assert page.status_code == 503
    assert "Please try again later." in page.text


async def test_nobody_without_a_store_makes_one(browse, tmp_path):
    at, browser = await browse(digest={})
    at.config.store.key_file.unlink()
    assert (await browser.get("/m/aaaaaaaa.bbbbbb.cccccccccccccccccccccccccccc")).status_code == 404
    assert not at.config.store.key_file.exists()
