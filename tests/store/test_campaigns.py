"""Campaign memory in both databases: what joins, what is decided by whom, what is left of it, and what others learn."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from stored_mails import NOW, VERDICT, mail

from milter.errors import StoreError
from milter.model import Authentication, Envelope, Verdict
from milter.signals.campaigns import CampaignBook
from milter.signals.template import SLOTS, bands
from milter.store import campaign_rows
from milter.store.campaigns import BY_NUMBERS, CONFIRMING_MAILS, CONFIRMING_RECIPIENTS
from milter.store.decided import Decided
from milter.store.letter import Letter, letter_of
from milter.store.opened import OpenStore, open_store
from milter.store.records import Campaign, Filter
from milter.store.rotation import rotate
from milter.store.tables import campaign_bands, campaign_recipients, campaigns

BTC, OTHER_BTC = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
LETTER = (
    "Hello {name}, I have put a small program on your computer while you were looking at pages for adults. It recorded"
    " your face through the camera and the screen beside it, and it copied the list of all your contacts. Your password"
    " is {password}. If you do not pay {sum} USD to the bitcoin address {wallet} within two days I will send the film"
    " to everybody you know. Do not write back and do not go to the police."
)
OTHER = (
    "We are a group that takes web sites down. Your shop at our test was offline for ten minutes this morning. Next"
    " week a flood of requests follows which no provider can stop, unless {sum} EUR arrive at the wallet {wallet}"
    " before. We do not bargain, and each day of waiting makes it more expensive for your company."
)
UNPROVEN = replace(VERDICT, auth=Authentication(author_proven=False))


def raw(
    text: str = LETTER, name: str = "Anna", password: str = "xylophon99", amount: int = 900, wallet: str = BTC
) -> bytes:
    return mail(text.format(name=name, password=password, sum=amount, wallet=wallet))


def letter(text: str = LETTER, to: str = "anna@example.org", verdict: Verdict = UNPROVEN, **words: object) -> Letter:
    name = to.partition("@")[0].title()
    return letter_of(raw(text, name=name, **words), Envelope("", tuple(to.split())), verdict, seen=NOW)  # type: ignore[arg-type]


def learn(store: OpenStore, *letters: Letter, seen: datetime = NOW) -> None:
    store.campaigns.remember(replace(one, seen=seen) for one in letters)


def keep(store: OpenStore, content: bytes, to: Iterable[str] = ("anna@example.org",), received: datetime = NOW) -> str:
    """Keep a mail and remember it, as the filter does."""
    envelope = Envelope("", tuple(to))
    mail_id = store.quarantine.keep(content, envelope, UNPROVEN, received=received)
    store.campaigns.remember([letter_of(content, envelope, UNPROVEN, seen=received, mail_id=mail_id)])
    return mail_id


def only(store: OpenStore) -> Campaign:
    (found,) = store.campaigns.find()
    return found


def known(store: OpenStore, book: CampaignBook | None = None) -> CampaignBook:
    """What a process learns."""
    book = book or CampaignBook()
    Decided(store.database).teach(book)
    return book


def signs(book: CampaignBook, of: Letter) -> list[str]:
    wallets = [wallet for wallet in VERDICT.wallets if wallet.address in of.wallets]
    return [sign.name for sign in book.current.match(of.signature, wallets)]


# What joins


def test_letters_of_one_template_are_one_campaign(opened):
    learn(opened, letter(), seen=NOW - timedelta(days=3))
    learn(opened, letter(to="paul@example.org", password="Gurke!77", amount=1450, wallet=OTHER_BTC))
    found = only(opened)
    assert (found.mails, found.recipients, found.state, found.kind) == (2, 2, "suspected", "sextortion")
    assert (found.first_seen, found.last_seen) == (NOW - timedelta(days=3), NOW)
    assert found.wallets == {BTC: "BTC", OTHER_BTC: "BTC"}


def test_another_letter_is_another_campaign_even_with_the_same_wallet(opened):
    learn(opened, letter(), letter(OTHER))
    assert [(one.mails, one.wallets) for one in opened.campaigns.find()] == [(1, {BTC: "BTC"})] * 2


@pytest.mark.parametrize(("equal", "campaigns"), [(0.45, 1), (0.35, 2)])
def test_what_resembles_it_less_than_closely_does_not_join(opened, equal, campaigns):
    first = letter()
    same = round(equal * SLOTS)
    learn(opened, first)
    learn(opened, replace(first, signature=first.signature[:same] + tuple(slot + 1 for slot in first.signature[same:])))
    assert len(opened.campaigns.find()) == campaigns


def test_short_letters_go_by_their_wallet(opened):
    short, other, silent = "Pay to {wallet} or else", "You know why: {wallet}", "Pay or else"
    learn(opened, letter(short), letter(), letter(other), letter(short, wallet=OTHER_BTC), letter(silent))
    assert sorted(one.mails for one in opened.campaigns.find()) == [1, 1, 2]


def test_short_letters_join_no_longer_ones(opened):
    learn(opened, letter())
    learn(opened, letter("Pay to {wallet} or else"))
    assert [one.mails for one in opened.campaigns.find()] == [1, 1]


def test_each_recipient_counts_once(opened):
    learn(
        opened, letter(to="anna@example.org paul@example.org"), letter(to="Anna+x@example.org"), letter(to="a@b.test")
    )
    assert only(opened).recipients == 3 + 1
    learn(opened, letter(to="paul@EXAMPLE.org"))
    assert (only(opened).mails, only(opened).recipients) == (4, 4)


def test_a_mail_that_comes_again_counts_once(opened):
    mail_id = keep(opened, raw())
    opened.campaigns.remember([replace(letter(), mail_id=mail_id)])
    assert only(opened).mails == 1
    other = opened.quarantine.keep(raw(), Envelope("", ("eve@example.org",)), UNPROVEN, received=NOW)
    opened.campaigns.remember([replace(letter(), mail_id=other)] * 2)
    assert only(opened).mails == 2
    assert opened.quarantine.get(mail_id).campaign == only(opened).id
    found = opened.quarantine.find(Filter(campaign=only(opened).id))
    assert {one.id for one in found} == {mail_id, other}


def test_the_template_is_what_letters_have_in_common(opened):
    learn(opened, letter())
    assert "Hello …, I have put a small program" in only(opened).template
    assert "Your password is •••." in only(opened).template
    assert "pay # USD to the bitcoin address … within two days" in only(opened).template
    learn(
        opened, letter(LETTER.replace("everybody you know", "your colleagues at the Bremen office"), to="p@example.org")
    )
    assert "send the film to … Do not write back" in only(opened).template


def test_what_is_secret_does_not_lie_in_the_clear(opened, store_settings):
    learn(opened, letter(to="anna.sonderling@example.org"))
    with opened.database.reading() as connection:
        kept = repr([connection.execute(select(table)).all() for table in (campaigns, campaign_recipients)]).lower()
    for secret in ("small program", "xylophon99", "sonderling"):
        assert secret.encode().hex() not in kept
        assert secret not in kept


def test_a_lookup_goes_by_the_index(opened, store_settings):
    learn(opened, letter())
    query = select(campaign_bands.c.campaign_id).where(campaign_bands.c.band.in_(bands(letter().signature)))
    compiled = query.compile(opened.database._open(), compile_kwargs={"literal_binds": True})
    with opened.database.reading() as connection:
        if opened.database.is_sqlite:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
            assert "SEARCH campaign_bands USING" in str(plan)
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = connection.exec_driver_sql(f"EXPLAIN {compiled}").all()
            assert "campaign_bands_pkey" in str(plan)


# What is decided


def wave(mails: int, recipients: int, verdict: Verdict = UNPROVEN) -> Sequence[Letter]:
    return [letter(to=f"r{number % recipients}@example.org", verdict=verdict) for number in range(mails)]


@pytest.mark.parametrize(
    ("mails", "recipients", "state"),
    [
        (CONFIRMING_MAILS, CONFIRMING_RECIPIENTS, "confirmed"),
        (CONFIRMING_MAILS - 1, CONFIRMING_RECIPIENTS, "suspected"),
        (CONFIRMING_MAILS, CONFIRMING_RECIPIENTS - 1, "suspected"),
    ],
)
def test_many_mails_to_many_recipients_are_no_single_letter(opened, mails, recipients, state):
    learn(opened, *wave(mails, recipients))
    assert only(opened).state == state
    entries = [(entry.actor, entry.action, entry.detail) for _, entry in opened.audit.entries()]
    said = f"campaign {only(opened).id}: {mails} mails to {recipients} recipients"
    assert entries == ([(BY_NUMBERS, "confirm", said)] if state == "confirmed" else [])


def test_mail_of_proven_authors_confirms_nothing(opened):
    proven = replace(VERDICT, auth=Authentication(author_proven=True))
    learn(opened, *wave(3 * CONFIRMING_MAILS, CONFIRMING_RECIPIENTS, proven))
    assert (only(opened).state, only(opened).mails) == ("suspected", 3 * CONFIRMING_MAILS)


def test_where_a_recipient_doubts_numbers_alone_confirm_nothing(opened):
    mail_id = keep(opened, raw())
    opened.audit.record("anna@example.org", "false-alarm", mail_id, "", at=NOW)
    learn(opened, *wave(CONFIRMING_MAILS, CONFIRMING_RECIPIENTS))
    assert only(opened).state == "suspected"


def test_an_administrator_has_the_last_word(opened):
    learn(opened, letter())
    number = only(opened).id
    opened.campaigns.decide(number, "confirmed", by="admin", now=NOW)
    assert (only(opened).state, only(opened).decided_by, only(opened).decided_at) == ("confirmed", "admin", NOW)
    opened.campaigns.decide(number, "harmless", by="other", now=NOW)
    learn(opened, *wave(CONFIRMING_MAILS, CONFIRMING_RECIPIENTS))
    assert (only(opened).state, only(opened).decided_by) == ("harmless", "other")
    entries = [(entry.actor, entry.action, entry.detail) for _, entry in opened.audit.entries()]
    assert entries == [("other", "harmless", f"campaign {number}"), ("admin", "confirm", f"campaign {number}")]
    with pytest.raises(StoreError, match="there is no campaign 77"):
        opened.campaigns.decide(77, "confirmed", by="admin", now=NOW)


def test_a_false_alarm_makes_its_campaign_harmless(opened):
    mail_id = keep(opened, raw())
    learn(opened, *wave(CONFIRMING_MAILS, CONFIRMING_RECIPIENTS))
    assert only(opened).state == "confirmed"
    assert opened.campaigns.false_alarm(mail_id, by="admin", now=NOW) == only(opened).id
    assert (only(opened).state, only(opened).decided_by) == ("harmless", "admin")
    assert opened.audit.entries(mail_id=mail_id)[0][1].action == "false-alarm"


def test_a_false_alarm_that_was_not_remembered_founds_a_harmless_campaign(opened):
    mail_id = opened.quarantine.keep(raw(), Envelope("", ("anna@example.org",)), VERDICT, received=NOW)
    number = opened.campaigns.false_alarm(mail_id, by="admin", now=NOW)
    assert (only(opened).id, only(opened).state, only(opened).mails) == (number, "harmless", 1)
    assert opened.quarantine.get(mail_id).campaign == number


def test_a_false_alarm_that_says_too_little_is_only_noted(opened):
    mail_id = opened.quarantine.keep(mail("hi"), Envelope("", ("anna@example.org",)), VERDICT, received=NOW)
    assert opened.campaigns.false_alarm(mail_id, by="admin", now=NOW) is None
    assert [entry.action for _, entry in opened.audit.entries()] == ["false-alarm"]
    assert opened.campaigns.find() == []


# What others learn


def test_a_process_learns_what_was_decided_and_only_what_is_new(opened):
    learn(opened, letter(wallet=OTHER_BTC), letter(OTHER))
    book = known(opened)
    assert signs(book, letter()) == []
    number = min(one.id for one in opened.campaigns.find())
    opened.campaigns.decide(number, "confirmed", by="admin", now=NOW)
    before = known(opened, book).current
    assert known(opened, book).current is before
    assert signs(book, letter(to="eve@example.org")) == ["campaign.known"]
    assert signs(book, letter(OTHER, wallet=OTHER_BTC)) == ["campaign.wallet"]
    opened.campaigns.decide(number, "harmless", by="admin", now=NOW)
    assert signs(known(opened, book), letter(wallet=OTHER_BTC)) == ["campaign.harmless"]


def test_new_wallets_of_a_confirmed_campaign_are_learned(opened):
    learn(opened, letter())
    opened.campaigns.decide(only(opened).id, "confirmed", by="admin", now=NOW)
    book = known(opened)
    before = book.current
    learn(opened, letter())
    assert known(opened, book).current is before
    learn(opened, letter(wallet=OTHER_BTC))
    assert signs(known(opened, book), letter(OTHER, wallet=OTHER_BTC)) == ["campaign.wallet"]


def test_wallets_are_bounded(opened, monkeypatch):
    monkeypatch.setattr(campaign_rows, "WALLETS_AT_MOST", 1)
    learn(opened, letter(), letter(wallet=OTHER_BTC))
    assert only(opened).wallets == {BTC: "BTC"}


def test_those_seen_last_are_known(opened, monkeypatch):
    monkeypatch.setattr("milter.store.decided.KNOWN_AT_MOST", 1)
    learn(opened, letter())
    learn(opened, letter(OTHER), seen=NOW + timedelta(days=1))
    for campaign in opened.campaigns.find():
        opened.campaigns.decide(campaign.id, "confirmed", by="admin", now=NOW)
    book = known(opened)
    assert (signs(book, letter(wallet="")), signs(book, letter(OTHER, wallet=""))) == ([], ["campaign.known"])


LEARN = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from milter.config import Store
from milter.model import Envelope, Verdict
from milter.signals.campaigns import CampaignBook
from milter.store.decided import Decided
from milter.store.letter import letter_of
from milter.store.opened import open_store

url, key, name = sys.argv[1:]
letters = [
    letter_of(raw.encode(), Envelope("", (f"{name}{number}@example.org",)), Verdict(), seen=datetime.now(UTC))
    for number, raw in enumerate(json.loads(sys.stdin.readline()))
]
with open_store(Store(url=url, key_file=Path(key)), busy_timeout=60) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for one in letters:
        store.campaigns.remember([one])
    print("done", flush=True)
    sys.stdin.readline()
    book = CampaignBook()
    Decided(store.database).teach(book)
    print(json.dumps([[sign.name for sign in book.current.match(one.signature, ())] for one in letters]))
"""


