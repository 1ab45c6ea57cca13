"""The part of the theme's compiler that knows: which names are constants, macros and other templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Set
from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef, find_undeclared
from jinja2.idtracking import VAR_LOAD_RESOLVE, FrameSymbolVisitor
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, exported

from portalgen.site.flat import flattened, imports_of, macros_of, reads, stored
from portalgen.site.putout import Amounts, numbers, remembered
from portalgen.site.spliced import Splicer

TEXTS: Mapping[str, Callable[[Callable[[Any], str]], Callable[[Any], str]]] = {
    "money": Amounts, "minus": Amounts, "number": numbers, "percent": numbers, "day": remembered, "date": remembered,
    "shortdate": remembered,
}  # fmt: skip
"""Filters of one value that give the same plain text for equal values, and what remembers it."""
_NOT_HERE = ("self", "super", "caller", "varargs", "kwargs")


class LeanContext(Context):
    """A context without what only Jinja's own code asks for."""

    def __init__(
        self,
        environment: Environment,
        parent: dict[str, Any],
        name: str | None,
        blocks: dict[str, Callable[[Context], Iterator[str]]],
        globals: MutableMapping[str, Any] | None = None,
    ) -> None:
        self.parent, self.vars, self.exported_vars = parent, {}, set()
        self.environment, self.name, self.blocks = environment, name, {}
        self.globals_keys = set()
        self.eval_ctx = environment.eval_ctx if isinstance(environment, ClosedEnvironment) else EvalContext(environment)


