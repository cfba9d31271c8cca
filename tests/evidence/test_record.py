"""case.json holds to its description and tells no password."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evidence_cases import NOW, SECRETS, english, german, innocent
from jsonschema import Draft202012Validator

from milter.evidence.facts import examine
from milter.evidence.record import VERSION, case_record

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "case.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("make", [german, english, innocent])
def test_it_is_as_described(make):
    Draft202012Validator.check_schema(SCHEMA)
    record = json.loads(json.dumps(case_record(examine(make()), now=NOW)))
    Draft202012Validator(SCHEMA).validate(record)
    assert record["version"] == VERSION
    assert not any(secret in json.dumps(record) for secret in SECRETS)


def test_the_description_forbids_what_it_does_not_know():
    record = case_record(examine(german()), now=NOW) | {"surprise": 1}
    assert not Draft202012Validator(SCHEMA).is_valid(json.loads(json.dumps(record)))


def test_its_facts():
    record = case_record(examine(german()), now=NOW)
    assert record["demand"] == {
        "amount": "1450",
        "currency": "EUR",
        "deadline_hours": 48,
        "deadline": "2026-11-26T10:59:51Z",
    }
    assert record["wallets"][0]["checksum"] == "holds"
    assert [hop["standing"] for hop in record["route"]["hops"]] == ["ours", "ours", "handover", "claimed"]
    assert record["route"]["hops"][2]["delay"] == 2841
