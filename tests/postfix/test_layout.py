"""The printed lines: addresses as Postfix writes them, limits that fit, and one line where nothing fits."""

import subprocess
import sys

import pytest

from milter.config import Config, load
from milter.errors import ConfigError
from milter.postfix.layout import VALUES, lay_out, shipped_settings

BACK = {"next_hop": "smtp://127.0.0.1:10026"}


def printed(layout, **settings):
    lines = lay_out(layout, Config(**BACK | settings))
    return lines.main + lines.master


def run(*words, folder):
    command = [sys.executable, "-m", "milter", "postfix-config", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("layout", VALUES)
def test_the_command_prints_the_lines_that_the_tests_run(layout, tmp_path):
    shipped = shipped_settings(layout).read_text()
    (tmp_path / "config.yaml").write_text(shipped)
    done = run(layout, "-c", "config.yaml", folder=tmp_path)
    assert done.returncode == 0
    lines = lay_out(layout, load(shipped_settings(layout)))
    assert lines.main in done.stdout
    assert lines.master in done.stdout
    assert shipped not in done.stdout
    assert done.stdout.endswith(
        "# postfix check\n# blackmail-filter check --postfix -c config.yaml\n# postfix reload\n"
    )
    everything = run(layout, folder=tmp_path).stdout
    assert shipped in everything
    assert lines.main in everything
    assert lines.master in everything


@pytest.mark.parametrize(
    ("layout", "settings", "complaint"),
    [
        ("milter", {}, "milter: null does not fit lay-out milter; set it, for instance milter: 127.0.0.1:10027"),
        ("lmtp", {}, "lmtp: null does not fit lay-out lmtp"),
        ("before-queue", {"listen": None, "lmtp": "127.0.0.1:1"}, "listen: null does not fit lay-out before-queue"),
        ("before-queue", {"listen": "127.0.0.1:0"}, "listen: 127.0.0.1:0: Postfix has to know the port"),
        ("after-queue", {"listen": "unix:/run/b"}, "listen: unix:/run/b: Postfix's smtp client knows no Unix sockets"),
        ("after-queue", {"next_hop": "maildir:mail"}, "next_hop: maildir:mail does not fit lay-out after-queue"),
        (
            "before-queue",
            {"next_hop": "lmtp://127.0.0.1:24"},
            "next_hop: 127.0.0.1:24 does not fit lay-out before-queue",
        ),
        ("before-queue", {"next_hop": "smtp://10.0.0.2:25"}, "next_hop: 10.0.0.2:25 is reached through the network"),
    ],
)
def test_what_does_not_fit_is_one_line(layout, settings, complaint):
    with pytest.raises(ConfigError) as caught:
        printed(layout, **settings)
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)


def test_the_command_says_it_in_one_line(tmp_path):
    (tmp_path / "config.yaml").write_text("milter: null\n")
    done = run("milter", "-c", "config.yaml", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "milter: null does not fit" in done.stderr


@pytest.mark.parametrize(
    ("layout", "settings", "line"),
    [
        ("before-queue", {"listen": "[::1]:10025"}, "    -o smtpd_proxy_filter=[::1]:10025\n"),
        ("before-queue", {"listen": "0.0.0.0:10025"}, "    -o smtpd_proxy_filter=127.0.0.1:10025\n"),
        ("before-queue", {"listen": "unix:/run/b/s"}, "    -o smtpd_proxy_filter=unix:/run/b/s\n"),
        ("before-queue", {"next_hop": "smtp://[::1]:10026"}, "\n[::1]:10026     inet n"),
        ("before-queue", {"next_hop": "smtp://[::1]:10026"}, "    -o mynetworks=[::1]/128\n"),
        (
            "after-queue",
            {"listen": "10.0.0.3:10025", "next_hop": "smtp://10.0.0.2:25"},
            "    -o smtpd_authorized_xforward_hosts=10.0.0.3/32\n",
        ),
        ("after-queue", {"listen": "[::]:10025"}, "content_filter = blackmail:[::1]:10025\n"),
        ("after-queue", {"next_hop": ["smtp://127.0.0.1:1", "smtp://127.0.0.1:2"]}, "\n127.0.0.1:2     inet n"),
        ("after-queue", {"inspect_timeout": 700}, "    -o smtp_data_done_timeout=770s\n"),
        ("milter", {"milter": "unix:/var/spool/postfix/b/m"}, "non_smtpd_milters = unix:b/m\n"),
        (
            "milter",
            {"milter": "unix:/run/b/m"},
            "# Postfix finds this socket only if smtpd and cleanup are not chrooted",
        ),
        ("milter", {"milter": "[::1]:10027"}, "smtpd_milters = inet:[::1]:10027\n"),
        ("lmtp", {"lmtp": "[::1]:10028"}, "content_filter = blackmail:inet:[::1]:10028\n"),
        (
            "lmtp",
            {"lmtp": "127.0.0.1:1", "next_hop": "lmtp+unix:/run/d"},
            "virtual_transport = blackmail:inet:127.0.0.1:1",
        ),
        ("before-queue", {"inspect_timeout": 100}, "smtpd_proxy_timeout = 170s\n"),
        ("milter", {"milter": "127.0.0.1:1", "inspect_timeout": 95.5}, "milter_content_timeout = 106s\n"),
        ("before-queue", {"max_size": 100_000}, "message_size_limit = 100000\n"),
        ("before-queue", {"max_connections": 5}, "\nsmtp      inet  n       -       n       -       5       smtpd\n"),
        (
            "after-queue",
            {"max_connections": 5, "workers": 2},
            "\nblackmail unix  -       -       n       -       10      smtp\n",
        ),
    ],
)
def test_what_is_configured_is_printed_as_postfix_writes_it(layout, settings, line):
    assert line in printed(layout, **settings)
