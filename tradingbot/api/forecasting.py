"""Addresses that show forecasts, the models that make them, and how good both were."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query

from positions.lists.filters import Asked
from signals_app.forecast_models import Forecast, ForecastDirection, ForecastModel, ForecastSource, ModelState
from signals_app.forecast_pages import how_good as page
from signals_app.forecast_pages import judged, latest
from signals_app.forecasts.hindsight import Bin, Record, Share, calibration_error
from signals_app.forecasts.said import came_of, said_of
from signals_app.forecasts.terms import label_of
from tradingbot.api import finding
from tradingbot.api import forecast_contract as contract
from tradingbot.api.paging import Page, Paged, page_of
from tradingbot.api.reading import Wanted, router
from tradingbot.api.values import RowNumber

Days = Annotated[int, Query(ge=1, le=366, description="How far back, by the day in UTC")]


@router.get("/forecasts", response=Page[contract.Forecast], tags=["forecasts"])
def forecasts(
    request: HttpRequest,
    paged: Paged,
    symbol: Wanted = None,
    account: Wanted = None,
    source: ForecastSource | None = None,
    direction: ForecastDirection | None = None,
    is_sent: bool | None = None,
) -> Any:
    """Of paper candles while trading on paper, else of real ones."""
    chosen = finding.given(
        instrument__exchange_symbol=symbol, run__account__name=account, source=source, direction=direction,
        signal__isnull=None if is_sent is None else not is_sent,
    )  # fmt: skip
    return page_of(latest.forecasts().filter(**chosen), "made_at", paged, _forecast)


# before the address of one of them, which would take it for a number
@router.get("/forecasts/how-good", response=contract.HowGood, tags=["forecasts"])
def how_good(request: HttpRequest, days: Days = 30, account: Wanted = None, symbol: Wanted = None) -> Any:
    """What was said against what came of it, and what positions earned by who gave their signal."""
    now = timezone.now()
    since = (now.date() - timedelta(days=days - 1)).isoformat()
    asked = Asked(judged.filters(now), {"since": since, "account": account or "", "symbol": symbol or ""})
    found = judged.judged(asked)
    return contract.HowGood(
        known=found.known, step=found.step, records=[_record(one) for one in found.records],
        calibration=[_curve(source, bins) for source, bins in page.curves_of(found).items()],
        earned=[
            contract.Earned(
                source=name, positions=one.count, profit=one.profit, fees=one.fees, funding=one.funding,
                result=one.result,
            )
            for name, one in judged.earned(asked).items()
        ],
    )  # fmt: skip


@router.get("/forecasts/{forecast_number}", response=contract.Forecast, tags=["forecasts"])
def forecast(request: HttpRequest, forecast_number: RowNumber) -> Any:
    return _forecast(finding.the_one(latest.forecasts(), pk=forecast_number))


@router.get("/forecast-models", response=Page[contract.Model], tags=["forecasts"])
def models(request: HttpRequest, paged: Paged, state: ModelState | None = None) -> Any:
    return page_of(latest.models().filter(**finding.given(state=state)), "trained_at", paged, _model)


@router.get("/forecast-models/{model_number}", response=contract.WholeModel, tags=["forecasts"])
def model(request: HttpRequest, model_number: RowNumber) -> Any:
    """With its card: data, classes in their order, scores against who knows nothing."""
    row = finding.the_one(latest.models(), pk=model_number)
    return contract.WholeModel(**_model(row).model_dump(), card=row.card)


def _forecast(row: Forecast) -> contract.Forecast:
    came = came_of(row.outcomes)
    horizons = [
        contract.Horizon(
            horizon=name, long=said.long, short=said.short, neutral=said.neutral, expected=said.expected,
            least=said.least, came=came.get(name),
        )
        for name, said in said_of(row.horizons).items()
    ]  # fmt: skip
    return contract.Forecast(
        id=row.pk, account=row.run.account.name, symbol=row.instrument.exchange_symbol,
        timeframe=row.run.timeframe, of_paper=row.run.of_paper, source=row.source,
        candle_at=row.run.candle_at, made_at=row.made_at, price=row.price, direction=row.direction,
        confidence=row.confidence, quality=row.quality, label=label_of(float(row.quality)),
        strength=row.strength, agreement=row.agreement, risk=row.risk, stop_percent=row.stop_percent,
        target_percent=row.target_percent, horizons=horizons, signal_number=row.signal_id, reason=row.reason,
        judged_at=row.judged_at,
    )  # fmt: skip


def _model(row: ForecastModel) -> contract.Model:
    return contract.Model(
        id=row.pk, timeframe=row.timeframe, of_paper=row.of_paper, state=row.state,
        is_worth_using=row.is_worth_using, verdict=row.verdict, features_version=row.features_version,
        sha256=row.sha256, trained_until=row.trained_until, trained_at=row.trained_at,
        put_in_use_at=row.put_in_use_at, retired_at=row.retired_at,
    )  # fmt: skip


def _record(one: Record) -> contract.Record:
    return contract.Record(
        horizon=one.horizon, source=one.source, judged=one.judged, calls=_share(one.calls),
        apart=_share(one.apart), expected=one.expected, net=one.net,
    )  # fmt: skip


def _share(one: Share) -> contract.Share:
    low, high = one.interval or (None, None)
    return contract.Share(count=one.count, hits=one.hits, rate=one.rate, low=low, high=high)


def _curve(source: str, bins: list[Bin]) -> contract.Curve:
    shown = [contract.Bin(said=one.said, came_true=_share(one.came)) for one in bins]
    return contract.Curve(source=source, error=calibration_error(bins), bins=shown)
