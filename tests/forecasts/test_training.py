"""From candles to a model: what can be learned is, what cannot is said so, and no answer turns round on its way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from signals_app.forecasts import forest, training
from signals_app.forecasts.calibration import Calibration
from signals_app.forecasts.forest import Forest, Unreadable, packed, unpacked
from signals_app.forecasts.model import Model, OtherOrder, opened
from signals_app.forecasts.splits import Fold
from signals_app.forecasts.targets import CLASSES, Direction
from signals_app.forecasts.training import TooLittle, Wishes, train
from signals_app.forecasts.verdicts import worth
from tests.forecasts.made_candles import bars_from, noise, pattern
from tests.forecasts.trained import LITTLE, ON_ONE_WORKER, learnable, of_noise

pytestmark = ON_ONE_WORKER


def test_a_pattern_is_foreseen_and_pays() -> None:
    trained, _ = learnable()
    found = trained.scores["1h"]
    assert (found.foresees, found.sees_sides, found.pays) == (True, True, True)
    assert found.hit_rate is not None
    assert found.hit_rate > 0.7
    assert found.return_skill > 0.1
    assert found.calibration_error < 0.1
    assert worth(trained.scores, 0.0014).holds


def test_what_it_was_learned_by_is_named() -> None:
    trained, _ = learnable()
    best = [trained.names[place] for place in np.argsort(-trained.importance["1h"])[:10]]
    assert any("volume" in name for name in best), best


def test_noise_is_not_foreseen_and_it_says_so() -> None:
    trained, _ = of_noise()
    found = trained.scores["1h"]
    assert (found.foresees, found.sees_sides, found.pays, found.is_worth_using) == (False,) * 4
    assert found.skill < 0.01
    assert found.hit_rate == pytest.approx(0.5, abs=0.06)
    assert found.accuracy < found.accuracy_of_most_frequent + 0.06
    verdict = worth(trained.scores, 0.0014)
    assert not verdict.holds
    assert "at no horizon did it foresee more than the usual shares" in verdict.sentence


@pytest.mark.soak
def test_the_same_candles_make_the_same_model() -> None:
    bars = noise(900, contracts=4)
    wishes = Wishes(("15m",), folds=1, effort=replace(LITTLE, trees=3))
    assert train(bars, wishes).model.to_bytes() == train(bars, wishes).model.to_bytes()


def test_what_is_judged_is_later_than_what_was_learned_and_what_it_led_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, int]] = []

    def looked(rows: training.Rows, folds: list[Fold], *_: object) -> list[object]:
        for fold in folds:
            learned, judged = rows.between(0, fold.trained), rows.between(fold.begin, fold.end)
            seen.append((int(learned.at.max()) + 16 + training.EMBARGO, int(judged.at.min())))
        return []

    monkeypatch.setattr(training, "_judged", looked)
    with pytest.raises(TooLittle):
        train(noise(900), Wishes(("4h",), folds=4))
    assert len(seen) == 4
    assert all(reach < first for reach, first in seen), seen


def test_outcomes_of_the_last_part_change_nothing_that_was_said_of_it() -> None:
    """What a judged part leads to is no part of any answer about it."""
    bars = noise(700)
    wishes = Wishes(("1h",), folds=2, effort=replace(LITTLE, trees=4))
    changed = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for values in changed.values():
        values[:, -40:] *= 1.5
    here, there = train(bars, wishes).unseen["1h"], train(replace(bars, **changed), wishes).unseen["1h"]
    early = here.at < 700 - 40 - 4
    assert np.array_equal(here.probabilities[early], there.probabilities[there.at < 700 - 40 - 4])


def test_steps_are_reported_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    wishes = Wishes(("15m", "1h"), folds=1, effort=replace(LITTLE, trees=2))
    with pytest.raises(TooLittle):
        train(noise(500), wishes, lambda *step: told.append(step))
    assert told == [("features", 0, 1), ("15m", 1, 4)]
    told.clear()
    train(pattern(1200), replace(wishes, horizons=("1h",)), lambda *step: told.append(step))
    assert told == [("features", 0, 1), ("1h", 1, 2), ("1h", 2, 2)]


@pytest.mark.parametrize("kind", ["few", "flat", "holes"])
def test_candles_that_teach_nothing_are_too_little(kind: str) -> None:
    bars = noise(300 if kind == "few" else 600)
    if kind == "flat":
        bars = bars_from(np.full((2, 600), 1e-9), 1)
    if kind == "holes":
        bars.close[:, ::50] = np.nan
    with pytest.raises(TooLittle):
        train(bars, Wishes(("1h",), folds=1, effort=LITTLE))


def a_tree(feature: int, threshold: float, values: tuple[float, float], answer: int) -> Forest:
    """One question, two leaves."""
    return Forest(
        feature=np.array([[feature, -1, -1]], dtype=np.int32),
        threshold=np.array([[threshold, 0.0, 0.0]]),
        left=np.array([[1, 0, 0]], dtype=np.int32),
        right=np.array([[2, 0, 0]], dtype=np.int32),
        missing_left=np.array([[True, False, False]]),
        value=np.array([[0.0, *values]]),
        answer_of=np.array([answer], dtype=np.int32),
        baseline=np.zeros(3),
    )


def known(answer: Direction) -> Model:
    """It says `answer` whenever the first feature is above nothing."""
    trees = a_tree(0, 0.0, (-2.0, 2.0), answer)
    returned = replace(a_tree(0, 0.0, (-0.01, 0.01), 0), baseline=np.zeros(1))
    return Model("v1", {"4h/direction": trees, "4h/return": returned}, {"4h": Calibration(1.0, np.zeros(3))})


@pytest.mark.parametrize("answer", list(Direction))
def test_what_a_model_says_is_read_in_its_order_after_a_journey_as_bytes(answer: Direction) -> None:
    found = opened(known(answer).to_bytes(), "v1").answers(np.array([[1.0], [-1.0]]))["4h"]
    assert found.probabilities[0].argmax() == answer
    assert found.probabilities[1].argmin() == answer
    assert found.returns.tolist() == [0.01, -0.01]


def test_a_market_that_rose_is_told_as_long_by_training_itself() -> None:
    """By the words of the contract: a volume as in a rise makes LONG likelier than SHORT, out of sample."""
    trained, _ = learnable()
    unseen = trained.unseen["1h"]
    rose = unseen.probabilities[unseen.truth == Direction.LONG].mean(axis=0)
    fell = unseen.probabilities[unseen.truth == Direction.SHORT].mean(axis=0)
    assert rose[Direction.LONG] > rose[Direction.SHORT] + 0.2
    assert fell[Direction.SHORT] > fell[Direction.LONG] + 0.2
    answers = opened(trained.model.to_bytes(), trained.model.version).answers(
        trained.seen.features.astype(np.float64)
    )
    for horizon in ("1h", "4h"):
        said = answers[horizon]
        leaning = said.probabilities[:, Direction.LONG] - said.probabilities[:, Direction.SHORT]
        assert np.corrcoef(leaning, said.returns)[0, 1] > 0.5, horizon


@pytest.mark.parametrize(
    "classes", [("SHORT", "LONG", "NEUTRAL"), ("LONG", "NEUTRAL", "SHORT"), ("LONG", "SHORT"), CLASSES[::-1]]
)
def test_classes_in_another_order_are_not_opened(classes: tuple[str, ...]) -> None:
    forests, more = unpacked(learnable()[0].model.to_bytes())
    shuffled = packed(forests, **(more | {"classes": np.array(classes)}))
    with pytest.raises(OtherOrder, match="classes"):
        opened(shuffled, learnable()[0].model.version)


def test_features_in_another_order_are_not_opened() -> None:
    with pytest.raises(OtherOrder, match="features"):
        opened(known(Direction.LONG).to_bytes(), "v2")


@pytest.mark.parametrize("lacking", ["version", "classes", "calibration 4h", "4h/return", "4h/direction"])
def test_a_model_that_lacks_a_part_is_not_opened(lacking: str) -> None:
    forests, more = unpacked(known(Direction.LONG).to_bytes())
    content = packed(
        {name: one for name, one in forests.items() if name != lacking},
        **{name: one for name, one in more.items() if name != lacking},
    )
    with pytest.raises(Unreadable):
        opened(content, "v1")


def test_trees_go_where_the_library_would_send_what_is_missing() -> None:
    leaves = a_tree(0, 0.5, (1.0, 2.0), 0).raw(np.array([[np.nan], [0.5], [0.500001]]))[:, 0]
    assert leaves.tolist() == [1.0, 1.0, 2.0]
    assert forest.unpacked(packed({"x": a_tree(0, 0.5, (1.0, 2.0), 0)}))[1] == {}
