"""The analysis of source finds what it is for, by name and through other functions, and leaves alone what is fine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ops.verification.code import findings
from ops.verification.entries import BASE

BLOCKING, NETWORK, FAS = (
    "no blocking call in asynchronous code",
    "no network inside a transaction",
    "no foreign key to the schema fas",
)
ASKING = """
from exchanges import session
def ask(account):
    return session.call(account, lambda client: client.balance())
"""


def found(rule: str, text: str, path: str = "shop/till.py", **beside: str) -> list[str]:
    others = {f"shop/{name}.py": body for name, body in beside.items()}
    return findings({path: text} | others)[rule]


@pytest.mark.parametrize(
    "text",
    [
        "import time\nasync def f():\n    time.sleep(1)",
        "from time import sleep as rest\nasync def f():\n    rest(1)",
        "import subprocess\nclass A:\n    async def f(self):\n        return subprocess.run(['x']).stdout",
        "async def f():\n    return Order.objects.filter(pk=1).first()",
        "def rows():\n    return Order.objects.count()\nasync def f():\n    return rows()",
        "from shop.asking import ask\ndef g(a):\n    return ask(a)\nasync def f(a):\n    return g(a)",
    ],
)
def test_what_blocks_an_event_loop(text: str) -> None:
    assert len(found(BLOCKING, text, asking=ASKING)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "import asyncio, time\nasync def f():\n    await asyncio.to_thread(time.sleep, 1)",
        "async def f():\n    return await Order.objects.filter(pk=1).afirst()",
        "import time\nasync def f():\n    def g():\n        time.sleep(1)\n    return g",
        "from asgiref.sync import sync_to_async\nfrom shop.asking import ask\n"
        "async def f(a):\n    return await sync_to_async(ask)(a)",
    ],
)
def test_what_does_not(text: str) -> None:
    assert found(BLOCKING, text, asking=ASKING) == []


@pytest.mark.parametrize(
    "body",
    [
        "with transaction.atomic():\n        ask(a)",
        "with transaction.atomic(durable=True), open(a):\n        for one in a:\n            ask(one)",
        "with transaction.atomic():\n        for_each(a, ask)",
        "with transaction.atomic():\n        through(a)",
    ],
)
def test_a_question_inside_a_transaction(body: str) -> None:
    text = f"from shop.asking import ask\ndef through(a):\n    ask(a)\ndef f(a):\n    {body}\n"
    assert len(found(NETWORK, text, asking=ASKING)) == 1
    decorated = "from shop.asking import ask\n@transaction.atomic\ndef f(a):\n    ask(a)\n"
    assert found(NETWORK, decorated, asking=ASKING) == ["shop/till.py:4: f calls shop.asking.ask"]


@pytest.mark.parametrize(
    "body",
    [
        "ask(a)\n    with transaction.atomic():\n        a.save()",
        "with transaction.atomic():\n        a.save()\n    ask(a)",
        "with transaction.atomic():\n        transaction.on_commit(ask)",
        "def later():\n        ask(a)\n    with transaction.atomic():\n        transaction.on_commit(later)",
    ],
)
def test_a_question_before_or_after_it(body: str) -> None:
    assert found(NETWORK, f"from shop.asking import ask\ndef f(a):\n    {body}\n", asking=ASKING) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/models.py", 'signal = models.ForeignKey("fas.Signal", models.CASCADE)'),
        ("shop/models.py", "class Meta:\n    db_table = 'fas\".\"signals'"),
        (
            "shop/sql/1.sql",
            "ALTER TABLE trades ADD FOREIGN KEY (signal_id)\nreferences fas.scoring_history(id)",
        ),
    ],
)
def test_a_tie_to_the_legacy_schema(path: str, text: str) -> None:
    assert len(found(FAS, text, path)) == 1
    assert (
        found(FAS, "-- positions.signal_id is a name, and refers to nothing in fas.signals\n", "a.sql") == []
    )


def test_our_own_source_is_clean_and_the_program_says_so() -> None:
    told = subprocess.run(
        [sys.executable, "scripts/analyze_code_migration.py"], cwd=BASE, capture_output=True, text=True
    )
    assert (told.returncode, told.stdout.count("PASSED"), told.stderr) == (0, 3, "")


def test_the_program_ends_with_what_it_found(tmp_path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "bad.py").write_text("import time\nasync def f():\n    time.sleep(1)\n")
    call = "import sys, pathlib; from ops.verification import entries\n"
    call += f"sys.exit(entries.analyze_code(pathlib.Path({str(tmp_path)!r})))"
    told = subprocess.run([sys.executable, "-c", call], cwd=BASE, capture_output=True, text=True)
    assert told.returncode == 1
    assert "ops/bad.py:3: f calls time.sleep" in told.stdout
