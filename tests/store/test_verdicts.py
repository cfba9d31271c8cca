"""A verdict in the store is the verdict that was given."""

import json

from stored_mails import VERDICT

from milter.model import Verdict
from milter.store.verdicts import from_json, to_json


def test_everything_comes_back():
    assert from_json(to_json(VERDICT)) == VERDICT
    assert from_json(to_json(Verdict())) == Verdict()


def test_what_another_version_wrote_is_read_as_far_as_it_is_known():
    data = json.loads(to_json(VERDICT))
    data["invented"] = data["auth"]["invented"] = data["reasons"][0]["invented"] = 1
    assert from_json(json.dumps(data).encode()) == VERDICT
    del data["wallets"], data["demand"], data["notes"], data["auth"]["results"]
    found = from_json(json.dumps(data).encode())
    assert (found.score, found.wallets, found.demand.amount, found.auth.spf) == (12.5, (), None, "fail")
