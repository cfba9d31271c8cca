"""Facts in the text and headers of a mail: payment addresses, demands, circumstances; and secrets to mask."""

from __future__ import annotations

from milter.signals.context import find_context
from milter.signals.demand import find_demand
from milter.signals.personal import personal_signs
from milter.signals.secrets import mask_secrets
from milter.signals.wallets import find_wallets

__all__ = ["find_context", "find_demand", "find_wallets", "mask_secrets", "personal_signs"]
