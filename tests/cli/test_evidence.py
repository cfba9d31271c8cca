"""`scan --evidence`: which mails go into the ZIP, and what a person or a script is told."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

EXTORTION = """I hacked your computer and recorded you through your webcam. I will send the video to all your contacts.
Pay me 900 dollars in bitcoin within 48 hours to my wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
"""


def mail(body: str) -> bytes:
    return f"From: a@example.com\nTo: b@example.org\nSubject: hello\n\n{body}".encode()


def scan(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "milter", "scan", "--offline", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=120)
    assert b"Traceback" not in done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mails = tmp_path / "mails"
    mails.mkdir()
    (mails / "a.eml").write_bytes(mail(EXTORTION))
    (mails / "b.eml").write_bytes(mail("The minutes of the meeting are attached.\n"))
    (mails / "c.txt").write_text(EXTORTION, encoding="utf-8")
    return mails


def test_of_many_mails_the_flagged_ones_are_evidence(folder: Path, tmp_path: Path) -> None:
    (folder / "d.eml").write_bytes(mail(EXTORTION))
    bundle = tmp_path / "evidence.zip"
    done = scan("--evidence", bundle, "--format", "jsonl", folder)
    assert done.returncode == 0
    names = zipfile.ZipFile(bundle).namelist()
    assert {name.partition("/")[0] for name in names} == {"a", "d", "index.html", "SHA256SUMS"}
    assert b"c.txt is left out of the evidence" in done.stderr
    assert hashlib.sha256(bundle.read_bytes()).hexdigest().encode() in done.stderr
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name != "mails"] == ["evidence.zip"]


def test_a_mail_that_is_the_only_one_is_evidence_in_any_case(folder: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "evidence.zip"
    scan("--evidence", bundle, "--language", "de", folder / "b.eml")
    archived = zipfile.ZipFile(bundle)
    assert archived.read("original.eml") == (folder / "b.eml").read_bytes()
    assert b'<html lang="de">' in archived.read("report.html")


def test_a_mail_from_standard_input_and_the_country(tmp_path: Path) -> None:
    bundle = tmp_path / "evidence.zip"
    scan("--evidence", bundle, "--country", "GB", "-", stdin=mail(EXTORTION))
    archived = zipfile.ZipFile(bundle)
    assert archived.read("original.eml") == mail(EXTORTION)
    assert b"reportfraud.police.uk" in archived.read("report.html")


def test_the_policy_names_the_language_unless_a_person_does(folder: Path, tmp_path: Path) -> None:
    config, bundle = tmp_path / "config.yaml", tmp_path / "evidence.zip"
    config.write_text("policy: {language: fr}\n", encoding="utf-8")
    scan("-c", config, "--evidence", bundle, folder / "a.eml")
    assert b'<html lang="fr">' in zipfile.ZipFile(bundle).read("report.html")
    scan("-c", config, "--evidence", bundle, "--language", "da", folder / "a.eml")
    assert b'<html lang="da">' in zipfile.ZipFile(bundle).read("report.html")


def test_where_nothing_is_flagged_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    (folder / "a.eml").unlink()
    bundle = tmp_path / "evidence.zip"
    done = scan("--evidence", bundle, folder)
    assert done.returncode == 0
    assert b"is not written" in done.stderr
    assert not bundle.exists()


def test_a_bundle_that_cannot_be_written_is_one_line_and_exit_2(folder: Path, tmp_path: Path) -> None:
    done = scan("--evidence", tmp_path / "missing" / "evidence.zip", folder)
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert b"cannot be written" in done.stderr
    assert done.stdout == b""


def test_an_unknown_reporting_file_is_named(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("reporting: missing.yaml\n", encoding="utf-8")
    done = scan("-c", config, "--evidence", tmp_path / "evidence.zip", folder / "a.eml")
    assert done.returncode == 2
    assert b"missing.yaml" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "mails"]
