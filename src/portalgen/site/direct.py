"""Compiles the built-in theme to plain Python: the same pages as Jinja's own code makes, in a fraction of the time.

What this adds to Jinja's compiler rests on the theme being closed: no template of a site takes part (those run in the
sandbox, compiled by Jinja alone), every name of a global means the same on all pages, and macros are known by name.

* A page is one function, its templates flattened; what differs by language alone is computed when a template is loaded.
* `a.b`, `a[b]` and calls are Python's own. Where Jinja would do more than Python (an item in place of an attribute,
  a name that is missing), Python raises; then `Theme.render` has Jinja's own code make the page, or say what is wrong.
* What a macro says of the practice alone, or a block such as the footer, is said once for all pages; what it says of
  a seller, a buyer or payment terms, once while these are the same.
* A loop tells its index, whether it is the first and whether it is the last; a choice between texts is an expression.
* What is put out is escaped as Jinja escapes it, by type at run time, without a `Markup` for every piece.
* What the theme does not use is no part of this: it does not compile, and Jinja's own code takes over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from keyword import iskeyword

from jinja2 import nodes
from jinja2.compiler import Frame
from jinja2.utils import _PassArg

from portalgen.site.known import TEXTS, ClosedEnvironment, Known
from portalgen.site.putout import Amounts
from portalgen.site.spliced import row_of

SAFE = frozenset({"tongue"})
"""Filters that give markup."""
SPOKEN = frozenset({"trans_filled", "trans_count"})
"""Filters that `{% trans %}` becomes where it has variables."""


class _Text(str):
    """A text of a template, among Python for texts."""

    __slots__ = ()


_Piece = str | nodes.Expr


class Direct(Known):
    """Writes the Python of one flattened template."""

    _asked: nodes.Expr | None = None

    # --- what is put out -------------------------------------------------------------------------------------------

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        if node is self.whole:
            self.writeline("return ", node)
            self._write_joined(node.nodes, frame)
            return
        pieces = self._pieces(node.nodes, frame)
        self.writeline(f"{frame.buffer}.append(" if len(pieces) == 1 else f"{frame.buffer}.extend((", node)
        self._write_pieces(pieces, frame)
        self.write(")" if len(pieces) == 1 else "))")

    def _pieces(self, values: Sequence[nodes.Expr], frame: Frame) -> list[_Piece]:
        """What is put out in a row: texts, Python for those that are known when the template is loaded, and others."""
        pieces: list[_Piece] = []
        pairs = [(value, self._known_text(value, frame)) for value in row_of(values)]
        for known, row in groupby(pairs, lambda pair: bool(pair[1])):
            if not known:
                pieces += [value for value, _ in row]
                continue
            texts = [text for _, text in row]
            if all(isinstance(text, _Text) for text in texts):
                pieces.append(_Text("".join(texts)))
            else:
                parts = (repr(str(text)) if isinstance(text, _Text) else text for text in texts)
                pieces.append(self.keep(f"''.join(({', '.join(parts)},))"))
        return pieces

    def _write_joined(self, values: Sequence[nodes.Expr], frame: Frame) -> None:
        """Python for the text of values that are put out in a row.

        Python makes of `%` with a known pattern what it makes of a literal with values in it.
        """
        pieces = self._pieces(values, frame)
        if len(pieces) > 1:
            pattern = "".join(piece.replace("%", "%%") if isinstance(piece, _Text) else "%s" for piece in pieces)
            self.write(f"({pattern!r} % (")
            self._write_pieces([piece for piece in pieces if not isinstance(piece, _Text)], frame)
            self.write("))")
        elif pieces:
            self._write_piece(pieces[0], frame)
        else:
            self.write("''")

    def _known_text(self, node: nodes.Expr, frame: Frame) -> str:
        if isinstance(node, nodes.TemplateData):
            return _Text(node.data)
        if isinstance(node, nodes.Filter) and node.name == "trim" and isinstance(node.node, nodes.MarkSafe):
            row = self._pieces([node.node], frame)
            known = len(row) == 1 and isinstance(row[0], str) and not isinstance(row[0], _Text)
            return self.keep(f"{row[0]}.strip()") if known else ""
        return f"shown({fixed})" if (fixed := self.fixed(node, frame)) else ""

    def _write_pieces(self, pieces: Iterable[_Piece], frame: Frame) -> None:
        for piece in pieces:
            self._write_piece(piece, frame)
            self.write(", ")

    def _write_piece(self, piece: _Piece, frame: Frame) -> None:
        if isinstance(piece, nodes.Expr):
            self._write_shown(piece, frame)
        else:
            self.write(repr(str(piece)) if isinstance(piece, _Text) else piece)

    def _write_shown(self, node: nodes.Expr, frame: Frame) -> None:
        """Python for the escaped text of a value."""
        if isinstance(node, nodes.TemplateData):
            self.write(repr(node.data))
        elif fixed := self.fixed(node, frame):
            self.write(self.keep(f"shown({fixed})"))
        elif isinstance(node, (nodes.Concat, nodes.MarkSafe)):
            self._write_joined([node], frame)
        elif isinstance(node, nodes.CondExpr) and node.expr2 is not None:
            self._write_choice(node, frame)
        elif self._is_spoken(node, frame):
            self._write_spoken(node, frame)
        elif isinstance(node, nodes.Filter) and node.name in self.environment.written and node.node is not None:
            self._write_written(node.name, node.node, frame)
        elif isinstance(node, nodes.Name):
            self._no_loop(node, frame)
            name = frame.symbols.ref(node.name)
            self.write(f"(escaped({name}) if type({name}) is str else shown({name}))")
        elif isinstance(node, nodes.Filter) and node.name in SAFE:
            self.visit(node, frame)
        elif isinstance(node, nodes.Filter) and node.name == "join" and len(node.args) == 1 and node.node is not None:
            self.write("str.join(")
            self._write_shown(node.args[0], frame)
            self.write(", map(shown, ")
            self.visit(node.node, frame)
            self.write("))")
        else:
            value = self.temporary_identifier()
            self.write(f"(escaped({value}) if type({value} := ")
            self.visit(node, frame)
            self.write(f") is str else shown({value}))")

    def _write_written(self, name: str, node: nodes.Expr, frame: Frame) -> None:
        """Python for what a filter with memory writes; an amount of money that it knows is found without a call."""
        written = self.keep(f"environment.written[{name!r}]")
        if TEXTS[name] is not Amounts:
            self.write(f"{written}(")
            self.visit(node, frame)
            self.write(")")
            return
        amount = self.temporary_identifier()
        self.write(f"({self.keep(f'{written}.texts')}[({amount} := ")
        self.visit(node, frame)
        self.write(f").currency].get(str({amount}.amount)) or {written}({amount}))")

    def _write_choice(self, node: nodes.CondExpr, frame: Frame) -> None:
        assert node.expr2 is not None
        self.write("(")
        self._write_shown(node.expr1, frame)
        self.write(" if ")
        self.visit(node.test, frame)
        self.write(" else ")
        self._write_shown(node.expr2, frame)
        self.write(")")

    def _is_spoken(self, node: nodes.Node, frame: Frame) -> bool:
        """Whether this is a macro's text or a message with variables, trimmed or not: its text is escaped already."""
        if isinstance(node, nodes.Filter) and node.name == "trim" and not node.args and node.node is not None:
            node = node.node
        return (
            isinstance(node, nodes.MarkSafe)
            or (isinstance(node, nodes.Filter) and node.name in SPOKEN)
            or self.macro(node, frame) is not None
        )

    def _write_spoken(self, node: nodes.Expr, frame: Frame) -> None:
        """Python for the text of what `_is_spoken`."""
        if isinstance(node, nodes.Filter) and node.name == "trim" and node.node is not None:
            self._write_spoken(node.node, frame)
            self.write(".strip()")
        elif isinstance(node, nodes.Filter):
            self._write_message(node, frame)
        elif isinstance(node, nodes.MarkSafe):
            self._write_joined([node], frame)
        elif found := self.macro(node, frame):
            self._write_macro(node, *found, frame)

    def _write_macro(self, node: nodes.Expr, raw: str, macro: nodes.Macro, frame: Frame) -> None:
        assert isinstance(node, nodes.Call)
        if node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) > len(macro.args):
            self.fail(f"the arguments of '{macro.name}' are not for this compiler", node.lineno)
        alone = raw.startswith("k_") or macro in self.alone
        if alone and node.args and all(self.lasts(arg, frame) for arg in node.args):
            self.write(self.keep(f"Once({raw!r})") + f"({raw}, ")
        else:
            self.write(f"{raw}(")
        for arg in node.args:
            self.visit(arg, frame)
            self.write(", ")
        self.write("missing, " * (len(macro.args) - len(node.args)) + ")")

    def _write_message(self, node: nodes.Filter, frame: Frame) -> None:
        """A message and its variables, without those that it does not name."""
        assert node.node is not None
        message = node.node.as_const()
        context = next((word.value.as_const() for word in node.kwargs if word.key == "_context"), "")
        values = {str(word.key): word.value for word in node.kwargs if word.key != "_context"}
        if node.name == "trans_count":
            plural, number = node.args[0].as_const(), node.args[1]
            values.setdefault("num", number)
            named = {name: value for name, value in values.items() if f"%({name})s" in message + plural}
            asked = f"environment.filters['trans_counting']({message!r}, {plural!r}, {context!r}, {(*named,)!r})"
            self.write(self.keep(asked) + "(")
            self.visit(number, frame)
            self.write(", ")
        else:
            named = {name: value for name, value in values.items() if f"%({name})s" in message}
            self.write(
                self.keep(f"environment.filters['trans_filling']({message!r}, {context!r}, {(*named,)!r})") + "("
            )
        for value in named.values():
            self._write_shown(value, frame)
            self.write(", ")
        self.write(")")

    # --- values ----------------------------------------------------------------------------------------------------

    def _wrote(self, node: nodes.Expr, frame: Frame) -> bool:
        """Writes the value if it is known when the template is loaded, or is markup that is spoken."""
        if fixed := self.fixed(node, frame):
            self.write(self.keep(fixed))
        elif self._is_spoken(node, frame):
            self.write("marked(")
            self._write_spoken(node, frame)
            self.write(")")
        else:
            return False
        return True

    def visit_MarkSafe(self, node: nodes.MarkSafe, frame: Frame) -> None:
        self._wrote(node, frame)

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        if not self._wrote(node, frame):
            self._no_loop(node, frame)
            super().visit_Name(node, frame)

    def _no_loop(self, node: nodes.Name, frame: Frame) -> None:
        if frame.symbols.find_ref(node.name) in self.loops:
            self.fail("a loop as a value is not for this compiler", node.lineno)

    def _write_owner(self, node: nodes.Expr, frame: Frame) -> None:
        """A value of which an attribute or item is read, or that is called: none of it goes with `missing`."""
        if isinstance(node, nodes.Name) and not self.fixed(node, frame):
            self._no_loop(node, frame)
            self.write(frame.symbols.ref(node.name))
        else:
            self.visit(node, frame)

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        if self._wrote(node, frame):
            return
        if isinstance(node.node, nodes.Name) and (loop := self.loops.get(frame.symbols.find_ref(node.node.name) or "")):
            if node.attr not in loop:
                self.fail(f"'loop.{node.attr}' is not for this compiler", node.lineno)
            self.write(loop[node.attr])
        elif node is self._asked or iskeyword(node.attr):
            super().visit_Getattr(node, frame)
        else:
            self._write_owner(node.node, frame)
            self.write(f".{node.attr}")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        if self._wrote(node, frame):
            return
        if node is self._asked or isinstance(node.arg, nodes.Slice):
            super().visit_Getitem(node, frame)
        else:
            self._write_owner(node.node, frame)
            self.write("[")
            self.visit(node.arg, frame)
            self.write("]")

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        if self._wrote(node, frame):
            return
        if node.dyn_args or node.dyn_kwargs or self._takes_context(node.node):
            super().visit_Call(node, frame, forward_caller=forward_caller)
        else:
            self._write_owner(node.node, frame)
            self.write("(")
            for arg in (*node.args, *node.kwargs):
                self.visit(arg, frame)
                self.write(", ")
            self.write(")")

    def _takes_context(self, node: nodes.Expr) -> bool:
        """Whether this is one of Jinja's functions that are called through a context."""
        known = self.environment.globals.get(node.name) if isinstance(node, nodes.Name) else None
        return callable(known) and _PassArg.from_obj(known) is not None

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        if self._wrote(node, frame):
            return
        if node.name == "list" and isinstance(node.node, nodes.Filter) and self._chooses(node.node):
            self._write_chosen(node.node, frame)
        else:
            self.filters[node.name] = self.keep(f"environment.filters[{node.name!r}]")
            self._asked = node.node if node.name in ("default", "d") else None
            super().visit_Filter(node, frame)

    @staticmethod
    def _chooses(node: nodes.Filter) -> bool:
        return node.name in ("selectattr", "rejectattr") and all(isinstance(arg, nodes.Const) for arg in node.args[:2])

    def _write_chosen(self, node: nodes.Filter, frame: Frame) -> None:
        """A list of the values of which an attribute passes a test, or is true."""
        assert node.node is not None
        path, *test = (arg for arg in node.args)
        value = self.temporary_identifier()
        self.write(f"[{value} for {value} in ")
        self.visit(node.node, frame)
        self.write(" if not " if node.name == "rejectattr" else " if ")
        if test:
            self.write(self.keep(f"environment.tests[{test[0].as_const()!r}]") + "(")
        self.write(f"{value}.{path.as_const()}")
        for arg in test[1:]:
            self.write(", ")
            self.visit(arg, frame)
        self.write(")]" if test else "]")

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:
        if (
            node.name in ("defined", "undefined")
            and isinstance(node.node, nodes.Getattr)
            and not self.fixed(node.node, frame)
        ):
            self.write("(not " if node.name == "undefined" else "(")
            self.write("defined(")
            self._write_owner(node.node.node, frame)
            self.write(f", {node.node.attr!r}, environment))")
            return
        self.tests[node.name] = self.keep(f"environment.tests[{node.name!r}]")
        self._asked = node.node if node.name in ("defined", "undefined") else None
        super().visit_Test(node, frame)


class DirectEnvironment(ClosedEnvironment):
    """Jinja for the built-in theme, compiled by `Direct`."""

    code_generator_class = Direct
