"""`install-service`: what it writes holds against systemd's own tools, and `serve` lives within what it allows."""

import mmap
import os
import re
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

import pytest
from click.testing import CliRunner
from server_process import SERVE, servers

import milter
from milter.cli import main, service_files
from milter.config import Store
from milter.store.opened import open_store
from milter.store.records import Filter

DEMO = Path(milter.__file__).parent / "data" / "demo"
UNITS = "etc/systemd/system"
NOBODY = 65534
# A read-only file system but for one folder, another user, hardly a capability, no memory that is written and executed.
CONFINED = (
    "unshare",
    "--mount",
    "--propagation=private",
    "sh",
    "-c",
    'mount --bind "$0" "$0" && mount -o remount,ro,bind / && exec "$@"',
)
AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--no-new-privs",
    # Python itself may lie in a folder that only root may look into.
    "--bounding-set=-all,+dac_read_search",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=+dac_read_search",
    sys.executable,
    "-c",
    # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
    "import ctypes, os, sys\nassert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0\nos.execv(sys.argv[1], sys.argv[1:])",
)


def run(*arguments):
    return CliRunner().invoke(main, ["install-service", *map(str, arguments)])


@pytest.fixture(autouse=True)
def visible(monkeypatch):
    """Where the tests and the package lie is no matter, but for the test that is about it."""
    monkeypatch.setattr(service_files, "HIDDEN", ())


@pytest.fixture
def config(tmp_path_factory):
    """A configuration with every kind of listener."""
    path = tmp_path_factory.mktemp("configured") / "config.yaml"
    path.write_text(
        "listen: localhost:10025\n"
        "lmtp: unix:/run/blackmail-filter/lmtp\n"
        'milter: "[::1]:10027"\n'
        "metrics: {listen: 127.0.0.1:9109}\n"
        "socket_mode: '0666'\n"
        "stop_timeout: 99.5\n"
        "next_hop: maildir:/srv/mail\n"
        "store: {key_file: /etc/blackmail-filter/quarantine.key}\n"
    )
    return path


@pytest.fixture
def written(config, tmp_path):
    """A root folder into which all was written."""
    assert run("-c", config, "--root", tmp_path).exit_code == 0
    return tmp_path


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)


