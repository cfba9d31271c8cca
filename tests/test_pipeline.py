"""One mail in, one verdict out."""

from milter.config import Config, Policy
from milter.content.message import read
from milter.inspector import configured_rules
from milter.model import Authentication, Envelope, RuleMatch, Verdict
from milter.pipeline import inspect
from milter.reason import sentence

RULES = configured_rules(Config())
THREAT = "I hacked your computer and recorded you through your webcam. I will send the video to all your contacts."
DEMAND = "Pay me 900 dollars in bitcoin within 48 hours, then I delete the video."
WALLET = "My bitcoin wallet: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def judged(body: str, headers: str = "", policy: Policy | None = None, **options: object) -> Verdict:
    raw = f"From: a@example.com\r\nTo: b@example.org\r\nSubject: hello\r\n{headers}\r\n{body}\r\n".encode()
    return inspect(read(raw), Envelope(), rules=RULES, policy=policy or Policy(), **options)  # type: ignore[arg-type]


def test_threat_and_demand_make_extortion() -> None:
    verdict = judged(f"{THREAT}\n{DEMAND}\n{WALLET}")
    assert verdict.action == "tag"
    assert verdict.score >= 10
    assert verdict.kind == "sextortion"
    assert verdict.language == "en"
    assert [(w.currency, w.address, w.valid) for w in verdict.wallets] == [
        ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", True)
    ]
    assert (verdict.demand.amount, verdict.demand.currency, verdict.demand.deadline_hours) == ("900", "USD", 48)
    assert {"threat", "demand", "claim", "deadline", "wallet"} <= {reason.group for reason in verdict.reasons}


def test_every_excerpt_stands_in_the_mail() -> None:
    body = f"{THREAT} {DEMAND} {WALLET}"
    for reason in judged(body).reasons:
        if reason.where == "text" and reason.rule not in ("demand.sum",):
            assert reason.excerpt.strip("… ") in body


def test_one_side_alone_is_not_extortion() -> None:
    assert judged(f"{DEMAND}\n{WALLET}").action == "accept"
    assert judged(WALLET).action == "accept"
    assert judged("I will send the video to all your contacts.").action == "accept"


def test_quarantine_is_the_policys_choice() -> None:
    body = f"{THREAT}\n{DEMAND}\n{WALLET}"
    assert judged(body).action == "tag"
    assert judged(body, policy=Policy(quarantine=True)).action == "quarantine"
    assert judged(body, policy=Policy(tag_at=90, quarantine_at=99)).action == "accept"


def test_a_pass_of_dmarc_never_excuses() -> None:
    body = f"{THREAT}\n{DEMAND}"
    passed = Authentication(spf="pass", dkim="pass", dmarc="pass")
    assert judged(body, authentication=passed).score == judged(body, authentication=Authentication()).score


def test_forged_own_address_supports() -> None:
    verdict = judged(f"{THREAT}\n{DEMAND}", authentication=Authentication(spoof=("from_equals_to",)))
    assert "spoof.own_address" in {reason.rule for reason in verdict.reasons}
    assert judged("Hi!", authentication=Authentication(spoof=("from_equals_to",))).action == "accept"


def test_disguise_is_undone_and_counts() -> None:
    plain = f"{THREAT}\n{DEMAND}"
    disguised = plain.replace("o", "о").replace("a", "а")  # Cyrillic
    assert judged(disguised, "Content-Type: text/plain; charset=utf-8\r\n").score > judged(plain).score


def test_quoted_extortion_counts_less() -> None:
    quoted = "\n".join(f"> {line}" for line in (THREAT, DEMAND))
    assert judged(f"Look what I got today, is this real?\n{quoted}").score < judged(f"{THREAT}\n{DEMAND}").score


def test_reasons_of_unflagged_mail_only_on_request() -> None:
    assert judged(DEMAND).reasons != ()
    assert judged(DEMAND, explain=False).reasons == ()
    assert judged(f"{THREAT}\n{DEMAND}", explain=False).reasons != ()


def test_the_same_mail_gives_the_same_verdict() -> None:
    assert judged(f"{THREAT}\n{DEMAND}") == judged(f"{THREAT}\n{DEMAND}")