class ClosedEnvironment(Environment):
    """Jinja for the built-in theme. `constants` are globals that no page sets, `written` filters with memory."""

    context_class = LeanContext
    lasting = frozenset({"practice"})
    """Names of what is the same object on many pages and never changes."""
    recurring = frozenset({"seller", "buyer", "terms"})
    """Attributes whose values recur as such objects."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.eval_ctx = EvalContext(self)
        self.constants: Mapping[str, object] = {}
        self.written: Mapping[str, Callable[[Any], str]] = {}
        self._macros: dict[str, dict[str, nodes.Macro]] = {}
        self._splicers: dict[str, Splicer] = {}
        self._roots: dict[str, Callable[[Context], Iterable[str]]] = {}

    def rendered(self, name: str, values: dict[str, Any]) -> str:
        """As a template's `render()`: `values` are the page's and the globals."""
        root = self._roots.get(name)
        if root is None:
            root = self._roots[name] = self.get_template(name).root_render_func
        return "".join(root(LeanContext(self, values, name, {})))

    def settle(self, constants: Mapping[str, object]) -> None:
        """Takes over the globals that are the same on all pages, and the filters as they are now."""
        self.globals.update(constants)
        self.constants = constants
        self.written = {name: kept(self.filters[name]) for name, kept in TEXTS.items()}

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return super()._generate(self._splicer(source, name).spliced(), name, filename, defer_init)

    def _splicer(self, source: nodes.Template, name: str | None) -> Splicer:
        constants = {"_", *self.constants}
        tree = flattened(source, self._parsed, self.lasting, constants)
        return Splicer(tree, name, self._spliced, constants, self.lasting | self.recurring)

    def _spliced(self, name: str) -> Splicer:
        """What puts macros of a template in place in others."""
        if name not in self._splicers:
            self._splicers[name] = self._splicer(self._parsed(name), name)
        return self._splicers[name]

    def _parsed(self, name: str) -> nodes.Template:
        if self.loader is None:
            raise TypeError("no loader for this environment specified")
        return self._parse(self.loader.get_source(self, name)[0], name, None)

    def macros(self, name: str) -> dict[str, nodes.Macro]:
        """The macros of a template."""
        if name not in self._macros:
            self._macros[name] = macros_of(self._parsed(name))
        return self._macros[name]


class Known(CodeGenerator):
    """Writes the Python of one flattened template, but for its expressions and what it puts out."""

    environment: ClosedEnvironment
    whole: nodes.Node | None = None
    """The one statement of the macro that is being written, where it has no other."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept: dict[str, str] = {}
        self._imports: dict[str, str] = {}
        self._macros: dict[str, nodes.Macro] = {}
        self._names: Set[str] = frozenset()
        self._lasting: Set[str] = frozenset()
        self.loops: dict[str, dict[str, str]] = {}
        """Python for what a loop tells, by the loop's name and what is asked."""
        self.alone: list[nodes.Macro] = []
        """The macros that read nothing but their arguments and what is the same on all pages."""

    # --- the template ----------------------------------------------------------------------------------------------

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        for kind in (nodes.Block, nodes.Extends, nodes.Include, nodes.CallBlock, nodes.ScopedEvalContextModifier):
            if found := node.find(kind):
                self.fail(f"{kind.__name__} is not for this compiler", found.lineno)
        if used := find_undeclared(node.body, _NOT_HERE):
            self.fail(f"'{min(used)}' is not for this compiler", node.lineno)
        self._study(node)
        frame = Frame(EvalContext(self.environment, self.name))
        frame.symbols.analyze_node(node)
        frame.toplevel = frame.rootlevel = True
        self.writeline("from jinja2.runtime import " + ", ".join(sorted(exported)))
        self.writeline(
            "from portalgen.site.putout import LoopContext, Once, Said, defined, escaped, listed, marked, shown"
        )
        self.writeline(f"name = {self.name!r}")
        self.writeline("def root(context, missing=missing, environment=environment):", extra=1)
        self.indent()
        for line in ("given = context.parent.get", "undefined = environment.undefined"):
            self.writeline(line)
        self.writeline("concat = environment.concat")
        self.writeline("cond_expr_undefined = Undefined")
        self.buffer(frame)
        self.enter_frame(frame)
        self.blockvisit(node.body, frame)
        self.writeline(f"return {frame.buffer}")
        self.outdent()
        for value, name in self._kept.items():
            self.writeline(f"{name} = {value}")
        self.writeline("blocks = {}", extra=1)
        self.writeline(f"debug_info = {'&'.join(f'{k}={v}' for k, v in self.debug_info)!r}")

    def _study(self, node: nodes.Template) -> None:
        """Which names stand for imported templates and for macros wherever they are not set again."""
        names = [name for child in node.body for name in stored(child)]
        self._imports = {f"l_0_{target}": template for target, template in imports_of(node).items()}
        self._macros = {f"l_0_{name}": macro for name, macro in macros_of(node).items()}
        everywhere = {name.name for name in node.find_all(nodes.Name) if name.ctx != "load"}
        self._lasting = self.environment.lasting - set(names)
        self._names = {"_", *self.environment.constants} - everywhere - set(names)
        known = {*self._names, *(name.removeprefix("l_0_") for name in (*self._imports, *self._macros)), "loop"}
        self.alone = [macro for macro in self._macros.values() if reads(macro) <= known]

    def keep(self, value: str) -> str:
        """The name of a value that is computed once, when the template is loaded."""
        if value not in self._kept:
            self._kept[value] = f"k_{len(self._kept)}"
        return self._kept[value]

    def enter_frame(self, frame: Frame) -> None:
        loads = frame.symbols.loads
        for target, (action, name) in list(loads.items()):
            if action == VAR_LOAD_RESOLVE:
                del loads[target]  # what no template here sets stands in what the page was given, or nowhere
                if name not in self._names:
                    self.writeline(f"{target} = given({name!r}, missing)")
        super().enter_frame(frame)

    def pop_assign_tracking(self, frame: Frame) -> None:
        if frame.toplevel and not frame.loop_frame:
            super().pop_assign_tracking(frame)
        else:
            self._assign_stack.pop()  # nothing here asks for a context with the names of a loop

    def visit_Import(self, node: nodes.Import, frame: Frame) -> None:
        ref = frame.symbols.ref(node.target)
        if node.with_context or not frame.rootlevel:
            self.fail("such an import is not for this compiler", node.lineno)
        if (name := self._imports.get(ref)) is None:
            super().visit_Import(node, frame)
        else:
            self.writeline(f"{ref} = context.vars[{node.target!r}] = {self._module(name)}", node)

    def _module(self, name: str) -> str:
        return self.keep(f"environment.get_template({name!r})._get_default_module()")

    def visit_Macro(self, node: nodes.Macro, frame: Frame) -> None:
        if not frame.rootlevel:
            self.fail("a macro inside of something is not for this compiler", node.lineno)
        self.macro_body(node, frame)
        ref = frame.symbols.ref(node.name)
        if ref in self._macros:
            self.writeline(f"raw_{node.name} = macro")
        self.writeline(f"{ref} = context.vars[{node.name!r}] = Said(macro, {len(node.args)})")
        if not node.name.startswith("_"):
            self.writeline(f"context.exported_vars.add({node.name!r})")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        """A loop of Python's own. One that tells of itself counts its values, which it has to know before."""
        tells = "loop" in find_undeclared(node.body, ("loop",))
        if node.recursive or (tells and node.test):
            super().visit_For(node, frame)
            return
        inner, other = frame.inner(), frame.inner()
        inner.loop_frame = True
        loop = inner.symbols.declare_parameter("loop") if tells else ""
        inner.symbols.analyze_node(node, for_branch="body")
        if node.test is not None:
            FrameSymbolVisitor(inner.symbols).visit(node.test)
        empty = self.temporary_identifier() if node.else_ else ""
        if empty:
            other.symbols.analyze_node(node, for_branch="else")
            self.writeline(f"{empty} = True")
        values = self.temporary_identifier()
        if tells:
            self.loops[loop] = {"index": loop, "first": f"({loop} == 1)", "last": f"({loop} == len({values}))"}
            self.writeline(f"{values} = listed(")
            self.visit(node.iter, frame)
            self.write(")")
        self.writeline(f"for {loop}, " if tells else "for ", node)
        self.visit(node.target, inner)
        self.write(f" in enumerate({values}, 1" if tells else " in (")
        if not tells:
            self.visit(node.iter, frame)
        self.write("):")
        self.indent()
        self.enter_frame(inner)
        if node.test is not None:
            self.writeline("if not ")
            self.visit(node.test, inner)
            self.write(": continue")
        if empty:
            self.writeline(f"{empty} = False")
        self.blockvisit(node.body, inner)
        self.outdent()
        self.loops.pop(loop, None)
        if empty:
            self.writeline(f"if {empty}:")
            self.indent()
            self.enter_frame(other)
            self.blockvisit(node.else_, other)
            self.outdent()

    def buffer(self, frame: Frame) -> None:
        frame.buffer = self.temporary_identifier()
        if self.whole is None:
            self.writeline(f"{frame.buffer} = []")

    def return_buffer_contents(self, frame: Frame, force_unescaped: bool = False) -> None:
        if self.whole is None:
            super().return_buffer_contents(frame, force_unescaped=force_unescaped)

    def macro_body(self, node: nodes.Macro | nodes.CallBlock, frame: Frame) -> tuple[Frame, MacroRef]:
        self.whole = node.body[0] if len(node.body) == 1 and isinstance(node.body[0], nodes.Output) else None
        made, ref = super().macro_body(node, frame)
        self.whole = None
        if ref.accesses_caller or ref.accesses_kwargs or ref.accesses_varargs:
            self.fail("such a macro is not for this compiler", node.lineno)
        return made, ref

    # --- what is known when a template is loaded -------------------------------------------------------------------

    def fixed(self, node: nodes.Node, frame: Frame) -> str:
        """Python for a value that is the same whenever this language's template is rendered; empty for any other."""
        match node:
            case nodes.Const():
                return repr(node.value)
            case nodes.Name(name=name, ctx="load"):
                if name in self._names:
                    return f"environment.globals[{name!r}]"
            case nodes.Filter(name="trans_line", node=nodes.Const(value=message)):
                context = next((f", _context={word.value.as_const()!r}" for word in node.kwargs), "")
                return f"environment.filters['trans_line'](None, {message!r}{context})"
            case nodes.Call(node=nodes.Name(name="_"), args=[nodes.Const(value=message)], kwargs=[]) if (
                "_" in self._names
            ):
                return f"environment.filters['trans_line'](None, {message!r})"
            case nodes.Getattr(node=whole, attr=name):
                owner = self.template_of(whole, frame)
                if known := self._module(owner) if owner else self.fixed(whole, frame):
                    return f"environment.getattr({known}, {name!r})"
            case nodes.Getitem(node=whole, arg=nodes.Const(value=key)):
                if known := self.fixed(whole, frame):
                    return f"environment.getitem({known}, {key!r})"
        return ""

    def template_of(self, node: nodes.Node, frame: Frame) -> str:
        """The name of the template that an imported name stands for."""
        if isinstance(node, nodes.ImportedName):
            return str(node.importname)
        if not isinstance(node, nodes.Name):
            return ""
        return self._imports.get(frame.symbols.find_ref(node.name) or "", "")

    def macro(self, node: nodes.Node, frame: Frame) -> tuple[str, nodes.Macro] | None:
        """What a call calls: Python for the macro's own function, and the macro."""
        if not isinstance(node, nodes.Call):
            return None
        called = node.node
        if isinstance(called, nodes.Name) and (found := self._macros.get(frame.symbols.find_ref(called.name) or "")):
            return f"raw_{called.name}", found
        if isinstance(called, nodes.Getattr) and (owner := self.template_of(called.node, frame)):
            macro = self.environment.macros(owner).get(called.attr)
            if macro is not None:
                return self.keep(f"{self._module(owner)}.{called.attr}.raw"), macro
        return None

    def lasts(self, node: nodes.Node, frame: Frame) -> bool:
        """Whether a value is the same object on many pages."""
        match node:
            case nodes.Name(name=name) if name in self._lasting:
                return frame.symbols.find_ref(name) == f"l_0_{name}"
            case nodes.Getattr(node=owner, attr=name):
                return name in self.environment.recurring or self.lasts(owner, frame)
        return bool(self.fixed(node, frame))
