"""misp.json is an event as pymisp reads it, with attributes as the templates of MISP want them."""

from __future__ import annotations

import json

import pytest
from evidence_cases import NOW, SECRETS, english, german, innocent
from pymisp import MISPEvent, MISPObject

from milter.evidence.facts import examine
from milter.evidence.misp import misp_event


def event(case):
    return misp_event(examine(case), now=NOW)


@pytest.mark.parametrize("make", [german, english, innocent])
def test_pymisp_reads_it_and_every_attribute_fits_its_template(make):
    made = event(make())
    loaded = MISPEvent(strict_validation=True)
    loaded.load(json.dumps(made))
    for one in made["Event"]["Object"]:
        template = MISPObject(one["name"], strict=True)
        assert (one["template_uuid"], one["meta-category"]) == (template.template_uuid, template["meta-category"])
        for attribute in one["Attribute"]:
            known = template.add_attribute(attribute["object_relation"], attribute["value"])
            assert known.type == attribute["type"]
            assert attribute["type"] in loaded.describe_types["category_type_mappings"][attribute["category"]]
    assert not any(secret in json.dumps(made) for secret in SECRETS)


def _uuids(part):
    if isinstance(part, dict):
        yield from ([part["uuid"]] if "uuid" in part else [])
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _uuids(one)


def test_ids_are_single_and_stay():
    ids = list(_uuids(event(english())))
    assert len(set(ids)) == len(ids)
    assert ids == list(_uuids(misp_event(examine(english()), now=NOW.replace(year=2027))))


def attributes(case):
    return {
        (one["object_relation"], one["value"]): one
        for part in event(case)["Event"]["Object"]
        for one in part["Attribute"]
    }


def test_addresses_are_searched_for_only_where_they_are_the_senders_own():
    found = attributes(german())
    assert found["address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"]["type"] == "btc"
    assert found["address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"]["to_ids"]
    assert found["reply-to", "answers@quickpost.example"]["to_ids"]
    assert not found["from", "erika@example.org"]["to_ids"]
    assert found["from", "erika@example.org"]["disable_correlation"]
    assert not found["ip-src", "2001:db8:77::5"]["to_ids"]
    assert found["subject", "•••"]["disable_correlation"]


def test_a_wrong_checksum_is_said_and_not_searched_for():
    found = attributes(english())
    assert not found["address", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"]["to_ids"]
    assert ("text", "checksum fails") in found


def test_it_stays_at_home_until_someone_decides():
    made = event(german())["Event"]
    assert (made["distribution"], made["published"]) == ("0", False)
    assert {"name": "tlp:amber"} in made["Tag"]