def test_the_service_is_confined(written):
    unit = written / UNITS / "blackmail-filter.service"
    found = tool("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    exposure = re.search(r"Overall exposure level for blackmail-filter\.service: ([\d.]+)", found.stdout)
    assert float(exposure[1]) <= 2.0


def test_systemd_finds_no_fault_in_the_units(written):
    units = sorted((written / UNITS).iterdir())
    assert [unit.name for unit in units] == [
        "blackmail-filter-listen.socket",
        "blackmail-filter-lmtp.socket",
        "blackmail-filter-metrics.socket",
        "blackmail-filter-milter.socket",
        "blackmail-filter.service",
    ]
    found = tool("systemd-analyze", "verify", "--man=no", *units)
    assert (found.stdout, found.stderr) == ("", "")


def test_systemd_makes_the_user_and_the_folders(written):
    tool("systemd-sysusers", f"--root={written}", "blackmail-filter.conf")
    assert re.search(r"^blackmail-filter:.*:/var/lib/blackmail-filter:", (written / "etc/passwd").read_text(), re.M)
    tool("systemd-tmpfiles", f"--root={written}", "--create", "blackmail-filter.conf")
    user = int((written / "etc/passwd").read_text().split(":")[2])
    for folder, mode in (("var/lib", 0o750), ("var/cache", 0o700), ("run", 0o755)):
        made = (written / folder / "blackmail-filter").stat()
        assert (made.st_uid, made.st_mode & 0o777) == (user, mode)


def test_settings_are_in_the_units(written, config):
    service = (written / UNITS / "blackmail-filter.service").read_text().splitlines()
    program = Path(sys.executable).with_name("blackmail-filter")
    assert {
        f"ExecStart={program} serve -c {config}",
        "TimeoutStopSec=115",
        "LoadCredential=quarantine.key:/etc/blackmail-filter/quarantine.key",
        "ReadWritePaths=-/srv/mail",
    } <= set(service)

    def lines(setting):
        return set((written / UNITS / f"blackmail-filter-{setting}.socket").read_text().splitlines())

    assert {"FileDescriptorName=listen"} < lines("listen")
    assert {"ListenStream=127.0.0.1:10025", "ListenStream=[::1]:10025"} & lines("listen")
    assert {"ListenStream=/run/blackmail-filter/lmtp", "SocketMode=0666", "FileDescriptorName=lmtp"} <= lines("lmtp")
    assert "ListenStream=[::1]:10027" in lines("milter")
    assert not any("@" in line and "SystemCallFilter" not in line for line in service)


def test_a_key_is_made_once(written, config):
    key = written / "etc/blackmail-filter/quarantine.key"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_text()
    assert run("-c", config, "--root", written, "--force").exit_code == 0
    assert key.read_text() == before


def test_what_the_service_makes_for_itself_needs_no_credential(config, tmp_path):
    config.write_text("store: {key_file: quarantine/key}\n")
    result = run("-c", config, "--dry-run")
    assert "LoadCredential" not in result.stdout
    assert "ReadWritePaths" not in result.stdout


def test_without_a_configuration_one_is_written_to_begin_with(tmp_path):
    result = run("--root", tmp_path)
    assert result.exit_code == 0
    assert (tmp_path / "etc/blackmail-filter/config.yaml").exists()
    for step in ("systemd-sysusers", "systemd-tmpfiles --create", "check -c /etc/blackmail-filter/config.yaml"):
        assert step in result.stdout
    assert "systemctl enable --now blackmail-filter-listen.socket blackmail-filter.service" in result.stdout
    assert run("--root", tmp_path).exit_code == 0


def test_a_dry_run_writes_nothing(config, tmp_path):
    result = run("-c", config, "--root", tmp_path, "--dry-run")
    assert result.exit_code == 0
    for name in ("blackmail-filter.service", "blackmail-filter-milter.socket", "sysusers.d", "tmpfiles.d"):
        assert re.search(rf"^# /etc/.*{name}", result.stdout, re.M)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_file_is_kept_unless_forced(written, config):
    unit = written / UNITS / "blackmail-filter.service"
    original = unit.read_text()
    unit.write_text("mine")
    result = run("-c", config, "--root", written)
    assert result.exit_code == 2
    assert (
        result.stderr == f"blackmail-filter: {unit} is there and differs: compare it with --dry-run, and replace it"
        " with --force\n"
    )
    assert unit.read_text() == "mine"
    assert run("-c", config, "--root", written, "--force").exit_code == 0
    assert unit.read_text() == original


def test_a_socket_that_is_no_longer_wanted_is_named(written, config):
    config.write_text("listen: 127.0.0.1:10025\n")
    result = run("-c", config, "--root", written, "--force")
    unit = written / UNITS / "blackmail-filter-lmtp.socket"
    assert f"systemctl disable --now {unit.name} && rm {unit}\n" in result.stdout
    assert "disable --now blackmail-filter-listen" not in result.stdout


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("listen: 127.0.0.1:0", "listen: 127.0.0.1:0: systemd holds the socket and needs a port; choose one"),
        ("listen: no-such-host.invalid:25", "listen: no-such-host.invalid:25: "),
        ("listn: 127.0.0.1:25", "{config}:1: listn: is not a known key; did you mean 'listen'?"),
    ],
)
def test_what_cannot_be_is_one_line(config, settings, complaint):
    config.write_text(settings)
    result = run("-c", config, "--dry-run")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"blackmail-filter: {complaint.format(config=config)}")


