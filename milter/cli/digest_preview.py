"""`digest preview`: what a recipient would be told now."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import click

from milter.cli.digest_options import local_now, usable_config
from milter.cli.options import config_option
from milter.digest.opened import Office
from milter.errors import StoreError


@click.command("preview")
@click.option("--recipient", metavar="ADDRESS", help="For this one; default: who has the newest mail.")
@click.option("--html", "as_html", is_flag=True, help="The HTML part instead of the text.")
@config_option
def command(recipient: str | None, as_html: bool, config_path: Path | None) -> None:
    """Print the digest of all mails that a recipient was not told of yet; nothing is sent."""
    from milter.digest.opened import open_office

    config = usable_config(config_path, sending=False)
    opened = open_office(config, local_now())
    try:
        mail = message_from_bytes(_digest(opened, recipient), policy=default)
    finally:
        opened.store.close()
    body = mail.get_body(("html",) if as_html else ("plain",))
    if body is not None:
        if not as_html:
            click.echo(f"To: {mail['To']}\nSubject: {mail['Subject']}\n")
        click.echo(body.get_content())


def _digest(opened: Office, recipient: str | None) -> bytes:
    from milter.addresses import normal_address
    from milter.digest.send import DIGEST, LISTED

    found = opened.store.mailings.waiting(DIGEST, "", until=opened.desk.now)
    wanted = normal_address(recipient) if recipient else None
    for who, ids in found.items():
        if wanted in (None, normal_address(who)):
            mails = [opened.store.quarantine.get(mail_id) for mail_id in ids[:LISTED]]
            return opened.composer.digest(who, mails, len(ids) - len(mails))
    raise StoreError(f"nothing new is held for {recipient or 'anybody'}")
