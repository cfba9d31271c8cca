"""stix.json is what the standard wants, as its own library reads it."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

import pytest
import stix2
from evidence_cases import NOW, SECRETS, english, german, innocent

from milter.evidence.facts import examine
from milter.evidence.stix import stix_bundle

# STIX 2.1 §2.9: the name space of observables' ids.
OASIS = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
CONTRIBUTION = f'{{"value":"{ADDRESS}"}}'


def objects(case):
    found = json.loads(stix_bundle(examine(case), now=NOW))["objects"]
    by_type = {}
    for one in found:
        by_type.setdefault(one["type"], []).append(one)
    return by_type


@pytest.mark.parametrize("make", [german, english, innocent])
def test_the_library_reads_it_strictly(make):
    text = stix_bundle(examine(make()), now=NOW)
    bundle = stix2.parse(text, allow_custom=False, version="2.1")
    ids = [one["id"] for one in bundle.objects]
    assert len(set(ids)) == len(ids)
    known = {*ids, stix2.TLP_AMBER.id}
    referred = {ref for one in bundle.objects for key in one if key.endswith("_refs") for ref in one[key]}
    referred |= {one[key] for one in bundle.objects for key in one if key.endswith("_ref")}
    assert referred <= known
    assert not any(secret in text for secret in SECRETS)


def test_a_reader_that_does_not_know_our_extension_reads_it_too():
    check = "import sys, stix2; print(len(stix2.parse(sys.stdin.read(), allow_custom=True).objects))"
    text = stix_bundle(examine(german()), now=NOW)
    done = subprocess.run([sys.executable, "-c", check], input=text, capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(json.loads(text)["objects"])


def test_a_wallet_is_named_as_other_platforms_name_it():
    (wallet,) = objects(german())["cryptocurrency-wallet"]
    (extension,) = objects(german())["extension-definition"]
    assert wallet["id"] == f"cryptocurrency-wallet--{uuid.uuid5(OASIS, CONTRIBUTION)}"
    assert (wallet["value"], wallet["currency"], wallet["checksum"]) == (ADDRESS, "BTC", "holds")
    assert wallet["extensions"] == {extension["id"]: {"extension_type": "new-sco"}}


def test_mail_addresses_and_client_are_observed():
    found = objects(german())
    (mail,) = found["email-message"]
    values = {one["id"]: one["value"] for one in found["email-addr"]}
    assert values[mail["from_ref"]] == "erika@example.org"
    assert mail["subject"] == "•••"
    assert len(mail["received_lines"]) == 4
    assert [one["value"] for one in found["ipv6-addr"]] == ["2001:db8:77::5"]
    assert objects(english())["ipv4-addr"][0]["value"] == "203.0.113.77"
    (observed,) = found["observed-data"]
    assert observed["first_observed"] == "2026-11-24T10:59:51Z"
    assert {mail["id"], *values} <= set(observed["object_refs"])


def test_indicators_have_patterns_that_hold_and_say_how_sure_they_are():
    patterns = {one["pattern"]: one["confidence"] for one in objects(german())["indicator"]}
    assert patterns == {
        f"[cryptocurrency-wallet:value = '{ADDRESS}']": 85,
        "[email-addr:value = 'answers@quickpost.example']": 60,
        "[ipv6-addr:value = '2001:db8:77::5']": 30,
    }
    assert all(link["relationship_type"] == "based-on" for link in objects(german())["relationship"])
    assert "indicator" not in objects(innocent())


def test_ids_stay_when_a_mail_is_exported_again():
    first, later = (
        json.loads(stix_bundle(examine(german()), now=now))["objects"] for now in (NOW, NOW.replace(year=2027))
    )
    assert [one["id"] for one in first] == [one["id"] for one in later]
    assert [one.get("created") for one in first] == [one.get("created") for one in later]
