"""A real Postfix that reaches the filter by a Unix socket below its queue directory, chrooted and not."""

from types import SimpleNamespace

import pytest
from postfix_mails import EXTORTION, fields_on_top

from milter.config import Config
from milter.postfix.findings import findings
from milter.postfix.settings import parse_settings


@pytest.mark.parametrize("chroot", ["n", "y"])
@pytest.mark.parametrize("layout", ["before-queue", "milter", "lmtp"])
async def test_mail_passes_through_a_socket(make_postfix, start_filter, judge, layout, chroot):
    postfix = make_postfix(layout)
    folder = postfix.folder / "queue" / "filter"
    folder.mkdir()
    for name in ("main.cf", "master.cf"):
        file = postfix.folder / "config" / name
        lines = file.read_text().replace(f"inet:127.0.0.1:{postfix.filter}", "unix:filter/socket")
        lines = lines.replace(f"=127.0.0.1:{postfix.filter}", "=unix:filter/socket")
        for service in (f"127.0.0.1:{postfix.front} inet  n       -       ", "blackmail unix  -       -       "):
            lines = lines.replace(f"{service}n", f"{service}{chroot}")
        file.write_text(lines)
    (setting,) = [setting for setting, address in postfix.listening.items() if address]
    settings = {"listen": None, setting: f"unix:{folder}/socket"}
    asked = parse_settings(*(postfix.command("postconf", words) for words in ("-x", "-xM", "-xP")))
    assert findings(asked, Config(**postfix.settings | settings)) == []
    postfix.start()
    await start_filter(SimpleNamespace(address=postfix.back_address), judge, **settings)
    # In earnest Postfix's user is in the group of the socket (socket_mode).
    (folder / "socket").chmod(0o666)
    await postfix.send(EXTORTION)
    (delivered,) = await postfix.settled()
    fields_on_top(delivered, EXTORTION)
    assert delivered.count(b"\nX-Blackmail-Flag: YES\n") == 1
