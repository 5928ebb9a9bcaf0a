"""A package's source as functions and what each of them calls, found without running it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef
AFTER_COMMIT = "on_commit"


@dataclass(frozen=True)
class Call:
    """`name` is as far as it can be told: exchanges.session.call, or the words of the source."""

    name: str
    line: int
    is_awaited: bool = False
    is_given_away: bool = False  # somebody else is handed the function and will call it


@dataclass
class Found:
    name: str
    path: str
    is_async: bool
    calls: list[Call] = field(default_factory=list)
    in_transaction: list[Call] = field(default_factory=list)


@dataclass(frozen=True)
class Module:
    """`imports`: what a word in it stands for."""

    name: str
    path: str
    tree: ast.Module
    imports: Mapping[str, str]

    @classmethod
    def read(cls, path: str, text: str) -> Module:
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        tree = ast.parse(text)
        return cls(name, path, tree, dict(_imports(tree)))

    def functions(self) -> list[Found]:
        reader = _Functions(self)
        reader.visit(self.tree)
        return reader.found


def functions_of(files: Mapping[str, str]) -> dict[str, Found]:
    """Of texts by path, functions by their full name."""
    modules = [Module.read(path, text) for path, text in files.items() if path.endswith(".py")]
    return {one.name: one for module in modules for one in module.functions()}


def reaching(functions: Mapping[str, Found], ends: Iterable[str]) -> set[str]:
    """Those that call one of the ends, themselves or through others. Who only hands a function on does not wait."""
    found = set(ends)
    grows = True
    while grows:
        more = {
            name
            for name, one in functions.items()
            if name not in found and any(call.name in found and not call.is_given_away for call in one.calls)
        }
        found |= more
        grows = bool(more)
    return found


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


class _Functions(ast.NodeVisitor):
    """All of a module, those inside classes and inside other functions too."""

    def __init__(self, module: Module) -> None:
        self.module, self.found = module, list[Found]()
        self._place, self._class = [module.name], ""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self._class = self._class, ".".join([*self._place, node.name])
        self._go_into(node)
        self._class = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.found.append(_read(self.module, node, ".".join([*self._place, node.name]), self._class))
        self._go_into(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)  # type: ignore[arg-type]

    def _go_into(self, node: ast.ClassDef | ast.FunctionDef) -> None:
        self._place.append(node.name)
        self.generic_visit(node)
        self._place.pop()


def _read(module: Module, node: Function, name: str, of_class: str) -> Found:
    found = Found(name, module.path, isinstance(node, ast.AsyncFunctionDef))
    reader = _Reader(module, of_class, found, _inside(node))
    reader.depth = int(any(_is_atomic(one) for one in node.decorator_list))
    for statement in node.body:
        reader.visit(statement)
    return found


def _inside(node: Function) -> set[str]:
    return {one.name for one in ast.walk(node) if isinstance(one, Function) and one is not node}


def _is_atomic(node: ast.expr) -> bool:
    return words_of(node).endswith("transaction.atomic")


def words_of(node: ast.AST) -> str:
    """a.b(c)[d].e as a.b.e: what leads to it, without what is handed over on the way."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{words_of(value)}.{attr}"
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
            return words_of(inner)
    return "?"


class _Reader(ast.NodeVisitor):
    """Goes through one function's own statements, not through functions inside it."""

    def __init__(self, module: Module, of_class: str, found: Found, inside: set[str]) -> None:
        self.module, self.of_class, self.found, self.inside = module, of_class, found, inside
        self.depth = 0
        self._awaited: set[ast.AST] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        pass

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        pass

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def visit_Await(self, node: ast.Await) -> None:
        self._awaited.add(node.value)
        self.generic_visit(node)

    def visit_With(self, node: ast.With) -> None:
        atomic = sum(_is_atomic(item.context_expr) for item in node.items)
        for item in node.items:
            self.visit(item)
        self.depth += atomic
        for statement in node.body:
            self.visit(statement)
        self.depth -= atomic

    def visit_Call(self, node: ast.Call) -> None:
        name = self._name(words_of(node.func))
        self._note(Call(name, node.lineno, node in self._awaited))
        if name.rpartition(".")[2] == AFTER_COMMIT:
            return
        for given in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(given, ast.Name | ast.Attribute):
                self._note(Call(self._name(words_of(given)), node.lineno, is_given_away=True))
        self.generic_visit(node)

    def _note(self, call: Call) -> None:
        self.found.calls.append(call)
        if self.depth:
            self.found.in_transaction.append(call)

    def _name(self, words: str) -> str:
        root, _, rest = words.partition(".")
        if root == "self" and self.of_class:
            return f"{self.of_class}.{rest}"
        if words in self.inside:
            return f"{self.found.name}.{words}"
        meant = self.module.imports.get(root)
        if meant is None:
            return words if rest else f"{self.module.name}.{words}"
        return f"{meant}.{rest}" if rest else meant
