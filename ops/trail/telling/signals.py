"""What a sender said, and what each strategy made of it."""

from __future__ import annotations

from collections.abc import Iterator

from ops.trail.telling.entries import Row, Sentence, Step, anything, clock, moment, printable
from positions.formats import words


def signal(step: Step) -> Iterator[Sentence]:
    if not step.is_first:
        yield from anything(step)
        return
    row, key = step.row, step.told.key
    what = (
        f'signal {key}: {printable(row["symbol"])} "{printable(row["message"])}"'
        if row["uid"]
        else f"message {key}"
    )
    yield step.sentence(
        f"{printable(row['source'])} sent {what}{_meaning(row)}",
        *_payload(row),
        at=moment(row["received_at"]),
    )


def _meaning(row: Row) -> str:
    if row["status"] == "ignored":
        return f"; it was ignored: {printable(row['reason'])}"
    return f", which means {words(row['direction'])}" if row["direction"] else ""


def _payload(row: Row) -> Iterator[str]:
    if row["bar_time"]:
        yield f"for the bar of {clock(row['bar_time'])}"
    if row["sent_at"]:
        delay = (moment(row["received_at"]) - moment(row["sent_at"])).total_seconds()
        yield f"sent {delay:.3f} s before it arrived, by the sender's clock"
    if row["signal_id"] is not None:
        yield f"the sender's id for it: {printable(row['signal_id'])}"
    if row["uid"]:
        yield f"uid {row['uid']}"
    yield f"raw payload: {printable(row['raw_message'])}"


VERDICTS = {
    "opened": "opens position {position}",
    "closed": "has position {position} closed",
    "protected": "has the stop of position {position} go to its entry",
    "skipped": "does nothing",
    "failed": "failed",
}


def verdict(step: Step) -> Iterator[Sentence]:
    if not step.is_first:
        yield from anything(step)
        return
    row = step.row
    strategy = step.names.strategies.get(row["strategy_id"], row["strategy_id"])
    did = VERDICTS[row["status"]].format(position=row["position_id"])
    note = f": {printable(row['note'])}" if row["note"] else ""
    yield step.sentence(f"verdict on signal {row['log_id']}: strategy {strategy}{_on(step)} {did}{note}")


def _on(step: Step) -> str:
    """Entries from before strategies had several accounts do not say it."""
    account_id = step.row.get("account_id")
    return f" on account {step.names.accounts.get(account_id, account_id)}" if account_id else ""