# Authors on the lists of a recipient; mails of judged() are from a@example.com.
PROVEN = Authentication(dmarc="pass", author_proven=True)
ALLOWING = Policy(quarantine=True, allow=frozenset({"example.com"}))
BLOCKING = Policy(block=frozenset({"a@example.com"}))


def test_an_allowed_author_passes_with_score_and_reasons() -> None:
    unlisted = judged(f"{THREAT}\n{DEMAND}", policy=Policy(quarantine=True), authentication=PROVEN)
    allowed = judged(f"{THREAT}\n{DEMAND}", policy=ALLOWING, authentication=PROVEN, explain=False)
    assert (unlisted.action, allowed.action) == ("quarantine", "accept")
    assert (allowed.score, allowed.kind) == (unlisted.score, unlisted.kind)
    assert allowed.reasons == (*unlisted.reasons, RuleMatch("policy.allow", "policy", 0.0, "header", "a@example.com"))
    assert allowed.notes == (f"a@example.com is on an allow list: passed with a score of {allowed.score:g}",)
    assert judged("Hello", policy=ALLOWING, authentication=PROVEN) == judged("Hello", authentication=PROVEN)


def test_an_allowed_author_who_is_not_proven_does_not_pass() -> None:
    for sender in (Authentication(), Authentication(dmarc="fail", author_proven=False)):
        verdict = judged(f"{THREAT}\n{DEMAND}", policy=ALLOWING, authentication=sender)
        assert verdict.action == "quarantine"
        assert verdict.notes == (
            "a@example.com is on an allow list, which does not count here: the author's domain is not proven",
        )
        assert "policy.allow" not in {reason.rule for reason in verdict.reasons}


def test_a_forged_own_address_never_passes() -> None:
    own = Policy(allow=frozenset({"b@example.org", "example.org"}))
    raw = f"From: b@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\n{THREAT}\r\n{DEMAND}\r\n".encode()
    unchecked = inspect(read(raw), Envelope(), rules=RULES, policy=own)
    assert (unchecked.action, unchecked.auth.spoof) == ("tag", ("from_equals_to",))
    sender = Authentication(author_proven=True, spoof=("from_equals_to",))
    assert inspect(read(raw), Envelope(), rules=RULES, policy=own, authentication=sender).action == "tag"


def test_a_blocked_author_is_flagged_whatever_he_writes() -> None:
    verdict = judged("Hello", policy=BLOCKING, explain=False)
    assert (verdict.action, verdict.score, verdict.kind) == ("tag", 0.0, None)
    assert verdict.reasons == (RuleMatch("policy.block", "policy", 0.0, "header", "a@example.com"),)
    assert verdict.notes == ("a@example.com is on a block list",)
    assert sentence(verdict) == "You or your administrator block this sender."
    assert judged("Hello", policy=Policy(quarantine=True, block=frozenset({"example.com"}))).action == "quarantine"


def test_a_blocked_author_of_extortion() -> None:
    plain, blocked = judged(f"{THREAT}\n{DEMAND}"), judged(f"{THREAT}\n{DEMAND}", policy=BLOCKING)
    assert (blocked.action, blocked.score, blocked.kind) == ("tag", plain.score, plain.kind)
    assert sentence(blocked) == sentence(plain)[:-1] + "; you or your administrator block this sender."


def test_a_mail_that_means_its_reader_is_not_kept_from_him() -> None:
    body = f"You are 15 years old and still at school. {THREAT}\n{DEMAND}\n{WALLET}"
    keeping = Policy(quarantine=True)
    verdict = judged(body, policy=keeping)
    assert (verdict.action, verdict.personal) == ("tag", True)
    assert any("delivered instead of being quarantined" in note for note in verdict.notes)
    assert judged(body, policy=keeping.model_copy(update={"personal_case": "quarantine"})).action == "quarantine"
    assert judged(body).notes == ()
    blocked = keeping.model_copy(update={"block": frozenset({"a@example.com"})})
    assert judged(body, policy=blocked).action == "quarantine"