def invented(number: int) -> str:
    """A letter that has nothing in common with those of other numbers."""
    return " ".join(
        "".join(chr(97 + ord(letter) % 26) for letter in f"{number * 100 + word}*") * 2 for word in range(60)
    )


def test_two_processes_share_one_memory(opened, store_settings):
    wave, single = CONFIRMING_MAILS // 2, 20
    texts = [LETTER.format(name=n, password="x", sum=n, wallet=BTC) for n in range(wave)]
    mails = json.dumps([mail(text).decode() for text in [*texts, *map(invented, range(single))]])
    words = [sys.executable, "-c", LEARN, store_settings.url, str(store_settings.key_file)]
    started = [
        subprocess.Popen([*words, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("anna", "paul")
    ]
    for step, answer in ((mails, "ready\n"), ("", "done\n")):
        for process in started:
            process.stdin.write(step + "\n")
            process.stdin.flush()
        assert {process.stdout.readline() for process in started} == {answer}
    said = [process.communicate("\n", timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    found = opened.campaigns.find(limit=100)
    assert sorted((one.mails, one.recipients) for one in found) == [(2, 2)] * single + [(2 * wave, 2 * wave)]
    assert [one.state for one in found if one.mails == 2 * wave] == ["confirmed"]
    assert [json.loads(line) for line in said] == [[["campaign.known"]] * wave + [[]] * single] * 2


# What is left


def test_figures_stay_and_persons_go(opened):
    alone = keep(opened, raw(OTHER), received=NOW - timedelta(days=9))
    keep(opened, raw(), ["anna@example.org", "paul@example.org"], received=NOW - timedelta(days=9))
    opened.quarantine.purge(NOW, now=NOW)
    wave, single = sorted(opened.campaigns.find(), key=lambda one: -one.recipients)
    assert (wave.mails, wave.recipients, single.mails, single.recipients) == (1, 2, 1, 1)
    assert "a small program" in wave.template
    assert single.template == ""
    with opened.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(campaign_recipients)).scalar() == 0
    assert opened.quarantine.get(alone).campaign == single.id


def test_what_is_younger_stays(opened):
    keep(opened, raw(), received=NOW)
    opened.quarantine.purge(NOW - timedelta(days=1), now=NOW)
    assert only(opened).template
    learn(opened, letter())
    assert only(opened).recipients == 1


def test_with_the_only_letter_its_template_is_deleted(opened):
    mail_id = keep(opened, raw())
    opened.quarantine.delete([mail_id], by="admin", now=NOW)
    assert (only(opened).template, only(opened).mails) == ("", 1)
    learn(opened, letter(to="paul@example.org"))
    assert (only(opened).mails, only(opened).recipients) == (2, 2)


def test_a_new_key_opens_everything(opened, store_settings):
    learn(opened, letter())
    rotate(opened.database, opened.cipher, by="admin", now=NOW)
    learn(opened, letter(), letter(to="paul@example.org"))
    with open_store(store_settings) as again:
        assert "a small program" in only(again).template
        assert (only(again).mails, only(again).recipients) == (3, 2)
