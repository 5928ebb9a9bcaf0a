"""What the source must not do: block where everything waits for one thread, ask a network inside a transaction, tie
rows to the legacy schema fas. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ops.verification.source import Call, Found, functions_of, reaching

NETWORK = frozenset({
    "exchanges.session.call", "exchanges.session.ask_once", "exchanges.session.answer_of",
    "urllib.request.urlopen", "requests.get", "requests.post", "requests.request",
})  # fmt: skip
BLOCKING = NETWORK | {
    "time.sleep", "os.system", "subprocess.run", "subprocess.call", "subprocess.check_call",
    "subprocess.check_output", "socket.create_connection",
}  # fmt: skip
# what a query set does at once; aget, acreate and their like are awaited
_ASKS_ROWS = re.compile(
    r"\.objects\b.*\.(get|create|first|last|exists|count|update|delete|bulk_create|get_or_create|update_or_create|"
    r"aggregate|in_bulk)$",
    re.DOTALL,
)
_TIED_TO_FAS = re.compile(
    r"""ForeignKey\(\s*["']fas\.|db_table\s*=\s*["'](?:fas\.|fas"\.)|ForeignKey\(["']fas["']|"""
    r"""\bREFERENCES\s+"?fas"?\.""",
    re.IGNORECASE,
)


def findings(files: Mapping[str, str]) -> dict[str, list[str]]:
    """Of texts by path (Python and SQL): what is wrong, by rule; empty lists are what one wants to see."""
    functions = functions_of(files)
    return {
        "no blocking call in asynchronous code": list(_blocking(functions)),
        "no network inside a transaction": list(_network_in_transactions(functions)),
        "no foreign key to the schema fas": list(_tied_to_fas(files)),
    }


def _blocking(functions: Mapping[str, Found]) -> Iterator[str]:
    rows = {one.name for one in functions.values() if not one.is_async and any(map(_asks_rows, one.calls))}
    sync = {name: one for name, one in functions.items() if not one.is_async}
    waits = reaching(sync, {*BLOCKING, *rows})
    for one in functions.values():
        if one.is_async:
            blocking = (call for call in one.calls if not (call.is_awaited or call.is_given_away))
            yield from (_said(one, call) for call in blocking if call.name in waits or _asks_rows(call))


def _asks_rows(call: Call) -> bool:
    return not call.is_given_away and bool(_ASKS_ROWS.search(call.name))


def _network_in_transactions(functions: Mapping[str, Found]) -> Iterator[str]:
    asks = reaching({name: one for name, one in functions.items() if not one.is_async}, NETWORK)
    for one in functions.values():
        yield from (_said(one, call) for call in one.in_transaction if call.name in asks)


def _said(function: Found, call: Call) -> str:
    return f"{function.path}:{call.line}: {function.name.rpartition('.')[2]} calls {call.name}"


def _tied_to_fas(files: Mapping[str, str]) -> Iterator[str]:
    for path, text in files.items():
        for found in _TIED_TO_FAS.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {found[0].strip()}"
