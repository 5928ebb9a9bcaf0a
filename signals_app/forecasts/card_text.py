"""A model's card for people: rows of a table, or a page. Needs no numpy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Card = Mapping[str, Any]
Lines = Iterator[str]
YES, NO = "yes", "no"


def score_rows(card: Card) -> list[dict[str, str]]:
    """One a horizon."""
    return [
        {
            "horizon": horizon,
            "answers": f"{one['answers']:,}",
            "skill": f"{one['skill']:+.2%} ({one['skill_sureness']:+.1f})",
            "skill of sides": f"{one['side_skill']:+.2%} ({one['side_sureness']:+.1f})",
            "skill of returns": f"{one['return_skill']:+.2%} ({one['return_sureness']:+.1f})",
            "calls": f"{one['calls']:,}",
            "right side": _percent(one["hit_rate"], 1),
            "net a call": f"{_percent(one['per_call'], 3)} ({one['per_call_sureness']:+.1f})",
            "best naive way": _best_naive(one),
            "calibration error": f"{one['calibration_error']:.1%}",
            "worth using": YES if one["foresees"] and one["sees_sides"] and one["pays"] else NO,
        }
        for horizon, one in by_horizon(card, "scores")
    ]


def by_horizon(card: Card, name: str) -> list[tuple[str, Any]]:
    """Shortest first: a row of PostgreSQL keeps names in an order of its own."""
    return [(horizon, card[name][horizon]) for horizon in card["horizons"]]


def most_important(shares: Mapping[str, float], most: int) -> list[tuple[str, float]]:
    return sorted(shares.items(), key=lambda item: -item[1])[:most]


def _percent(share: float | None, digits: int) -> str:
    return "none" if share is None else f"{share:+.{digits}%}" if digits > 1 else f"{share:.{digits}%}"


def _best_naive(one: Card) -> str:
    way, earned = max(one["baselines"].items(), key=lambda item: item[1])
    return f"{earned:+.3%} {way}"


def as_markdown(card: Card, verdict: str) -> str:
    return "\n".join(
        [
            f"**{verdict}**",
            *_about(card),
            *_scores(card),
            *_reliability(card),
            *_importance(card),
            *_circumstances(card),
        ]
    )


def _about(card: Card) -> Lines:
    data, training = card["data"], card["training"]
    yield from ("", "## What it was trained with", "")
    told = {
        "Contracts": ", ".join(data["contracts"]),
        "Candles": f"{data['candles']:,} of {data['timeframe']} ({data['missing']:,} missing), "
        f"{'of the paper exchange' if data['of_paper'] else 'of a real market'}; {data['source']}",
        "From, until": f"{data['from']}, {data['until']}",
        "Features": f"{card['features']['count']} columns, version `{card['features']['version']}`",
        "Answers": f"{', '.join(card['classes'])}, in this order; returns",
        "Judged": f"{training['folds']} parts, one after the other, each by what lay before it; between the two the "
        f"horizon and {training['embargo']} candles are left out",
        "Costs": f"{training['cost']:.2%} a round trip; a move of less, or of less than "
        f"{training['volatility_share']:.0%} of what is usual, is neutral",
        "Effort": ", ".join(f"{name} {value}" for name, value in training["effort"].items()),
    }
    yield from (f"- {name}: {words}" for name, words in told.items())


def _scores(card: Card) -> Lines:
    yield from ("", "## How good it was on candles it had never seen", "")
    yield from _table(score_rows(card))
    yield ""
    yield (
        "In brackets: standard errors above nothing, over 24 blocks of time. Skill: how much smaller its log loss is "
        "than that of who always says the usual shares of long, short and neutral; of sides: the same of long against "
        "short, where one of them came; of returns: of the squared error, against who expects none. Most of the skill "
        "can be knowledge of how far prices will move, which pays nothing. Net a call: mean return of all times it "
        "leaned to a side, costs paid."
    )


def _reliability(card: Card) -> Lines:
    yield from ("", "## What it said, and what came true", "")
    rows = [
        {
            "horizon": horizon,
            "said": f"{one['said']:.1%}",
            "came true": f"{one['came_true']:.1%}",
            "times": f"{one['count']:,}",
        }
        for horizon, scores in by_horizon(card, "scores")
        for one in scores["reliability"]
    ]
    yield from _table(rows)


def _importance(card: Card, most: int = 8) -> Lines:
    yield from ("", "## What it looks at", "")
    for horizon, shares in by_horizon(card, "importance"):
        named = ", ".join(f"`{name}` {share:.1%}" for name, share in most_important(shares, most))
        yield f"- {horizon}: {named}"


def _circumstances(card: Card) -> Lines:
    took = card["took"]
    yield from ("", "## How it was made", "")
    if took["seconds"] is not None:
        yield f"- {took['seconds']:,.0f} seconds on {took['machine']}"
    yield f"- {', '.join(f'{name} {version}' for name, version in card['libraries'].items())}"


def _table(rows: Sequence[Mapping[str, str]]) -> Lines:
    names = list(rows[0]) if rows else []
    yield f"| {' | '.join(names)} |"
    yield f"| {' | '.join('---' for _ in names)} |"
    yield from (f"| {' | '.join(row.values())} |" for row in rows)
