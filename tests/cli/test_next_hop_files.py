"""The files that lead into the next hop are read first; a mistake in one is a line without secrets."""

import subprocess
import sys

import pytest
import yaml
from server_process import PATIENCE

VERIFY = {"next_hop_tls": "verify", "next_hop_ca_file": "ca.pem"}
LOG_IN = {"next_hop_auth": {"user": "filter", "password_file": "password"}}
AWAY = {"next_hop_auth": {"user": "filter", "password_file": "away"}}


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (VERIFY, "next_hop_ca_file: ca.pem holds no certificates in PEM form"),
        (LOG_IN, "next_hop_auth.password_file: password is not in UTF-8"),
        (
            AWAY,
            "next_hop_auth.password_file: away cannot be read (No such file or directory):"
            " check the path and its permissions",
        ),
    ],
    ids=["ca", "password", "away"],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path, command, settings, told):
    (tmp_path / "password").write_bytes(b"secret-w\xf6rd\n")
    (tmp_path / "ca.pem").write_text("secret-word", encoding="utf-8")
    usual = {"next_hop": "smtp://relay.example.org:25", "listen": "127.0.0.1:0"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(usual | settings), encoding="utf-8")
    words = [sys.executable, "-m", "milter", command, "-c", "config.yaml"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"blackmail-filter: {told}\n")
