"""The command line as scripts see it: output, exit codes, one line for each fault and never a traceback."""

from __future__ import annotations

import json
import mailbox
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from milter.config import load
from milter.store.opened import open_store

EXTORTION = """I hacked your computer and recorded you through your webcam. I will send the video to all your contacts.
Pay me 900 dollars in bitcoin within 48 hours to my wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
"""
ORDINARY = "Dear Anna,\n\nthe minutes of the meeting are attached.\n\nPaul\n"


def run(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "milter", *arguments],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        check=False,
        timeout=120,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in out + err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def mail(body: str) -> bytes:
    return f"From: a@example.com\nTo: b@example.org\nSubject: hello\n\n{body}".encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.eml").write_bytes(mail(EXTORTION))
    (tmp_path / "b.txt").write_text(f"Subject: About you\n\n{EXTORTION}", encoding="utf-8")
    (tmp_path / "c.eml").write_bytes(mail(ORDINARY))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    return tmp_path


def records(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_scan_prints_one_object_a_mail_in_input_order(folder: Path) -> None:
    done = run("scan", "--offline", "--format", "jsonl", str(folder))
    found = records(done.stdout)
    assert done.returncode == 0
    assert [Path(str(r["path"])).name for r in found] == ["a.eml", "b.txt", "c.eml"]
    assert [r["action"] for r in found] == ["tag", "tag", "accept"]
    keys = "path index action score kind language reasons wallets demand auth ms"
    assert list(found[0]) == keys.split()
    assert found[0]["wallets"] == [
        {"currency": "BTC", "address": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "valid": True, "where": "text"}
    ]
    assert found[0]["demand"] == {"amount": "900", "currency": "USD", "deadline_hours": 48}
    assert set(found[0]["auth"]) == {"spf", "dkim", "dmarc", "arc", "spoof"}  # type: ignore[call-overload]
    assert set(found[0]["reasons"][0]) == {"rule", "group", "score", "where", "excerpt"}  # type: ignore[index]


def test_scan_reads_mbox_maildir_and_standard_input(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box.mbox")
    box.add(mail(EXTORTION))
    box.add(mail(ORDINARY + "\nFrom here on it is quoted.\n"))
    box.flush()
    box.close()
    maildir = mailbox.Maildir(tmp_path / "maildir")
    maildir.add(mail(EXTORTION))
    done = run(
        "scan",
        "--offline",
        "--format",
        "jsonl",
        str(tmp_path / "box.mbox"),
        str(tmp_path / "maildir"),
        "-",
        stdin=mail(ORDINARY),
    )
    found = records(done.stdout)
    assert [(r["index"], r["action"]) for r in found] == [(0, "tag"), (1, "accept"), (0, "tag"), (0, "accept")]
    assert found[3]["path"] == "-"


def test_a_mail_that_cannot_be_read_is_a_record_and_exit_3(folder: Path) -> None:
    done = run("scan", "--offline", "--format", "jsonl", str(folder / "missing.eml"), str(folder / "a.eml"))
    found = records(done.stdout)
    assert done.returncode == 3
    assert found[0] == {
        "path": str(folder / "missing.eml"),
        "index": 0,
        "error": "cannot be read: No such file or directory",
    }
    assert found[1]["action"] == "tag"


def test_many_mails_are_judged_by_several_processes_in_order(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number:03}.eml").write_bytes(mail(EXTORTION if number % 3 == 0 else ORDINARY))
    found = records(run("scan", "--offline", "--format", "jsonl", str(tmp_path)).stdout)
    assert [r["action"] for r in found] == ["tag" if n % 3 == 0 else "accept" for n in range(100)]


def test_scan_by_the_policy_of_a_recipient(folder: Path) -> None:
    config = folder / "config.yaml"
    config.write_text(
        f"store: {{url: 'sqlite:///{folder}/store.sqlite', key_file: '{folder}/key'}}\n"
        "policies: {example.org: {quarantine: true}, anna@example.org: {allow: [example.com]}}\n",
        encoding="utf-8",
    )

    def verdict(*recipient: str) -> dict[str, object]:
        words = ("scan", "-c", str(config), "--offline", "--format", "jsonl", *recipient, str(folder / "a.eml"))
        return records(run(*words).stdout)[0]

    assert verdict()["action"] == "tag"
    assert verdict("--recipient", "b@example.org")["action"] == "quarantine"
    allowed = verdict("--recipient", "Anna+lists@example.org")
    assert allowed["action"] == "accept"
    assert allowed["notes"] == [f"a@example.com is on an allow list: passed with a score of {allowed['score']:g}"]
    with open_store(load(config).store) as store:
        store.senders.add("anna@example.org", "a@example.com", "block", by="anna", now=datetime.now(UTC))
    assert verdict("--recipient", "anna@example.org")["action"] == "quarantine"
    assert run("scan", "--recipient", "anna", str(folder)).returncode == 2


def test_the_table_names_flagged_mail_and_counts(folder: Path) -> None:
    done = run("scan", "--offline", str(folder))
    assert "3 mails, 2 flagged" in done.stdout
    assert "c.eml" not in done.stdout


def test_explain_says_what_stands_where_and_what_would_change(folder: Path) -> None:
    out = run("scan", "--offline", "--explain", str(folder / "a.eml"), str(folder / "c.eml")).stdout
    assert "threat.publish in text" in out
    assert "It would pass with" in out
    assert "It would be tagged with" in out
    assert "(checksum holds)" in out


def test_explain_says_that_the_author_is_on_a_list(folder: Path) -> None:
    config = folder / "config.yaml"
    config.write_text("policy: {block: [example.com]}\n", encoding="utf-8")
    out = run("scan", "-c", str(config), "--offline", "--explain", str(folder / "c.eml")).stdout
    assert "c.eml: tag, score 0, no kind" in out
    assert "You or your administrator block this sender." in out
    assert "a@example.com is on a block list" in out
    assert "It would" not in out


def test_rules_list_show_and_test() -> None:
    assert "threat.publish" in run("rules", "list").stdout
    shown = run("rules", "show", "threat.publish").stdout
    assert "group threat" in shown
    assert "\nde\n" in shown
    tested = run("rules", "test", "threat.publish")
    assert tested.returncode == 0
    assert "1 rules, " in tested.stdout


def test_a_rule_that_fails_its_example_is_exit_1(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        """
rules:
  - id: threat.own
    description: Finds what it should not
    group: threat
    score: 1
    patterns: {en: [{phrase: [garden gnome]}]}
    tests: {en: {match: [I took your garden gnome, I took your gnome], no_match: [A garden gnome is nice]}}
""",
        encoding="utf-8",
    )
    (tmp_path / "config.yaml").write_text(f"rules: [{tmp_path / 'own.yaml'}]\n", encoding="utf-8")
    done = run("rules", "test", "threat.own", "-c", str(tmp_path / "config.yaml"))
    assert done.returncode == 1
    assert "threat.own (en) does not find: I took your gnome" in done.stdout
    assert "threat.own (en) pattern 1 wrongly finds: A garden gnome is nice" in done.stdout


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("listenn: 1", ":1: listenn: is not a known key; did you mean 'listen'?"),
        ("rules: [/nonexistent/rules]", "/nonexistent/rules: cannot be read"),
        ("shipped_rules: false", "the rule set is empty"),
        (
            "next_hop: ftp://x",
            ":1: next_hop: write it as smtp://host:port, lmtp://host:port, smtp+unix:PATH, lmtp+unix:PATH or",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_wrong_configuration_is_one_line_and_exit_2(tmp_path: Path, command: str, config: str, expected: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(config, encoding="utf-8")
    done = run(command, "-c", str(path))
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_usage_errors_are_exit_2() -> None:
    assert run("scan").returncode == 2
    assert run("nonsense").returncode == 2
    assert run("rules", "show", "threat.publisch").stderr.startswith(
        "blackmail-filter: there is no rule 'threat.publisch'; did you mean"
    )


def test_demo_shows_one_of_each(tmp_path: Path) -> None:
    done = run("demo", "--directory", str(tmp_path / "demo"), cwd=tmp_path)
    assert done.returncode == 0
    for fate in ("passed", "tagged", "quarantined"):
        assert fate in done.stdout
    delivered = len(list((tmp_path / "demo" / "mail" / "new").iterdir()))
    kept = done.stdout.count("quarantined")
    assert kept > 0
    assert delivered + kept == len(os.listdir(Path(__file__).parents[2] / "milter" / "data" / "demo"))


def test_help_names_every_command() -> None:
    out = run("--help").stdout
    for name in ("serve", "scan", "check", "rules", "demo"):
        assert name in out


def test_scan_asks_the_dns_unless_offline(folder: Path) -> None:
    config = folder / "config.yaml"
    config.write_text("dns: {servers: ['127.0.0.1:1'], timeout: 0.5}\n", encoding="utf-8")
    asked, unasked = (
        records(run("scan", "-c", str(config), *offline, "--format", "jsonl", str(folder / "a.eml")).stdout)[0]
        for offline in ([], ["--offline"])
    )
    assert asked["auth"]["dmarc"] == "temperror"  # type: ignore[index]
    assert unasked["auth"]["dmarc"] == "none"  # type: ignore[index]
    assert asked["action"] == unasked["action"] == "tag"


def test_a_wrong_dns_server_is_one_line_and_exit_2(folder: Path) -> None:
    config = folder / "config.yaml"
    config.write_text("dns: {servers: [nowhere]}\n", encoding="utf-8")
    done = run("scan", "-c", str(config), str(folder / "a.eml"))
    assert done.returncode == 2
    assert "dns.servers: nowhere is no IP address" in done.stderr


def test_check_reads_an_own_file_of_reporting_points(tmp_path: Path) -> None:
    (tmp_path / "points.yaml").write_text('countries:\n  "DE": {emergancy: "110"}\n', encoding="utf-8")
    (tmp_path / "config.yaml").write_text("reporting: points.yaml\n", encoding="utf-8")
    done = run("check", "-c", "config.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "points.yaml:2: countries.DE.emergancy" in done.stderr


def report(tmp_path: Path, body: str) -> str:
    (tmp_path / "a.eml").write_bytes(mail(body))
    done = run("scan", "--offline", "--format", "html", str(tmp_path / "a.eml"))
    assert done.returncode == 0
    return done.stdout


def test_passages_are_marked_in_the_text(tmp_path: Path) -> None:
    page = report(tmp_path, EXTORTION)
    marks = dict(re.findall(r'<mark class="\w+" title="([\w.]+)">([^<]+)</mark>', page))
    assert "recorded you" in marks["claim.recorded"]
    assert "send the video to all your contacts" in marks["threat.publish"]
    text = re.sub(r"<[^>]+>", "", page.split("<pre>")[-1].split("</pre>")[0])
    assert text.split() == EXTORTION.split()


def test_a_mail_cannot_write_into_the_page(tmp_path: Path) -> None:
    page = report(tmp_path, f"<script>alert(1)</script> {EXTORTION}")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    page = report(tmp_path, EXTORTION)
    assert not re.findall(r"(?:src|href)=", page)
    assert "1 mail read, 1 flagged" in page


def test_scan_shows_what_the_reader_would_see(folder: Path) -> None:
    done = run("scan", "--offline", "--notice", "de", "--country", "AT", str(folder / "a.eml"))
    assert done.returncode == 0
    subject, notice, letter = (done.stdout.index(words) for words in ("hello", "Zahlen Sie nicht.", "I hacked"))
    assert subject < notice < letter
    assert "against-cybercrime@bmi.gv.at" in done.stdout
    page = run("scan", "--offline", "--notice", "ja", "--format", "html", str(folder / "a.eml")).stdout
    assert page.startswith('<!doctype html>\n<html lang="ja"')
    assert "お金を払わないでください" in page
    assert "I hacked your computer" in page


def test_scan_shows_the_notice_by_the_policy(folder: Path) -> None:
    (folder / "config.yaml").write_text(
        "policies: {b@example.org: {subject_tag: true, defang: true}}", encoding="utf-8"
    )
    words = ["--offline", "-c", str(folder / "config.yaml"), "--notice", "en", str(folder / "a.eml")]
    assert run("scan", *words).stdout.startswith("hello\n")
    seen = run("scan", "--recipient", "b@example.org", *words).stdout
    assert seen.startswith("[Extortion?] hello\n")
    assert "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa" not in seen


def test_scan_says_which_mails_have_no_notice(folder: Path) -> None:
    done = run("scan", "--offline", "--notice", "en", str(folder / "a.eml"), str(folder / "c.eml"))
    assert done.stdout.count("Notice from your mail filter") == 1
    assert done.stderr == f"{folder / 'c.eml'} is not flagged and stays as it is\n"
    closed = (
        b"From: a@example.com\nContent-Type: multipart/signed; boundary=x\n\n--x\n\n" + EXTORTION.encode() + b"--x--\n"
    )
    assert "only with notice: wrap" in run("scan", "--offline", "--notice", "en", "-", stdin=closed).stderr
    (folder / "config.yaml").write_text("policy: {notice: wrap}", encoding="utf-8")
    done = run("scan", "--offline", "-c", str(folder / "config.yaml"), "--notice", "en", "-", stdin=closed)
    assert "attached to this notice" in done.stdout
    assert "I hacked" not in done.stdout


@pytest.mark.parametrize("wrong", [["--format", "jsonl"], ["--explain"]])
def test_scan_prints_a_notice_as_text_or_page(folder: Path, wrong: list[str]) -> None:
    done = run("scan", "--offline", "--notice", "en", *wrong, str(folder / "a.eml"))
    assert done.returncode == 2
    assert "--notice prints text or, with --format html, a page" in done.stderr


def test_a_postfix_that_cannot_be_read_is_said_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_CONFIG", str(tmp_path / "none"))
    done = run("check", "--postfix", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("blackmail-filter: postconf cannot be run (postconf: fatal: open ")
    assert done.stderr.endswith("is Postfix here, postconf in PATH, MAIL_CONFIG its folder?\n")
    assert done.stderr.count("\n") == 1
