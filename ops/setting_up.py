"""From a plan to servers, programs and the one environment they share."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from ops.children import PAPER_HOST, Children
from ops.embedded.postgres import EmbeddedPostgres
from ops.embedded.redis import EmbeddedRedis
from ops.environment import keys_for
from ops.plan import Plan
from ops.ports import claim_port
from ops.program import Program


@dataclass(frozen=True)
class SetUp:
    plan: Plan
    env: dict[str, str]
    servers: list[Program]
    paper: Program | None
    port: int
    signals_port: int

    @property
    def children(self) -> Children:
        return Children(self.plan.base, self.env)

    @property
    def web_url(self) -> str:
        return self.env["WEB_URL"]

    def programs(self) -> list[Program]:
        """In starting order; the web page last, because it is what we wait for."""
        make = self.children
        parts = {
            "worker": make.workers(),
            "beat": [make.beat()],
            "market": [make.market()],
            "intake": [make.intake()],
            "notify": [make.notify()],
            "doors": [make.doors(self.plan.host, self.signals_port)],
            "web": [make.web(self.plan.host, self.port)],
        }
        wanted = parts if self.plan.mode == "all" else [self.plan.mode]
        return [program for name in wanted for program in parts.get(name, [])]

    def demo_signals(self) -> Program:
        return self.children.demo() if self.plan.tells_first_minute else self.children.signals()


def set_up(plan: Plan) -> SetUp:
    """Nothing is started here, but ports are chosen and missing keys are made."""
    port = claim_port(plan.host, plan.port) if plan.has_web else plan.port
    signals_port = _port_for_signals(plan, port)
    env = dict(plan.values) | keys_for(plan.values, plan.data)
    env["DRY_RUN"] = "false" if plan.is_live else "true"
    env["PYTHONUNBUFFERED"] = "1"
    host = "127.0.0.1" if plan.host == "0.0.0.0" else plan.host  # noqa: S104
    env["WEB_URL"] = f"http://{host}:{port}"
    env.setdefault("SIGNALS_URL", f"ws://{host}:{signals_port}/ws/signals/")
    servers = _missing_servers(plan, env)
    return SetUp(plan, env, servers, _paper_exchange(plan, env), port, signals_port)


def _port_for_signals(plan: Plan, port: int) -> int:
    """Where the doors have no process of their own, the page's is told."""
    return claim_port(plan.host, plan.signals_port) if plan.has_doors else port


def _missing_servers(plan: Plan, env: dict[str, str]) -> list[Program]:
    programs = []
    if not env.get("DATABASE_URL"):
        postgres = EmbeddedPostgres(plan.data.path / "postgres")
        env["DATABASE_URL"] = postgres.url()
        programs.append(postgres.program())
    if not env.get("REDIS_URL"):
        redis = EmbeddedRedis(plan.data.path / "redis")
        env["REDIS_URL"] = redis.url()
        programs.append(redis.program())
    return programs


def _paper_exchange(plan: Plan, env: dict[str, str]) -> Program | None:
    """Ours where no URL names another; `--mode paper` serves the URL that is configured."""
    url = env.get("PAPER_EXCHANGE_URL", "")
    if plan.is_live or (url and plan.mode != "paper"):
        return None
    port = claim_port(PAPER_HOST, urlsplit(url).port or 0)
    env["PAPER_EXCHANGE_URL"] = url or f"http://{PAPER_HOST}:{port}"
    return Children(plan.base, env).paper(port, plan.data.path / "paper")
