"""Checks of the way from Postfix to the filter."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from milter.config import Address, UnixAddress
from milter.postfix.capacity import capacity
from milter.postfix.settings import duration
from milter.postfix.setup import Finding, SetUp
from milter.postfix.ways import Way, endpoints, is_loopback

# A sender may put so many recipients into a mail (RFC 5321 §4.5.3.1.8), and Postfix's own do.
RECIPIENTS = 100
MARGIN = 10


def lost_ways(this: SetUp) -> Iterator[Finding]:
    """Ways that lead past us, where there should be one that leads to us."""
    ours = endpoints(this.config)
    for setting, endpoint in ours.items():
        reached = any(way.setting == setting for way in this.ways)
        # A default that nobody wrote down is no fault beside a way that works.
        if reached or (this.ways and setting not in this.config.model_fields_set):
            continue
        yield from (_lost(this, way, str(endpoint)) for way in this.others if way.setting == setting)
    if not this.ways and not any(way.setting in ours for way in this.others):
        named = ", ".join(f"{setting}: {endpoint}" for setting, endpoint in ours.items())
        yield Finding(
            "main.cf, master.cf",
            f"no smtpd_proxy_filter, content_filter, transport or milter leads to the filter ({named})",
            "add the lines that blackmail-filter postfix-config LAYOUT prints",
        )


def _lost(this: SetUp, way: Way, endpoint: str) -> Finding:
    where, root = this.postfix.where(way.parameter, way.front), this.postfix.queue_directory
    if isinstance(way.target, UnixAddress) and str(way.written) == endpoint:
        return Finding(
            where,
            f"{way.client} is chrooted and looks for {way.target.path}, not for {way.setting}: {endpoint}",
            f"write n into the fifth column of {way.client} in master.cf, or set {way.setting}: unix:{root}/public/NAME"
            " and public/NAME here",
        )
    return Finding(
        where,
        f"{way.text} is not where the filter listens ({way.setting}: {endpoint})",
        "let both name the same address",
    )


def untrusted(this: SetUp) -> Iterator[Finding]:
    """Postfix has to be among those who may send."""
    for way in this.ways:
        target = way.target
        if not isinstance(target, Address) or not is_loopback(target.host):
            continue
        client = ip_address("127.0.0.1" if target.host == "localhost" else target.host)
        if not any(client in network for network in this.config.trusted_clients):
            yield Finding(
                "config, trusted_clients",
                f"Postfix comes from {client}, which is not among them, so its mail gets 554",
                f"add {client}",
            )


def encrypted(this: SetUp) -> Iterator[Finding]:
    """Postfix's proxy client knows no STARTTLS."""
    if not (this.config.tls and this.config.tls.required):
        return
    for way in this.ways:
        if way.parameter == "smtpd_proxy_filter":
            yield Finding(
                "config, tls.required",
                f"{way.client} hands mail over by smtpd_proxy_filter, which knows no TLS, so all of it is refused",
                "set required: false",
            )
        elif way.setting != "milter":
            parameter = f"{way.client.command}_tls_security_level"
            if this.postfix.value(parameter, way.client) in {"", "none"}:
                yield Finding(
                    this.postfix.where(parameter, way.client),
                    "the filter takes mail by TLS only (tls.required), and Postfix would use none",
                    f"set {parameter} = encrypt, or required: false",
                )


def impatient(this: SetUp) -> Iterator[Finding]:
    """Postfix must wait for longer than we take; else it gives up a mail that is delivered, and sends it again."""
    relay = this.config.inspect_timeout + this.config.next_hop_timeout
    for way in this.ways:
        needed = this.config.inspect_timeout if way.setting == "milter" else relay
        parameter = {
            "smtpd_proxy_filter": "smtpd_proxy_timeout",
            "smtpd_milters": "milter_content_timeout",
            "non_smtpd_milters": "milter_content_timeout",
        }.get(way.parameter, f"{way.client.command}_data_done_timeout")
        waits = duration(way.own.get("content_timeout", "")) or this.postfix.seconds(parameter, way.client)
        if waits < needed:
            sum_of = "inspect_timeout" if way.setting == "milter" else "inspect_timeout + next_hop_timeout"
            yield Finding(
                this.postfix.where(parameter, way.client),
                f"Postfix gives up after {waits} s, while the filter may take {needed:g} s ({sum_of}),"
                " so mails come late or twice",
                f"set {parameter} = {needed + MARGIN:.0f}s",
            )


