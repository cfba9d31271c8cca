"""Lists of senders: who decides for whom."""

import pytest
from stored_mails import NOW

from milter.errors import StoreError
from milter.store.records import SenderEntry


@pytest.fixture
def senders(opened):
    return opened.senders


def test_the_most_specific_entry_decides(senders):
    mailbox, domain = "spam@example.net", "example.net"
    assert senders.listing(mailbox, "b@example.org") is None
    for scope, sender, listing in [
        ("*", domain, "block"),
        ("*", mailbox, "allow"),
        ("example.org", domain, "block"),
        ("example.org", mailbox, "allow"),
        ("b@example.org", domain, "block"),
        ("b@example.org", mailbox, "allow"),
    ]:
        senders.add(scope, sender, listing, by="anna", now=NOW)
        assert senders.listing(mailbox, "b@example.org") == listing
    assert senders.listing("other@example.net", "b@example.org") == "block"
    assert senders.listing("other@sub.example.net", "b@example.org") is None
    senders.add("*", ".example.net", "allow", by="anna", now=NOW)
    assert senders.listing("other@sub.example.net", "b@example.org") == "allow"
    assert senders.listing("", "b@example.org") is None


def test_addresses_are_compared_and_not_spelt(senders):
    senders.add(" @Ü.example ", " Spam@Bücher.example", "block", by="anna", now=NOW)
    assert senders.listing("SPAM@xn--bcher-kva.example", "x@ü.EXAMPLE") == "block"


def test_a_later_word_replaces_an_earlier_one(opened):
    senders = opened.senders
    senders.add("*", "example.net", "block", by="anna", now=NOW)
    entry = senders.add("*", "Example.net", "allow", by="bert", now=NOW)
    assert entry == SenderEntry("*", "example.net", "allow", "bert", NOW)
    assert senders.entries() == [entry]
    assert senders.remove("*", "example.NET", by="anna", now=NOW)
    assert not senders.remove("*", "example.net", by="anna", now=NOW)
    assert senders.entries() == []
    assert [(entry.actor, entry.action, entry.detail) for _, entry in opened.audit.entries()] == [
        ("anna", "unlist", "example.net for *"),
        ("bert", "allow", "example.net for *"),
        ("anna", "block", "example.net for *"),
    ]


def test_entries_of_one_scope(senders):
    for scope in ("*", "example.org", "b@example.org"):
        senders.add(scope, "example.net", "block", by="anna", now=NOW)
    assert [entry.scope for entry in senders.entries()] == ["*", "b@example.org", "example.org"]
    assert [entry.scope for entry in senders.entries("EXAMPLE.org")] == ["example.org"]


@pytest.mark.parametrize("wrong", ["", "@", "a b", "x@", "*", "ex*mple.org", "a@b@c d", "\udcff"])
def test_what_is_no_address_is_refused(senders, wrong):
    with pytest.raises(StoreError, match="write an address"):
        senders.add("*", wrong, "block", by="anna", now=NOW)
    if wrong != "*":
        with pytest.raises(StoreError, match="write an address"):
            senders.add(wrong, "example.net", "block", by="anna", now=NOW)