@pytest.mark.parametrize("path", ["/root/config.yaml", "/home/anna/venv/bin/blackmail-filter", "/tmp/venv/bin/python"])
def test_homes_and_temporary_folders_are_hidden_from_the_service(monkeypatch, path):
    monkeypatch.undo()
    assert service_files.is_hidden(Path(path))
    assert not service_files.is_hidden(Path("/opt") / path.lstrip("/"))


def test_what_the_service_cannot_see_is_named(monkeypatch, config):
    python = Path(sys.executable)
    monkeypatch.setattr(service_files, "HIDDEN", (config.parent, python.parent, python.resolve().parent))
    result = run("-c", config, "--dry-run")
    assert result.exit_code == 0
    for path in (config, python.with_name("blackmail-filter"), python.resolve()):
        assert f"Warning: {path}: the service cannot see that; move it, for instance below /opt\n" in result.stderr


def test_who_is_not_root_is_told_so(monkeypatch, config):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = run("-c", config)
    assert result.exit_code == 2
    assert (
        result.stderr
        == "blackmail-filter: install-service writes below /etc: run it as root, or look at it with --dry-run\n"
    )


def test_a_root_that_cannot_be_written_is_one_line(config, tmp_path):
    (tmp_path / "etc").write_text("in the way")
    result = run("-c", config, "--root", tmp_path)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert re.fullmatch(r"blackmail-filter: .*/etc/systemd/system/.* cannot be written \(.*\)", line)


@pytest.fixture
def folder():
    """A folder that other users may look into."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        state = folder / "state"
        state.mkdir()
        os.chown(state, NOBODY, NOBODY)
        yield folder


def test_the_confinement_of_the_next_test_is_real(folder):
    script = (
        "import mmap, os, sys\n"
        "open(sys.argv[1] + '/state/x', 'w')\n"
        "for attempt in (lambda: open(sys.argv[1] + '/x', 'w'), lambda: mmap.mmap(-1, 4096, prot=7)):\n"
        "    try: attempt()\n"
        "    except OSError as error: print(os.geteuid(), error.strerror)\n"
    )
    assert len(mmap.mmap(-1, 4096, prot=7)) == 4096
    command = (*CONFINED, folder / "state", *AS_NOBODY, sys.executable, "-c", script, folder)
    assert tool(*command).stdout.splitlines() == [
        f"{NOBODY} Read-only file system",
        f"{NOBODY} Permission denied",
    ]


def test_serve_needs_no_more_than_it_may(folder):
    state = folder / "state"
    credentials = folder / "credentials"
    credentials.mkdir()
    (credentials / "quarantine.key").write_bytes(b64encode(bytes(32)))
    store = {"url": f"sqlite:///{state}/quarantine/store.sqlite", "key_file": str(state / "key")}
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "CACHE_DIRECTORY": str(state / "cache")}
    with servers(folder, (*CONFINED, str(state), *AS_NOBODY, *SERVE)) as start:
        server = start(
            environ=environ,
            workers=2,
            store=store,
            policy={"quarantine": True},
            next_hop=f"maildir:{state}/mail",
            cache_dir=None,
        )
        for mail in sorted(DEMO.glob("*.eml")):
            server.send(mail.read_bytes())
        html = "Subject: x\r\nContent-Type: text/html\r\n\r\n<p>A plain <b>letter</b>.</p>\r\n"
        server.send(html.encode())
        server.reload(hostname="two.example")
        server.says("reloaded")
        server.mails = state / "mail"
        assert server.delivered >= 2
        assert server.stop() == 0
    assert "Traceback" not in server.logged
    assert "cannot be kept" not in server.logged
    assert not (state / "key").exists()
    assert list((state / "cache").glob("*.rules"))
    kept = Store(url=store["url"], key_file=credentials / "quarantine.key")
    (credentials / "quarantine.key").chmod(0o600)
    with open_store(kept) as opened:
        held = opened.quarantine.find(Filter(), limit=100)
        assert any(b"bitcoin" in opened.quarantine.raw(mail.id).lower() for mail in held)
    assert (state / "quarantine" / "store.sqlite").stat().st_uid == NOBODY