def crowded(this: SetUp) -> Iterator[Finding]:
    """More at once than we take get 421."""
    limit = capacity(this.config)
    # What this machine itself sends (cleanup) has no limit in Postfix, and is little.
    clients = {way.client: way for way in this.ways if way.client.command != "cleanup"}
    counts = [_at_once(this, way) for way in clients.values()]
    known = [count for count in counts if count]
    if len(known) == len(counts) and sum(known) <= limit:
        return
    wanted = f"up to {sum(known)} times at once" if len(known) == len(counts) else "without limit"
    yield Finding(
        f"master.cf, {' and '.join(map(str, clients))}, maxproc",
        f"Postfix connects {wanted}, the filter takes {limit} (workers x max_connections), and more get 421",
        f"write at most {limit} in all into the seventh column, or raise workers or max_connections",
    )


def _at_once(this: SetUp, way: Way) -> int | None:
    """Connections of one service; None: without limit."""
    if way.client.command == "smtpd":
        return way.client.processes
    name = f"{way.client.name}_destination_concurrency_limit"
    limit = this.postfix.number(name) or this.postfix.number("default_destination_concurrency_limit")
    limits = [number for number in (way.client.processes, limit) if number]
    return min(limits, default=None)


def hidden_client(this: SetUp) -> Iterator[Finding]:
    """A transport tells of the client only if asked to; smtpd_proxy_filter always does."""
    for way in this.ways:
        parameter = f"{way.client.command}_send_xforward_command"
        if way.client.command in {"smtp", "lmtp"} and this.postfix.value(parameter, way.client) != "yes":
            yield Finding(
                this.postfix.where(parameter, way.client),
                "the filter does not hear who sent a mail, so SPF, DMARC and Received speak of this machine",
                f"put -o {parameter}=yes below {way.client} in master.cf",
            )


def unseen(this: SetUp) -> Iterator[Finding]:
    """What a milter's absence does."""
    for way in this.through("smtpd_milters", "non_smtpd_milters"):
        action = way.own.get("default_action") or this.postfix.value("milter_default_action", way.client)
        if action not in {"accept", "reject"}:
            continue
        what = "passes that nobody has looked at" if action == "accept" else "is refused for good"
        yield Finding(
            this.postfix.where("milter_default_action", way.client),
            f"while the filter is away, mail {what} ({action})",
            "set milter_default_action = tempfail",
        )


def parted(this: SetUp) -> Iterator[Finding]:
    """Recipients with different policies get copies of their own (docs/policies.md)."""
    if not this.config.policies:
        return
    for way in this.through("smtpd_proxy_filter", "smtpd_milters"):
        yield from _hung_up(this, way)
    for way in this.through("smtpd_proxy_filter"):
        if "speed_adjust" in this.postfix.words("smtpd_proxy_options", way.client):
            yield Finding(
                this.postfix.where("smtpd_proxy_options", way.client),
                "with speed_adjust Postfix has taken all recipients before the filter can part them by policy",
                "take speed_adjust out",
            )
    for way in this.through("content_filter"):
        parameter = f"{way.client.name}_destination_recipient_limit"
        if way.client.command == "smtp" and this.postfix.number(parameter) != 1:
            yield Finding(
                f"main.cf, {parameter}",
                "recipients with policies of their own wait for Postfix's next attempts, 300 s and more",
                f"set {parameter} = 1, or take lay-out lmtp",
            )


def _hung_up(this: SetUp, way: Way) -> Iterator[Finding]:
    for parameter, enough in (("smtpd_soft_error_limit", RECIPIENTS), ("smtpd_hard_error_limit", 2 * RECIPIENTS)):
        limit = this.postfix.number(parameter, way.client)
        if limit < RECIPIENTS:
            yield Finding(
                this.postfix.where(parameter, way.client),
                f"recipients with policies of their own are put off by 452, which Postfix takes for errors: from the"
                f" {limit}th on it {'slows down' if 'soft' in parameter else 'hangs up'}",
                f"set {parameter} = {enough}",
            )
