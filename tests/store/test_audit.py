"""The audit log only ever grows."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.dialects import sqlite
from stored_mails import NOW

from milter.errors import StoreError
from milter.store.records import AuditEntry
from milter.store.tables import audit


@pytest.fixture
def log(opened):
    opened.audit.record("anna", "show", "lusab-babad", "", at=NOW)
    opened.audit.record("bert\udcff", "export", None, "2 mails\x00", at=NOW + timedelta(hours=1))
    opened.audit.record("anna", "show", "gutih-tugad", "", at=NOW + timedelta(hours=2))
    return opened.audit


def test_entries_come_newest_first(log):
    assert [entry for _, entry in log.entries()] == [
        AuditEntry(NOW + timedelta(hours=2), "anna", "show", "gutih-tugad", ""),
        AuditEntry(NOW + timedelta(hours=1), "bert\udcff", "export", None, "2 mails\x00"),
        AuditEntry(NOW, "anna", "show", "lusab-babad", ""),
    ]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"mail_id": "lusab-babad"}, 1),
        ({"actor": "anna"}, 2),
        ({"action": "export"}, 1),
        ({"since": NOW + timedelta(hours=1)}, 2),
        ({"actor": "anna", "action": "export"}, 0),
    ],
    ids=repr,
)
def test_entries_are_found(log, wanted, count):
    assert len(log.entries(**wanted)) == count


def test_pages(log):
    first = log.entries(limit=2)
    rest = log.entries(limit=2, before=first[-1][0])
    assert [entry.mail_id for _, entry in first + rest] == ["gutih-tugad", None, "lusab-babad"]


STATEMENTS = {
    "update": update(audit).values(actor="nobody"),
    "update one": update(audit).where(audit.c.actor == "anna").values(at=NOW),
    "delete": delete(audit),
    "delete one": delete(audit).where(audit.c.actor == "anna"),
}
OF_ONE = {
    "sqlite": {
        "replace": sqlite.insert(audit)
        .values(number=1, at=NOW, actor="x", action="x", detail="")
        .prefix_with("OR REPLACE"),
    },
    "postgresql": {"truncate": text("TRUNCATE audit")},
}


def test_no_entry_is_changed_or_removed(opened, log):
    before = log.entries()
    for statement in (STATEMENTS | OF_ONE["sqlite" if opened.database.is_sqlite else "postgresql"]).values():
        with pytest.raises(StoreError, match=r"append-only|SQLSTATE P0001"), opened.database.writing() as connection:
            connection.execute(statement)
    assert log.entries() == before


def test_a_number_is_never_used_again(opened, log):
    with pytest.raises(StoreError), opened.database.writing() as connection:
        connection.execute(insert(audit).values(number=1, at=NOW, actor="x", action="x", detail=""))
    numbers = [number for number, _ in log.entries()]
    opened.audit.record("anna", "show", None, "", at=NOW)
    assert log.entries()[0][0] > max(numbers)
