"""Who the client behind our client is, as XCLIENT tells of a session and XFORWARD of one mail."""

from __future__ import annotations

from collections.abc import Mapping

from milter.frontends.service import Peer
from milter.frontends.smtp_syntax import XFORWARD_ATTRIBUTES, xtext


class ClientIdentity:
    """Attributes as the client wrote them (www.postfix.org/XCLIENT_README.html, XFORWARD_README.html).

    Those of XFORWARD come before those of XCLIENT.
    """

    def __init__(self) -> None:
        self._of_session: dict[str, str] = {}
        self._of_mail: dict[str, str] = {}
        self._has_login = False

    def take_xclient(self, attributes: Mapping[str, str]) -> None:
        """More is known of the session's client; a later value comes before an earlier one."""
        if "LOGIN" in attributes:
            self._has_login = bool(xtext(attributes["LOGIN"]))
        self._of_session |= {name: value for name, value in attributes.items() if name in XFORWARD_ATTRIBUTES}

    def take_xforward(self, attributes: Mapping[str, str]) -> None:
        """More is known of the client of the next mail."""
        self._of_mail |= attributes

    def end_mail(self) -> None:
        """What XFORWARD has told belongs to one mail."""
        self._of_mail = {}

    @property
    def forwarded(self) -> Mapping[str, str]:
        """What the next hop may be told by XFORWARD."""
        return self._of_session | self._of_mail

    @property
    def authenticated(self) -> bool:
        """Whether the client of this mail has logged in; of a client that XFORWARD names that is not known."""
        return self._has_login and "ADDR" not in self._of_mail

    @property
    def queue_id(self) -> str:
        """What the client calls the mail, as one word, so that it passes for no more in a log; "" if it is not told."""
        return "?".join(xtext(self._of_mail.get("IDENT", "")).split())

    def known(self, peer: Peer, helo_name: str) -> dict[str, str]:
        """The attributes decoded; a peer from outside is the client itself, if it names nobody else.

        helo_name is what the peer has said, and is its client's where XCLIENT has told of one.
        """
        if not (self._of_mail or self._of_session):
            return {"ADDR": peer.address, "HELO": helo_name} if peer.is_global else {}
        named = {name: xtext(value) for name, value in self.forwarded.items()}
        return named if self._of_mail else {"HELO": helo_name} | named
