"""`status`: what an admin reads at night, from a server that runs, and without one."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml
from free_ports import free_port
from monitored import Monitored
from server_process import LOOPBACK

from milter.cli.status import lines

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def status(path, *options):
    command = [sys.executable, "-m", "milter", "status", "-c", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"TZ": "UTC"})


def written(tmp_path, **settings):
    path = tmp_path / "asked.yaml"
    store = {"url": f"sqlite:///{tmp_path}/q/store.sqlite", "key_file": str(tmp_path / "q" / "key")}
    path.write_text(yaml.safe_dump({"next_hop": f"maildir:{tmp_path}/mail", "store": store} | settings))
    return path


def test_a_server_that_is_well(start, tmp_path):
    server = Monitored(start, tmp_path, workers=2)
    for _ in range(3):
        server.server.send()
    done = status(server.server.path)
    assert done.returncode == 0, done.stdout
    head, workers, settings, listen, hop, mails, quarantine, end = done.stdout.splitlines()
    assert f", process {server.server.process.pid}" in head
    assert " is up since 2" in head
    assert workers == "workers     2 of 2"
    assert settings == "settings    as at the start"
    assert listen == f"listen      {LOOPBACK}:{server.server.port}  ok"
    assert hop == f"next hop    maildir:{server.server.mails}  ok"
    assert mails == "mails       3 since the start: 3 accept"
    assert quarantine == "quarantine  empty"
    assert end == "Nothing is wrong."


def test_json_is_what_the_server_says(start, tmp_path):
    server = Monitored(start, tmp_path)
    server.server.send()
    told = json.loads(status(server.server.path, "--format", "json").stdout)
    assert told == {"up": True, **server.json("/status")}
    assert told["mails"]["accept"] == 1
    assert told["workers"] == {"running": 1, "wanted": 1, "restarts": 0}


def test_each_trouble_is_a_sentence_and_exit_1(start, tmp_path):
    hop = f"smtp://{LOOPBACK}:{free_port()}"
    server = Monitored(start, tmp_path, next_hop=hop, workers=2)
    # Settings that are refused stay refused; the file is then put right for `status` to read.
    server.server.reload(listen="192.0.2.1:25")
    server.server.says("the old settings stay")
    server.server.configure(listen=f"{LOOPBACK}:0")
    server.until(lambda: server.state.refused)
    os.kill(server.server.process.pid, signal.SIGSTOP)
    try:
        os.kill(server.state.workers[0], signal.SIGKILL)
        server.until(lambda: server.get("/healthz")[0] == 503)
        done = status(server.server.path)
    finally:
        os.kill(server.server.process.pid, signal.SIGCONT)
    assert done.returncode == 1
    troubles = [line.removeprefix("TROUBLE: ") for line in done.stdout.splitlines() if line.startswith("TROUBLE: ")]
    assert troubles[0] == "1 of 2 workers run; the log says why the others ended."
    assert troubles[1] == f"{hop} does not take mail: connection refused. Mail is deferred until it does."
    assert "was refused, and the old settings are in force: " in troubles[2]
    assert "192.0.2.1:25" in troubles[2]
    assert len(troubles) == 3


def test_without_metrics_it_asks_for_itself(start, tmp_path):
    port = free_port()
    server = start(listen=f"{LOOPBACK}:{port}")
    done = status(server.path)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "blackmail-filter answers",
            f"listen      {LOOPBACK}:{port}  ok",
            f"next hop    maildir:{server.mails}  ok",
            "quarantine  empty",
            "Nothing is wrong.",
        ],
    )


def test_a_server_that_is_down(tmp_path):
    port, metrics = free_port(), free_port()
    settings = written(tmp_path, listen=f"{LOOPBACK}:{port}", metrics={"listen": f"{LOOPBACK}:{metrics}"})
    done = status(settings)
    assert done.returncode == 1
    assert done.stdout.startswith("blackmail-filter does not answer\n")
    assert f"TROUBLE: metrics on {LOOPBACK}:{metrics} does not answer: Connection refused.\n" in done.stdout
    assert f"TROUBLE: listen on {LOOPBACK}:{port} does not serve: connection refused.\n" in done.stdout
    assert json.loads(status(settings, "--format", "json").stdout)["up"] is False


def test_a_store_that_cannot_be_read_is_a_trouble(tmp_path):
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "store.sqlite").write_text("this is no database, and long enough to be seen as none" * 20)
    done = status(written(tmp_path, listen=f"{LOOPBACK}:{free_port()}"))
    assert "quarantine  unknown" in done.stdout
    assert f"TROUBLE: The quarantine cannot be read: {tmp_path}/q/store.sqlite: " in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["listn: 127.0.0.1:25\n", None])
def test_a_faulty_configuration_is_exit_2(tmp_path, content):
    path = tmp_path / "faulty.yaml"
    if content:
        path.write_text(content)
    done = status(path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_what_is_kept_is_told_in_words():
    kept = {"mails": 1200, "bytes": 3_400_000, "oldest": "2026-11-22T12:00:00+00:00", "requested": 2, "uncertain": 1}
    report = {"up": True, "listeners": {}, "next_hops": {}, "quarantine": kept, "troubles": []}
    assert "quarantine  1,200 mails, 3.4 MB, the oldest 3d old, 2 asked for by recipients" in [*lines(report, NOW)]
    one = report | {"quarantine": kept | {"mails": 1, "requested": 0}}
    assert "quarantine  1 mail, 3.4 MB, the oldest 3d old" in [*lines(one, NOW)]
