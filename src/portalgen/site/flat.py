"""A template with what it extends put around it: one tree without blocks, which compiles to one function."""

from __future__ import annotations

from collections.abc import Callable, Set

from jinja2 import TemplateAssertionError, nodes
from jinja2.visitor import NodeTransformer

ALONE = "_alone_"
"""How the names of macros begin that were blocks: they read nothing but their arguments."""
Tree = Callable[[str], nodes.Template]
"""The tree of a template by its name."""

_SETS = (nodes.Assign, nodes.AssignBlock, nodes.Import, nodes.FromImport, nodes.Macro)
_BEFORE = (nodes.Import, nodes.FromImport, nodes.Assign, nodes.Macro)


def flattened(tree: nodes.Template, tree_of: Tree, lasting: Set[str], constants: Set[str]) -> nodes.Template:
    """The tree, in which every block stands where the first template has it, as the last one has it.

    A block that names nothing but what is `lasting`, `constants` and imported templates becomes a macro of what is
    lasting, so that it may be remembered. The tree may be changed. Raises `TemplateAssertionError` where templates do
    more than the theme's do.
    """
    blocks: dict[str, nodes.Block] = {}
    before: list[nodes.Node] = []
    while True:
        for block in tree.find_all(nodes.Block):
            blocks.setdefault(block.name, block)
        if not tree.body or not isinstance(tree.body[0], nodes.Extends):
            break
        parent = tree.body[0].template
        for node in tree.body[1:]:
            if isinstance(node, _BEFORE):
                before.append(node)
            elif not isinstance(node, (nodes.Block, nodes.Output)):
                raise _beyond(node)
        if not isinstance(parent, nodes.Const):
            raise _beyond(parent)
        tree = tree_of(parent.value)
    tree.body[:0] = before
    imported = {node.target for node in tree.body if isinstance(node, nodes.Import)}
    placing = _Placing(blocks, lasting, imported | constants)
    placed: nodes.Template = placing.visit(tree)
    placed.body[:0] = placing.macros
    found = placed.find_all((nodes.Scope, nodes.If, nodes.For, nodes.Macro, nodes.AssignBlock))
    for node in (*reversed([*found]), placed):  # what is inside of another first
        for field in ("body", "else_"):
            if (body := getattr(node, field, None)) is not None:
                setattr(node, field, _joined(body))
    return placed


def _joined(body: list[nodes.Node]) -> list[nodes.Node]:
    """The statements without scopes that keep nothing apart, and what is put out in a row as one statement."""
    joined: list[nodes.Node] = []
    for node in body:
        inner = _joined(node.body) if isinstance(node, nodes.Scope) and not any(map(node.find, _SETS)) else [node]
        for part in inner:
            part = _chosen(part) if isinstance(part, nodes.If) else part
            if isinstance(part, nodes.Output) and joined and isinstance(joined[-1], nodes.Output):
                joined[-1] = nodes.Output([*joined[-1].nodes, *part.nodes], lineno=joined[-1].lineno)
            else:
                joined.append(part)
    return joined


def _chosen(node: nodes.If) -> nodes.If | nodes.Output:
    """The statement as one that puts out a choice, where all it does is to put something out."""
    said = _all_of(node.else_)
    for branch in (*reversed(node.elif_), node):
        text = _all_of(branch.body)
        if text is None or said is None:
            return node
        said = nodes.CondExpr(branch.test, text, said)
    return nodes.Output([said], lineno=node.lineno)


def _all_of(body: list[nodes.Node]) -> nodes.Expr | None:
    """What statements put out, as one value; None where they do anything else."""
    values: list[nodes.Expr] = []
    for node in body:
        if not isinstance(node, nodes.Output):
            return None
        values += node.nodes
    return values[0] if len(values) == 1 else nodes.Concat(values) if values else nodes.TemplateData("")


class _Placing(NodeTransformer):
    """Puts each block's body where the block stands, and where `self.name()` asks for it."""

    def __init__(self, blocks: dict[str, nodes.Block], lasting: Set[str], known: Set[str]) -> None:
        self._blocks, self._lasting, self._known = blocks, lasting, known
        self.macros: list[nodes.Node] = []

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        block = self._blocks[node.name]
        if block.scoped or block.required:
            raise _beyond(block)
        scope: nodes.Node = self.generic_visit(nodes.Scope(list(block.body), lineno=block.lineno))
        names = reads(scope) - self._known
        if not names or names - self._lasting:
            return scope
        args = [nodes.Name(name, "param") for name in sorted(names)]
        self.macros.append(nodes.Macro(ALONE + block.name, args, [], [scope], lineno=block.lineno))
        given: list[nodes.Expr] = [nodes.Name(name.name, "load") for name in args]
        call = nodes.Call(nodes.Name(ALONE + block.name, "load"), given, [], None, None)
        return nodes.Output([call], lineno=block.lineno)

    def visit_Output(self, node: nodes.Output) -> nodes.Node | list[nodes.Node]:
        parts: list[nodes.Node] = []
        for child in node.nodes:
            if (block := self._asked(child)) is not None:
                parts.append(self.visit_Block(block))
            elif parts and isinstance(parts[-1], nodes.Output):
                parts[-1].nodes.append(child)
            else:
                parts.append(nodes.Output([child], lineno=node.lineno))
        return parts

    def _asked(self, node: nodes.Node) -> nodes.Block | None:
        """The block that `{{ self.name() }}` means."""
        if not isinstance(node, nodes.Call) or not isinstance(node.node, nodes.Getattr):
            return None
        owner = node.node.node
        return self._blocks.get(node.node.attr) if isinstance(owner, nodes.Name) and owner.name == "self" else None


def _beyond(node: nodes.Node) -> TemplateAssertionError:
    return TemplateAssertionError(f"{type(node).__name__} is not for this compiler", node.lineno)


def macros_of(tree: nodes.Template) -> dict[str, nodes.Macro]:
    """The macros that a template defines at its top, each once and under a name of its own."""
    found = [node for node in tree.body if isinstance(node, nodes.Macro)]
    names = [name for node in tree.body for name in stored(node)]
    return {macro.name: macro for macro in found if names.count(macro.name) == 1}


def imports_of(tree: nodes.Template) -> dict[str, str]:
    """The templates that a template imports, by the names that stand for them and for nothing else."""
    names = [name for node in tree.body for name in stored(node)]
    imports = [node for node in tree.body if isinstance(node, nodes.Import)]
    found: dict[str, str] = {}
    for node in imports:
        same = [one for one in imports if one.target == node.target and one.template == node.template]
        if isinstance(node.template, nodes.Const) and len(same) == names.count(node.target):
            found[node.target] = node.template.value
    return found


def reads(node: nodes.Node) -> set[str]:
    """The names that a statement reads and does not set itself."""
    names = list(node.find_all(nodes.Name))
    return {name.name for name in names if name.ctx == "load"} - {name.name for name in names if name.ctx != "load"}


def stored(node: nodes.Node) -> list[str]:
    """The names that a statement of a template sets for those after it."""
    if isinstance(node, (nodes.Macro, nodes.Scope)):
        return [node.name] if isinstance(node, nodes.Macro) else []
    if isinstance(node, nodes.Import):
        return [node.target]
    if isinstance(node, nodes.FromImport):
        return [name[1] if isinstance(name, tuple) else name for name in node.names]
    return [name.name for name in node.find_all(nodes.Name) if name.ctx != "load"]
