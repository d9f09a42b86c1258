"""The part of Jinja2 in which prompts are written, checked before anything is rendered.

There are texts, variables, a few filters, `and`, `or`, `{% if %}` and its inline form. There are
no loops, calls, attributes, indexes, assignments or calculations: what cannot be said cannot be
abused, each part of a template is done at most once, and rendering cannot fail. The sandbox around
it is a second fence.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Final, NoReturn

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lightspeed_core.config.place import BrokenPrompt

LONGEST_TEMPLATE: Final = 65_536
"""Characters of a template; compiling one takes up to a second for each 10,000 variables."""

_DEEPEST_NESTING: Final = 20
_COMPARISONS: Final = {"eq", "ne", "in", "notin"}
_LITERAL_MARKS: Final = "; marks that are meant literally stand in {% raw %}…{% endraw %}"


def _or_default(value: str, other: str) -> str:
    return value or other


def _is_told(value: str) -> bool:
    return value != ""


_FILTERS: Final = {
    "capitalize": str.capitalize,
    "default": _or_default,
    "lower": str.lower,
    "title": str.title,
    "trim": str.strip,
    "upper": str.upper,
}


def compile_template(
    text: str, known: Collection[str]
) -> Callable[[Mapping[str, str]], Iterable[str]]:
    """Return what writes the template piece by piece, given all `known` variables.

    Raises `BrokenPrompt`.
    """
    if len(text) > LONGEST_TEMPLATE:
        raise BrokenPrompt(
            f"has {len(text)} characters; a template may have {LONGEST_TEMPLATE} at most"
        )
    sandbox = ImmutableSandboxedEnvironment(keep_trailing_newline=True)
    sandbox.globals.clear()
    sandbox.tests.clear()
    sandbox.tests["defined"] = _is_told
    sandbox.filters.clear()
    sandbox.filters.update(_FILTERS)
    try:
        template = sandbox.parse(text)
    except TemplateSyntaxError as error:
        raise BrokenPrompt((error.message or "") + _LITERAL_MARKS, error.lineno) from error
    except RecursionError:
        raise BrokenPrompt("is nested too deeply") from None
    _Check(known).statements(template.body, 0)
    return sandbox.from_string(template).generate


class _Check:
    """Walks a template and raises `BrokenPrompt` at what is not part of the language."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known

    def statements(self, body: Iterable[nodes.Node], depth: int) -> None:
        for node in body:
            _check_depth(node, depth)
            match node:
                case nodes.Output():
                    for part in node.nodes:
                        if not isinstance(part, nodes.TemplateData):
                            self._text(part, depth)
                case nodes.If():
                    self._condition(node.test, depth)
                    for branch in (node.body, node.elif_, node.else_):
                        self.statements(branch, depth + 1)
                case _:
                    _refuse(node)

    def _text(self, node: nodes.Node, depth: int) -> None:
        """Admit an expression whose value is a text."""
        _check_depth(node, depth)
        match node:
            case nodes.Const(value=str()):
                pass
            case nodes.Name(name=name):
                self._name(name, node.lineno)
            case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
                self._text(left, depth + 1)
                self._text(right, depth + 1)
            case nodes.CondExpr(test=test, expr1=then, expr2=nodes.Expr() as other):
                self._condition(test, depth + 1)
                self._text(then, depth + 1)
                self._text(other, depth + 1)
            case nodes.Filter(node=nodes.Expr() as filtered):
                _check_filter(node)
                self._text(filtered, depth + 1)
            case _:
                _refuse(node)

    def _condition(self, node: nodes.Node, depth: int) -> None:
        """Admit an expression that decides; an empty text is false."""
        _check_depth(node, depth)
        match node:
            case nodes.Not(node=denied):
                self._condition(denied, depth + 1)
            case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
                self._condition(left, depth + 1)
                self._condition(right, depth + 1)
            case nodes.Test(name="defined", node=named):
                self._text(named, depth + 1)
            case nodes.Compare(expr=left, ops=[nodes.Operand(op=op, expr=right)]) if (
                op in _COMPARISONS
            ):
                self._text(left, depth + 1)
                self._text(right, depth + 1)
            case _:
                self._text(node, depth)

    def _name(self, name: str, line: int) -> None:
        if name in self._known:
            return
        near = get_close_matches(name, self._known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {_listed(self._known)}"
        raise BrokenPrompt(f"unknown variable '{name}'; {hint}{_LITERAL_MARKS}", line)


def _check_filter(node: nodes.Filter) -> None:
    if node.name not in _FILTERS:
        raise BrokenPrompt(
            f"unknown filter '{node.name}'; there are {_listed(_FILTERS)}", node.lineno
        )
    is_plain = not (node.kwargs or node.dyn_args or node.dyn_kwargs)
    texts = [each for each in node.args if isinstance(each, nodes.Const)]
    wanted = 1 if node.name == "default" else 0
    if not (is_plain and len(node.args) == len(texts) == wanted) or not all(
        isinstance(each.value, str) for each in texts
    ):
        takes = "takes one text in quotes" if wanted else "takes nothing in brackets"
        raise BrokenPrompt(f"filter '{node.name}' {takes}", node.lineno)


def _check_depth(node: nodes.Node, depth: int) -> None:
    if depth > _DEEPEST_NESTING:
        raise BrokenPrompt("is nested too deeply", node.lineno)


def _refuse(node: nodes.Node) -> NoReturn:
    raise BrokenPrompt(
        f"'{type(node).__name__}' is no part of the language of prompts, which has variables, "
        f"texts in quotes, the filters {_listed(_FILTERS)}, and `if`{_LITERAL_MARKS}",
        node.lineno,
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
