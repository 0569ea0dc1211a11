"""What is changed: mutmut's operators, over all code of a module, and two of our own.

mutmut itself leaves out what is decorated (our tables are cached properties) and what stands outside functions, so its
operators are used and its runner is not. Left out are changes of words (strings, docstrings, annotations, the facts of
a `BadInput`), of what only says which names there are (imports, ``__all__``), of zip's ``strict`` (it asserts what is
so anyway), of ``device=`` (seen on a GPU alone) and ``repr=``, and those that put None where a value was: these fail
at once, whatever the tests ask.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation import mutators

OPERATORS = [
    (cst.BaseNumber, mutators.operator_number),  # 2 -> 3
    (cst.Name, mutators.operator_name),  # True -> False
    (cst.AugAssign, mutators.operator_augmented_assignment),  # a += b -> a = b
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),  # not a -> a
    (cst.CSTNode, mutators.operator_keywords),  # is, in, break, continue
    (cst.CSTNode, mutators.operator_swap_op),  # + and -, * and /, ** and *, < and <=, == and !=, and and or, -a and +a
    (cst.IfExp, mutators.operator_if_exp),  # a if b else c -> always a, always c
]
UNSEEN = ("strict", "device", "repr")  # keywords
NUMERIC = """
    abs clamp clip cos cumsum exp expm1 flip lgamma log log1p log_softmax logsumexp mean norm prod relu round sigmoid
    silu sin softmax sqrt square sum tanh
"""  # f(x) -> x


@dataclass(frozen=True)
class Mutant:
    """One change. `where` is module.function; old and new are its lines, without what stays."""

    where: str
    line: int
    old: str
    new: str
    source: str

    @property
    def key(self) -> str:
        return f"{self.where}: {self.old} -> {self.new}"


def functions(source: str, module: str) -> dict[int, str]:
    """line -> module.function, of each line in a function's body (the innermost)."""
    names: dict[int, str] = {}

    def walk(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = f"{name}.{child.name}" if isinstance(child, ast.FunctionDef | ast.ClassDef) else name
            if isinstance(child, ast.FunctionDef) and child.end_lineno is not None:
                names.update(dict.fromkeys(range(child.body[0].lineno, child.end_lineno + 1), inner))
            walk(child, inner)

    walk(ast.parse(source), module)
    return names


def mutants(source: str, module: str) -> list[Mutant]:
    """All changes of a module's source, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = _Visitor(wrapper.resolve(PositionProvider))
    wrapper.module.visit(visitor)
    inside, found = functions(source, module), {}
    starts = list(accumulate((len(line) for line in source.splitlines(keepends=True)), initial=0))
    for where, changed in visitor.found:
        start, end = starts[where.start.line - 1] + where.start.column, starts[where.end.line - 1] + where.end.column
        new = source[:start] + wrapper.module.code_for_node(changed) + source[end:]
        line = where.start.line
        found[new] = Mutant(inside.get(line, module), line, *_difference(source, new), new)
    return list(found.values())


def _difference(old: str, new: str) -> tuple[str, str]:
    """The lines of both without those that both begin and end with."""
    a, b = old.splitlines(), new.splitlines()
    same = next(i for i, (x, y) in enumerate(zip([*a, None], [*b, None], strict=False)) if x != y)
    a, b = a[same:], b[same:]
    while a and b and a[-1] == b[-1]:
        del a[-1], b[-1]
    return " ".join(line.strip() for line in a), " ".join(line.strip() for line in b)


class _Visitor(cst.CSTVisitor):
    def __init__(self, positions: Mapping[cst.CSTNode, CodeRange]) -> None:
        super().__init__()
        self.positions = positions
        self.found: list[tuple[CodeRange, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.ImportFrom | cst.Import | cst.Raise | cst.BaseString):
            return False
        if isinstance(node, cst.Assign) and _is_name(node.targets[0].target, "__all__"):
            return False
        if isinstance(node, cst.Arg) and isinstance(node.keyword, cst.Name) and node.keyword.value in UNSEEN:
            return False
        self.found += [(self.positions[node], changed) for changed in _changes(node)]
        return True


def _changes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    axis = isinstance(node, cst.UnaryOperation) and isinstance(node.expression, cst.Integer)
    for kind, operator in OPERATORS:
        if isinstance(node, kind) and not axis:  # of two axes, +1 is -1; that it becomes -2 is tried
            yield from operator(node)
    if isinstance(node, cst.Call):
        yield from _with_less(node)
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
        yield node.with_changes(value=cst.Ellipsis())  # check(x) -> ...
    if isinstance(node, cst.Call) and _called(node) in NUMERIC.split():  # f(x) -> x, x.f(...) -> x
        owner = node.func.value if isinstance(node.func, cst.Attribute) else None
        if owner is None or (isinstance(owner, cst.Name) and owner.value in {"math", "torch", "F", "np"}):
            yield _parenthesized(node.args[0].value)
        else:
            yield owner


def _with_less(call: cst.Call) -> Iterator[cst.Call]:
    """f(a, b, c=d) -> f(a, b), f(a, c=d): what may have a default. Without the others a call fails at once."""
    if _called(call) in {"isinstance", "len"}:
        return
    positional = [a for a in call.args if a.keyword is None and a.star == ""]
    named = [a for a in call.args if a.keyword is not None and a.keyword.value not in UNSEEN]
    optional = [*named, *positional[-1:]]
    for changed in mutators.operator_arg_removal(call):
        if any(a not in changed.args and len(changed.args) < len(call.args) for a in optional):
            yield changed


def _called(node: cst.Call) -> str:
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    return name.value if isinstance(name, cst.Name) else ""


def _parenthesized(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.with_changes(lpar=[cst.LeftParen(), *node.lpar], rpar=[*node.rpar, cst.RightParen()])


def _is_name(node: cst.CSTNode | None, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name
