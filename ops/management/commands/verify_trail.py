from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from ops.trail.chain import Head
from ops.trail.services import seal_waiting
from ops.trail.verification import Chain, Fault, account_names, chains, other_faults


class Command(BaseCommand):
    help = (
        "Check that nobody changed what is recorded; exit status 1 and one line for each thing that is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="NAME", help="only what concerns this account")
        parser.add_argument(
            "--noted", action="append", default=[], metavar="NAME:SEQ:HASH",
            help="a head that you wrote down earlier; the chain must still hold it",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        names = account_names()
        ids = {name: account_id for account_id, name in names.items()}
        noted = dict(_noted(ids, text) for text in options["noted"])
        only = _id_of(ids, options["account"]) if options["account"] else None
        seal_waiting(until_all=True)
        walked = [chain for chain in chains(noted) if only in (None, chain.account_id)]
        faults = [fault for fault in _all_faults(walked) if only in (None, fault.account_id)]
        self._report(names, walked, faults)
        if faults:
            sys.exit(1)

    def _report(self, names: dict[int, str], walked: list[Chain], faults: list[Fault]) -> None:
        for fault in faults:
            where = [_name(names, fault.account_id)]
            where += [f"seq {fault.seq}"] if fault.seq is not None else []
            where += [f"entry {fault.entry_id}"] if fault.entry_id is not None else []
            self.stdout.write(f"{', '.join(where)}: {fault.what}")
        for chain in walked:
            name = _name(names, chain.account_id)
            self.stdout.write(
                f"{name}: {chain.walked} sealed, head {name}:{chain.head.seq}:{chain.head.hash}"
            )
        self.stdout.write(f"{len(faults)} faults" if faults else "nothing was changed")


def _all_faults(walked: list[Chain]) -> Iterator[Fault]:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        seals = progress.add_task("seals", total=sum(chain.length for chain in walked))
        for chain in walked:
            yield from chain.faults(lambda: progress.advance(seals))
        rows = progress.add_task("rows", total=None)
        yield from other_faults()
        progress.remove_task(rows)


def _name(names: dict[int, str], account_id: int) -> str:
    return names.get(account_id, f"account {account_id}")


def _id_of(ids: dict[str, int], name: str) -> int:
    if name not in ids:
        raise CommandError(f"There is no account {name}.")
    return ids[name]


def _noted(ids: dict[str, int], text: str) -> tuple[int, Head]:
    name, seq, hash_ = [*text.split(":"), "", ""][:3]
    if not seq.isdigit() or len(hash_) != len(Head().hash):
        raise CommandError(f"{text} is not NAME:SEQ:HASH.")
    return _id_of(ids, name), Head(int(seq), hash_)
