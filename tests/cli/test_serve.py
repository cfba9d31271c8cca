"""`serve`: what is ready before mail comes in, what a reload changes, and in one line what is wrong with either."""

import shutil
import smtplib
import sqlite3
import ssl
import subprocess
import sys

import pytest
from authority import Authority
from server_process import PATIENCE


def test_the_store_is_ready_before_mail_comes_in(start, tmp_path):
    start(policy={"quarantine": True})
    with sqlite3.connect(tmp_path / "kept" / "store.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM mails").fetchone() == (0,)
    connection.close()
    assert (tmp_path / "kept" / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "settings", [{}, {"policy": {"quarantine": True}, "listen": None, "milter": "127.0.0.1:0"}], ids=repr
)
def test_who_keeps_nothing_has_no_store(start, tmp_path, settings):
    start(**settings)
    assert not (tmp_path / "kept").exists()


def test_no_database_is_loaded_before_one_is_needed():
    script = "import sys, milter.cli.serve; sys.exit(sorted({'sqlalchemy', 'alembic'} & set(sys.modules)) or 0)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_no_front_end_is_loaded_that_may_not_listen():
    script = """
import sys, milter.cli.serve
sys.exit(sorted({'milter.frontends.lmtp', 'milter.frontends.milter_protocol'} & set(sys.modules)) or 0)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_store_that_cannot_be_opened_is_one_line_and_exit_2(start, tmp_path):
    (tmp_path / "kept").write_text("in the way")
    server = start(policies={"example.org": {"quarantine": True}}, wait=False)
    assert server.process.wait(PATIENCE) == 2
    (line,) = server.logged.splitlines()
    assert line == f"blackmail-filter: {tmp_path}/kept/store.sqlite: cannot be written (Not a directory)"


def test_a_reload_with_a_store_that_fails_changes_nothing(start, tmp_path):
    server = start()
    store = server.settings["store"]
    server.reload(policy={"quarantine": True}, store={"url": "postgresql://u:secret-word@127.0.0.1:1/x"})
    server.says("reload refused, the old settings stay: postgresql://u:***@127.0.0.1:1/x: cannot be reached")
    server.reload(store=store)
    server.says("INFO reloaded")
    assert (tmp_path / "kept" / "store.sqlite").exists()
    assert "secret-word" not in server.logged
    assert "Traceback" not in server.logged


def rules(threat: str) -> str:
    """A rule file by which a mail is flagged that has this word, and "tribute"."""
    return f"""
scoring: {{caps: {{}}, one_sided_cap: 4, quoted_weight: 1, reported_weight: 1}}
rules:
  - id: threat.test
    description: Threatens to do something
    group: threat
    score: 6
    patterns: {{en: [{{phrase: [{threat}]}}]}}
    tests: {{en: {{match: [The {threat} waits.], no_match: [The plain waits.]}}}}
  - id: demand.test
    description: Demands that something is paid
    group: demand
    score: 6
    patterns: {{en: [{{phrase: [tribute]}}]}}
    tests: {{en: {{match: [Pay your tribute.], no_match: [Pay your bill.]}}}}
"""


class Site:
    """Files of an own rule and a certificate, and the settings that name them."""

    def __init__(self, folder):
        self.rule_file, self.certificate, self.key = (folder / name for name in ("own.yaml", "tls.pem", "tls.key"))
        self._authority = Authority(folder)
        self.settings = {
            "rules": [str(self.rule_file)],
            "shipped_rules": False,
            "cache_dir": str(folder / "cache"),
            "tls": {"certificate": str(self.certificate), "key": str(self.key)},
        }
        self.renew("one.example", "volcano")

    def renew(self, name, threat):
        """Another certificate and another rule."""
        made = self._authority.certify(name)
        shutil.copy(made.certificate, self.certificate)
        shutil.copy(made.key, self.key)
        self.rule_file.write_text(rules(threat))

    def name_shown(self, server):
        """Whose certificate a server shows."""
        context = ssl.create_default_context(cafile=self._authority.ca_file)
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", server.port, timeout=PATIENCE) as client:
            client.starttls(context=context)
            return client.sock.getpeercert()["subject"][0][0][1]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def delivered(server, text):
    """A mail with this text as it was delivered."""
    before = set(server.mails.glob("new/*"))
    server.send(f"Subject: x\r\n\r\nThe {text} waits for your tribute.\r\n".encode())
    (mail,) = set(server.mails.glob("new/*")) - before
    return mail.read_text()


def test_a_reload_changes_rules_policies_and_certificates(start, site):
    server = start(**site.settings)
    assert site.name_shown(server) == "one.example"
    assert "X-Blackmail-Flag: YES" in delivered(server, "volcano")
    assert "X-Blackmail-Flag: NO" in delivered(server, "glacier")
    site.renew("two.example", "glacier")
    server.reload(policies={"b@example.org": {"subject_tag": True}}, hostname="two.example")
    server.says("reloaded")
    server.until(lambda: server.greeting().startswith("220 two.example"))
    assert site.name_shown(server) == "two.example"
    assert "X-Blackmail-Flag: NO" in delivered(server, "volcano")
    mail = delivered(server, "glacier")
    assert "X-Blackmail-Flag: YES" in mail
    assert "Subject: x" not in mail


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("rule_file", "rules: [", "own.yaml:1: not valid YAML"),
        ("rule_file", rules("volcano").replace("group: threat", "group: treat"), "own.yaml:6: "),
        ("certificate", None, "tls.certificate: {certificate} cannot be read (No such file or directory)"),
        ("key", "nothing", "tls.key: {key} holds no private key in PEM form"),
    ],
)
def test_a_faulty_set_keeps_the_old_one_and_says_so(start, site, file, content, complaint):
    server = start(**site.settings)
    site.renew("two.example", "glacier")
    path = getattr(site, file)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    server.reload(hostname="two.example")
    server.says("the old settings stay")
    (line,) = [line for line in server.logged.splitlines() if "the old settings stay" in line]
    assert complaint.format(certificate=site.certificate, key=site.key) in line
    assert "Traceback" not in server.logged
    assert server.greeting().startswith("220 one.example")
    assert site.name_shown(server) == "one.example"
    assert "X-Blackmail-Flag: YES" in delivered(server, "volcano")


def test_mail_flows_while_all_rules_are_compiled_anew(start, tmp_path):
    server = start(workers=2)
    server.reload(cache_dir=str(tmp_path / "cold"), hostname="two.example")
    sent = 0
    while "reloaded" not in server.logged:
        server.send()
        sent += 1
    assert server.delivered == sent > 20
    assert list((tmp_path / "cold").glob("*.rules"))
    assert "Traceback" not in server.logged
