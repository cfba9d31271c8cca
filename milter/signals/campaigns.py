"""Campaigns that are known already, as the core is told of them, and what a mail has to do with one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from milter.model import Signal, Wallet
from milter.signals.template import RESEMBLES, Signature, bands, resemblance

# Of the campaigns that share bands with a letter, so many are compared with it in full.
COMPARED = 10


@dataclass(frozen=True, eq=False, slots=True)
class KnownCampaign:
    """A campaign of which was said what it is: extortion (confirmed), or a false alarm (harmless).

    signature is None where only its payment addresses are known.
    """

    id: int
    harmless: bool
    signature: Signature | None
    wallets: frozenset[str] = frozenset()
    bands: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """What it is found by."""
        object.__setattr__(self, "bands", bands(self.signature) if self.signature else ())


class KnownCampaigns:
    """All that is known at one time; never changed."""

    def __init__(self, campaigns: Iterable[KnownCampaign] = ()) -> None:
        by_band: defaultdict[int, list[KnownCampaign]] = defaultdict(list)
        extortion: dict[str, int] = {}
        harmless: set[str] = set()
        for campaign in campaigns:
            for band in campaign.bands:
                by_band[band].append(campaign)
            if campaign.harmless:
                harmless |= campaign.wallets
            else:
                extortion |= dict.fromkeys(campaign.wallets, campaign.id)
        self._by_band: Mapping[int, list[KnownCampaign]] = dict(by_band)
        # An address that an innocent mail names as well proves nothing.
        self._wallets: Mapping[str, int] = {
            address: number for address, number in extortion.items() if address not in harmless
        }

    def __bool__(self) -> bool:
        return bool(self._by_band or self._wallets)

    def match(self, signature: Signature | None, wallets: Collection[Wallet]) -> Iterator[Signal]:
        """`campaign.known` or `campaign.harmless` by what the letter resembles most, and `campaign.wallet`."""
        nearest = self._nearest(signature) if signature else None
        if nearest:
            yield Signal(f"campaign.{'harmless' if nearest.harmless else 'known'}", "text", f"campaign {nearest.id}")
        for wallet in wallets:
            if wallet.address in self._wallets:
                yield Signal("campaign.wallet", wallet.where, wallet.address)

    def _nearest(self, signature: Signature) -> KnownCampaign | None:
        shared = Counter(campaign for band in bands(signature) for campaign in self._by_band.get(band, ()))
        compared = [
            (resemblance(signature, campaign.signature), campaign)
            for campaign, _ in shared.most_common(COMPARED)
            if campaign.signature
        ]
        alike, nearest = max(compared, key=lambda found: (found[0], found[1].harmless), default=(0.0, None))
        return nearest if alike >= RESEMBLES else None


NO_CAMPAIGNS = KnownCampaigns()


class CampaignBook:
    """The campaigns known to one process: replaced as a whole when others have learned something."""

    def __init__(self) -> None:
        self.current = NO_CAMPAIGNS
        self._campaigns: Mapping[int, tuple[int, KnownCampaign]] = {}

    def outdated(self, revisions: Mapping[int, int]) -> list[int]:
        """Which of these campaigns, by id with the number of their last change, are not known as they are now."""
        return [number for number, revision in revisions.items() if self._revision(number) != revision]

    def _revision(self, number: int) -> int | None:
        known = self._campaigns.get(number)
        return known[0] if known else None

    def renew(self, revisions: Mapping[int, int], changed: Iterable[KnownCampaign]) -> None:
        """Know these campaigns and no others; changed are those that were outdated."""
        new = {campaign.id: campaign for campaign in changed}
        if not new and revisions.keys() == self._campaigns.keys():
            return
        campaigns = {
            number: (revision, new[number] if number in new else self._campaigns[number][1])
            for number, revision in revisions.items()
        }
        self._campaigns = campaigns
        self.current = KnownCampaigns(campaign for _, campaign in campaigns.values())
