"""`scan`: judge mails in files and print what was found."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from milter.addresses import normal_address
from milter.cli.options import config_option, load_config, reader_options
from milter.config import Config, Policy
from milter.engine.ruleset import RuleSet
from milter.frontends.scan import Record, scan
from milter.frontends.store_watch import read_once, sender_lists
from milter.i18n import LANGUAGES
from milter.inspector import configured_rules, file_judge
from milter.policies import PolicyBook


@click.command("scan")
@config_option
@click.option("--format", "form", type=click.Choice(["table", "jsonl", "html"]), default="table", help="How to print.")
@click.option(
    "--explain", is_flag=True, help="For each mail: every sign, where it stood, what would change the verdict."
)
@click.option("--offline", is_flag=True, help="Ask no DNS: sender checks are `none`.")
@click.option("--all", "show_all", is_flag=True, help="In the table, list mails that are not flagged, too.")
@click.option("--recipient", metavar="ADDRESS", help="Judge by the policy of this recipient; default: that of all.")
@click.option(
    "--evidence",
    "bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a ZIP for the police: flagged mails with reports; a mail that is the only one in any case.",
)
@click.option(
    "--notice",
    "notice",
    type=click.Choice(LANGUAGES),
    help="What the reader of a flagged mail sees, with the notice in this language; as text, or --format html.",
)
@reader_options
@click.argument("paths", nargs=-1, required=True)
def command(  # noqa: PLR0913, PLR0917  one for each option
    config_path: Path | None,
    form: str,
    explain: bool,
    offline: bool,
    show_all: bool,
    recipient: str | None,
    bundle: Path | None,
    notice: str | None,
    language: str | None,
    country: str | None,
    paths: tuple[str, ...],
) -> None:
    """Judge mails: .eml, .txt (a bare body), mbox, Maildir, folders, or - for standard input.

    Exit 3 if one of them cannot be read.
    """
    if notice is not None and (form == "jsonl" or explain):
        raise click.UsageError("--notice prints text or, with --format html, a page")
    config = _read_for(recipient, load_config(config_path))
    if bundle is not None:
        from milter.cli.evidence import check_ready

        check_ready(bundle)
    rules = configured_rules(config)
    failed = False
    kept: list[Record] = []

    def seen() -> Iterator[Record]:
        nonlocal failed
        for record in _with_progress(scan(paths, file_judge(config, rules, offline=offline))):
            failed |= record.error is not None
            if bundle is not None and record.raw:
                kept.append(record)
            yield record

    if notice is not None:
        from milter.cli.notice import print_notices

        print_notices(seen(), config, language=notice, country=country, recipient=recipient, html=form == "html")
    else:
        all_shown = show_all or (len(paths) == 1 and not Path(paths[0]).is_dir())
        _print_verdicts(
            seen(), rules, config.policy, form="explain" if explain and form == "table" else form, show_all=all_shown
        )
    if bundle is not None:
        _save_evidence(bundle, kept, config, language, country)
    sys.exit(3 if failed else 0)


def _print_verdicts(records: Iterable[Record], rules: RuleSet, policy: Policy, *, form: str, show_all: bool) -> None:
    if form == "jsonl":
        for record in records:
            click.echo(json.dumps(record.as_json(), ensure_ascii=False))
    elif form == "html":
        from milter.cli.report import html_report

        for piece in html_report(records, rules, policy):
            click.echo(piece, nl=False)
    elif form == "explain":
        from milter.cli.explain import print_explanation

        for record in records:
            print_explanation(record, rules, policy)
    else:
        from milter.cli.table import print_table

        print_table(records, show_all=show_all)


def _read_for(recipient: str | None, config: Config) -> Config:
    """The settings with the policy of this recipient, by the lists of senders of the store, too, if there is one."""
    if recipient is None:
        return config
    if not normal_address(recipient):
        raise click.BadParameter(f"'{recipient}' is no address", param_hint="--recipient")
    policies = PolicyBook(config)
    read_once(config.store, sender_lists(policies))
    return config.model_copy(update={"policy": policies.current.of(recipient)})


def _save_evidence(
    path: Path, records: list[Record], config: Config, language: str | None, country: str | None
) -> None:
    from milter.cli.evidence import case_of, save_bundle

    cases = []
    for record in records:
        if case := case_of(record):
            cases.append(case)
        else:
            click.echo(f"{record.path} is left out of the evidence: a bare text has no header", err=True)
    if cases:
        save_bundle(path, cases, config, language=language, country=country)
    else:
        click.echo(f"{path} is not written: there is no mail for it", err=True)


def _with_progress(records: Iterable[Record]) -> Iterable[Record]:
    """A running count on standard error while a person waits; none in a pipe."""
    if not sys.stderr.isatty():
        yield from records
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,} mails"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(records, total=None)
