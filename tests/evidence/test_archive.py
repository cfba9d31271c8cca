"""The ZIP: the same bytes for the same cases, sums that hold, names that are safe everywhere."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
import stix2
from evidence_cases import NOW, SECRETS, english, german, innocent
from hypothesis import given, settings
from hypothesis import strategies as st

from milter.errors import ConfigError
from milter.evidence import Case, archive, bundle
from milter.model import Envelope

HOSTILE = '"><script>alert(1)</script>'
FILES = ["original.eml", "report.html", "case.json", "stix.json", "misp.json"]


def opened(cases, **more):
    wanted = {"language": "en", "country": "GB", "now": NOW} | more
    return zipfile.ZipFile(io.BytesIO(bundle(cases, **wanted)))


def test_a_single_case_lies_at_the_root():
    assert opened([german()]).namelist() == [*FILES, "SHA256SUMS"]


def test_several_cases_have_a_folder_each_and_an_index():
    names = opened([german(), english()]).namelist()
    folders = ["lusab-babad", "gutih-tugad"]
    assert names == [*(f"{folder}/{name}" for folder in folders for name in FILES), "index.html", "SHA256SUMS"]


def test_the_original_is_untouched():
    for made in (german(), replace(english(), raw=english().raw.replace(b"\n", b"\r\n") + b"\0\xff\r")):
        assert opened([made]).read("original.eml") == made.raw


@pytest.mark.parametrize("cases", [[german], [german, english, innocent]])
def test_the_sums_hold_until_a_file_is_changed(cases, tmp_path):
    opened([make() for make in cases]).extractall(tmp_path)

    def check():
        return subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path, check=False).returncode

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len((tmp_path / "SHA256SUMS").read_text().splitlines()) == len(files) - 1
    assert check() == 0
    original = next(tmp_path.rglob("original.eml"))
    original.write_bytes(original.read_bytes() + b" ")
    assert check() != 0


def test_the_same_cases_at_the_same_time_give_the_same_bytes():
    def made(now):
        return bundle(iter([german(), english()]), language="de", country="DE", now=now)

    assert made(NOW) == made(NOW)
    assert made(NOW) != made(NOW + timedelta(hours=1))
    assert {info.date_time for info in opened([german()]).infolist()} == {NOW.timetuple()[:6]}


def test_passwords_stand_in_the_originals_only():
    archived = opened([german(), english()])
    told = {name for name in archived.namelist() for secret in SECRETS if secret.encode() in archived.read(name)}
    assert told == {"lusab-babad/original.eml", "gutih-tugad/original.eml"}


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("/root/a b", "root-a-b"),
        ("C:\\x\0y", "C-x-y"),
        ("", "mail"),
        ("..", "mail"),
        ("ünïcode", "n-code"),
        ("NUL", "mail-NUL"),
        ("-rf", "rf"),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_name_never_leads_elsewhere(name, folder):
    names = opened([replace(german(), id=name), replace(english(), id="other")]).namelist()
    assert {one.partition("/")[0] for one in names if "/" in one} == {folder, "other"}


def test_names_that_differ_only_in_case_get_folders_of_their_own():
    cases = [replace(german(), id=name) for name in ("a/b", "A.B", "a-b")]
    folders = {one.partition("/")[0] for one in opened(cases).namelist() if "/" in one}
    assert folders == {"a-b", "A-B-2", "a-b-3"}


def test_the_index_links_reports_and_counts_shared_wallets():
    twin = replace(german(), id="twin")
    index = opened([german(), twin, english()]).read("index.html").decode()
    assert 'href="twin/report.html"' in index
    assert "Evidence on 3 mails" in index
    assert "in 2 mails" in index


def test_without_a_language_each_report_is_in_that_of_its_mail():
    archived = opened([german(), english()], language=None, country=None)
    assert b'<html lang="de">' in archived.read("lusab-babad/report.html")
    assert b'<html lang="en">' in archived.read("gutih-tugad/report.html")
    assert b'<html lang="de">' in archived.read("index.html")


def test_the_recipients_language_goes_before_that_of_the_mail():
    archived = opened([replace(german(), language="fr")], language=None)
    assert b'<html lang="fr">' in archived.read("report.html")


TEXT = st.text(max_size=30) | st.sampled_from([HOSTILE, "\udcff\ud800", "a\u202eb", "x" * 5000])
FIELD = st.sampled_from(["Received", "From", "To", "Reply-To", "Subject", "Date", "Content-Type", "Message-ID", "X"])
HEADER = st.lists(st.tuples(FIELD, TEXT), max_size=12)


@settings(max_examples=60, deadline=None)
@given(HEADER, st.binary(max_size=300), TEXT, TEXT)
def test_no_mail_whatever_it_holds_is_too_odd_for_a_bundle(fields, body, name, peer):
    head = "".join(f"{field}: {value}\n" for field, value in fields).encode("utf-8", "surrogatepass")
    envelope = Envelope(peer, (peer,), "203.0.113.9", peer, peer, peer)
    verdict = replace(german().verdict, action="quarantine")
    made = Case(name, head + b"\n" + body, envelope, verdict, NOW)
    archived = opened([made, made])
    assert len(archived.namelist()) == 12
    folder = archived.namelist()[0].partition("/")[0]
    assert archived.read(f"{folder}/original.eml") == made.raw
    loaded = stix2.parse(archived.read(f"{folder}/stix.json").decode(), allow_custom=False)
    assert loaded.type == "bundle"
    assert json.loads(archived.read(f"{folder}/misp.json"))["Event"]["Object"]


def test_no_cases_are_an_archive_of_nothing():
    assert opened([]).namelist() == ["SHA256SUMS"]


def test_a_missing_library_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(archive, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'blackmail-filter\[evidence\]'"):
        bundle([german()], language="en", country=None, now=NOW)
