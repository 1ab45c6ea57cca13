"""Puts what small macros say where they are called: their text becomes part of the text around it, without a call.

A macro is put in place when all it does is to put something out, and reads nothing but its arguments, the templates
that its own imports, and what is the same on all pages. An argument stands wherever the macro names it, so one that
takes work must be named once at most.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence, Set

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from portalgen.site.flat import imports_of, macros_of, stored

_SMALL = 90
"""Nodes of a macro that is put in place of each of its calls."""

Put = Callable[[nodes.Name], nodes.Expr]
"""What stands for a name."""


class Recipe:
    """What a macro puts out, and the names of its arguments with what they are where they are not given."""

    def __init__(self, macro: nodes.Macro, said: Sequence[nodes.Expr]) -> None:
        self.said = said
        self.args = [arg.name for arg in macro.args]
        self.defaults: dict[str, nodes.Expr] = {}
        if macro.defaults:
            optional = zip(self.args[-len(macro.defaults) :], macro.defaults, strict=True)
            self.defaults = {name: value for name, value in optional if isinstance(value, nodes.Const)}
        names = [name.name for value in said for name in _names(value)]
        self.uses = {arg: names.count(arg) for arg in self.args}

    def filled(self, call: nodes.Call) -> nodes.Expr | None:
        """What the macro says when it is called so; None where that cannot be said without calling it."""
        if call.kwargs or call.dyn_args or call.dyn_kwargs or len(call.args) > len(self.args):
            return None
        given = {**self.defaults, **dict(zip(self.args, call.args, strict=False))}
        if len(given) < len(self.args):
            return None
        if any(self.uses[name] > 1 and not _is_plain(value) for name, value in given.items()):
            return None
        return spoken([_filled(value, lambda name: given.get(name.name, name)) for value in self.said])

    def said_with(self, put: Put) -> Recipe:
        """The recipe with other values for the names that are no arguments."""
        made = copy.copy(self)
        made.said = [_filled(value, lambda name: name if name.name in self.args else put(name)) for value in self.said]
        return made


class Splicer(NodeTransformer):
    """Puts macros in place in one flattened template. `named` gives the splicer of another template by its name.

    `constants` are names that mean the same in every template, `lasting` those of arguments for which what a macro
    says is remembered: such a call stays.
    """

    def __init__(
        self,
        tree: nodes.Template,
        name: str | None,
        named: Callable[[str], Splicer],
        constants: Set[str],
        lasting: Set[str],
    ) -> None:
        self.tree, self._name, self._named, self._constants, self._lasting = tree, name, named, constants, lasting
        self._macros = macros_of(tree)
        self._set = {name for node in tree.body for name in stored(node)}
        self._imports = imports_of(tree)
        self._local = _set_in(*(node for node in tree.body if not isinstance(node, nodes.Macro)))
        self._recipes: dict[str, Recipe | None] = {}

    def spliced(self) -> nodes.Template:
        """The template, with macros in place."""
        for macro in self._macros:
            self._recipe(macro)
        tree: nodes.Template = self.visit(self.tree)
        return tree

    def exported(self, macro: str) -> Recipe | None:
        """The recipe of a macro for other templates."""
        found = self._recipe(macro)
        if found is None or self._name is None:
            return None
        try:
            return found.said_with(self._abroad)
        except LookupError:
            return None

    def _imported(self, name: nodes.Name) -> nodes.Expr:
        """A name of this template as all of it may say it."""
        return nodes.ImportedName(self._imports[name.name]) if name.name in self._imports else name

    def _abroad(self, name: nodes.Name) -> nodes.Expr:
        """The same as another template may say it. Raises `LookupError`."""
        if name.name in self._constants - self._set:
            return name
        if name.name in self._set and not name.name.startswith("_"):
            return nodes.Getattr(nodes.ImportedName(self._name), name.name, "load")
        raise LookupError(name.name)

    def _recipe(self, name: str) -> Recipe | None:
        """What a macro of this template says, with other macros in place; None where it has to be called."""
        if name in self._recipes:
            return self._recipes[name]
        self._recipes[name] = None  # while it is looked at: one that calls itself is called
        macro, outside = self._macros[name], self._local
        self._local = _set_in(macro)
        self.generic_visit(macro)
        self._local = outside
        if not macro.body:
            said: list[nodes.Expr] = []
        elif len(macro.body) == 1 and isinstance(macro.body[0], nodes.Output):
            said = macro.body[0].nodes
        else:
            return None
        if sum(1 for value in said for _ in value.find_all(nodes.Node)) < _SMALL:
            self._recipes[name] = Recipe(macro, said).said_with(self._imported)
        return self._recipes[name]

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        return node if node.name in self._macros else self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        recipe = self._called(node.node)
        if recipe is None or (node.args and all(map(self._lasts, node.args))):
            return node
        return recipe.filled(node) or node

    def _called(self, node: nodes.Expr) -> Recipe | None:
        """The recipe of what is called."""
        if isinstance(node, nodes.Name) and node.name in self._macros and node.name not in self._local:
            found = self._recipe(node.name)
            names = {name.name for value in found.said for name in _names(value)} - {*found.args} if found else ()
            known = {*self._macros, *self._constants - self._set} - self._local
            return found if known.issuperset(names) else None
        if isinstance(node, nodes.Getattr) and (owner := self._template_of(node.node)):
            there = self._named(owner)
            recipe = there.exported(node.attr) if node.attr in there._macros else None
            if self._constants.isdisjoint(self._local | self._set):
                return recipe
        return None

    def _template_of(self, node: nodes.Expr) -> str:
        if isinstance(node, nodes.ImportedName):
            return str(node.importname)
        if isinstance(node, nodes.Name) and node.name not in self._local:
            return self._imports.get(node.name, "")
        return ""

    def _lasts(self, node: nodes.Expr) -> bool:
        """Whether a value is the same on many pages."""
        match node:
            case nodes.Const() | nodes.ImportedName():
                return True
            case nodes.Name(name=name):
                return name in self._lasting or name in self._imports
            case nodes.Getattr(node=owner, attr=name):
                return name in self._lasting or self._lasts(owner)
            case nodes.Call(node=nodes.Name(name="_")):
                return True
        return False

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        self.generic_visit(node)
        if node.name == "trim" and not node.args and isinstance(node.node, nodes.MarkSafe):
            return spoken(_trimmed([node.node]))
        return node


def spoken(said: Iterable[nodes.Expr]) -> nodes.MarkSafe:
    """Values put out in a row, each escaped, as one value that is markup."""
    return nodes.MarkSafe(nodes.Concat([*said]))


def row_of(values: Iterable[nodes.Expr]) -> list[nodes.Expr]:
    """What is put out in a row, also where it is put together first."""
    row: list[nodes.Expr] = []
    for value in values:
        inner = value.expr if isinstance(value, nodes.MarkSafe) else value
        if isinstance(inner, nodes.Concat):
            row += row_of(inner.nodes)
        else:
            row.append(value)
    return row


def _trimmed(values: Sequence[nodes.Expr]) -> list[nodes.Expr]:
    """What is put out in a row without blanks around it; where only the page can tell, it is trimmed then."""
    row = [value for value in row_of(values) if not (isinstance(value, nodes.TemplateData) and not value.data)]
    while row and isinstance(row[0], nodes.TemplateData) and not row[0].data.strip():
        del row[0]
    while row and isinstance(row[-1], nodes.TemplateData) and not row[-1].data.strip():
        del row[-1]
    if len(row) == 1 and isinstance(row[0], nodes.CondExpr) and row[0].expr2 is not None:
        branches = (spoken(_trimmed([branch])) for branch in (row[0].expr1, row[0].expr2))
        return [nodes.CondExpr(row[0].test, *branches)]
    if row and isinstance(row[0], nodes.TemplateData):
        row[0] = nodes.TemplateData(row[0].data.lstrip())
    if row and isinstance(row[-1], nodes.TemplateData):
        row[-1] = nodes.TemplateData(row[-1].data.rstrip())
    if all(isinstance(value, nodes.TemplateData) for value in (*row[:1], *row[-1:])):
        return row
    if len(row) == 1 and isinstance(row[0], nodes.Filter) and row[0].name == "trim" and not row[0].args:
        return row
    return [nodes.Filter(spoken(row), "trim", [], [], None, None)]


def _is_plain(node: nodes.Expr) -> bool:
    """Whether it costs nothing to ask for this value twice."""
    match node:
        case nodes.Const() | nodes.Name() | nodes.ImportedName():
            return True
        case nodes.Getattr(node=owner):
            return _is_plain(owner)
    return False


def _set_in(*found: nodes.Node) -> set[str]:
    """The names that statements set anywhere in them."""
    return {name.name for node in found for name in node.find_all(nodes.Name) if name.ctx != "load"}


def _names(node: nodes.Node) -> Iterable[nodes.Name]:
    return (node,) if isinstance(node, nodes.Name) else node.find_all(nodes.Name)


class _Filling(NodeTransformer):
    """Puts other values for names into copies of values, and chooses where what is asked is known then."""

    def __init__(self, put: Put) -> None:
        self._put = put

    def visit(self, node: nodes.Node, *args: object, **options: object) -> nodes.Node:
        if isinstance(node, nodes.Name):
            return self._put(node)
        made: nodes.Node = self.generic_visit(_copied(node))
        if isinstance(made, nodes.CondExpr) and isinstance(made.test, nodes.Const):
            return made.expr1 if made.test.value else made.expr2 or nodes.TemplateData("")
        return made


def _copied(node: nodes.Node) -> nodes.Node:
    """The node with lists of its own."""
    made = copy.copy(node)
    for field, value in node.iter_fields():
        if isinstance(value, list):
            setattr(made, field, [*value])
    return made


def _filled(node: nodes.Expr, put: Put) -> nodes.Expr:
    made = _Filling(put).visit(node)
    assert isinstance(made, nodes.Expr)
    return made
