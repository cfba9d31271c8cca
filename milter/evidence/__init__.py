"""A mail for those who investigate it: the original, a report for people, and the same facts for machines."""

from __future__ import annotations

from milter.evidence.archive import bundle, check_installed, write_bundle
from milter.evidence.case import Case

__all__ = ["Case", "bundle", "check_installed", "write_bundle"]
