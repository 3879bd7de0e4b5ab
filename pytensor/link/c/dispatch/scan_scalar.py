"""Loops over numbers: one C loop with the step written out, states in registers."""

from pytensor.compile.ops import DeepCopyOp, ViewOp
from pytensor.graph.basic import Constant, Variable
from pytensor.link.c.dispatch.basic import CKernel, c_type, value_type
from pytensor.link.c.dispatch.scalar import flags_of, literal, scalar_code
from pytensor.link.c.dispatch.scan_body import SCAN, Body
from pytensor.scalar.basic import ScalarOp
from pytensor.tensor.basic import ScalarFromTensor, TensorFromScalar
from pytensor.tensor.elemwise import Elemwise

# Longer steps gain nothing from being written out.
_MOST_NODES = 64
# Work (about nanoseconds) after which a loop looks whether it is interrupted.
_PART = 5e7
_SAME = (DeepCopyOp, ViewOp, ScalarFromTensor, TensorFromScalar)


class _Step:
    """The statements of one step."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sources: dict = {}
        self.functions: dict[str, None] = {}
        self.names: dict[Variable, str] = {}
        self.cost = 1.0

    def name(self, var: Variable) -> str:
        if var not in self.names and isinstance(var, Constant):
            self.names[var] = literal(var.data, var.type.dtype)
        return self.names[var]

    def add(self, node, number: int) -> bool:
        """Append a node; return False if it has no C expression."""
        if isinstance(node.op, _SAME):
            self.names[node.outputs[0]] = self.name(node.inputs[0])
            return True
        op = node.op.scalar_op if isinstance(node.op, Elemwise) else node.op
        if not isinstance(op, ScalarOp):
            return False
        code = scalar_code(
            op,
            [v.type.dtype for v in node.inputs],
            [v.type.dtype for v in node.outputs],
            [self.name(v) for v in node.inputs],
            prefix=f"v{number}_",
        )
        if code is None:
            return False
        self.lines += code.lines
        self.sources.update(dict.fromkeys(code.sources))
        self.functions.update(dict.fromkeys(code.functions))
        self.cost += code.cost
        for i, (out, value) in enumerate(zip(node.outputs, code.results, strict=True)):
            name = f"n{number}_{i}"
            self.lines.append(f"const {value_type(out.type.dtype)} {name} = {value};")
            self.names[out] = name
        return True


def scalar_loop(op, node, graph) -> CKernel | None:
    """Return the kernel of a loop whose step computes numbers from numbers, else None."""
    variables = [*graph.inputs, *graph.outputs]
    if len(graph.apply_nodes) > _MOST_NODES or op.info.n_mit_mot:
        return None
    if any(getattr(v.type, "ndim", 0) or c_type(v.type.dtype) is None for v in variables):
        return None
    step = _Step()
    step.names.update((v, f"a{i}") for i, v in enumerate(graph.inputs))
    for number, inner in enumerate(graph.toposort()):
        if any(getattr(v.type, "ndim", 0) for v in (*inner.inputs, *inner.outputs)):
            return None
        if not step.add(inner, number):
            return None
    results = [step.name(v) for v in graph.outputs]
    body = _ScalarBody(op, node, len(graph.apply_nodes), step, results)
    return CKernel(
        body.text(),
        (SCAN, *step.sources),
        destroys={o: targets[0] for o, targets in op.destroy_map.items()},
        flags=flags_of(step.sources),
        functions=tuple(step.functions),
    )


class _ScalarBody(Body):
    """The text of such a kernel."""

    def __init__(self, op, node, n_nodes: int, step: _Step, results: list[str]) -> None:
        super().__init__(op, node, n_nodes)
        self.step, self.results = step, results
        self.types = [c_type(v.type.dtype) for v in op.inner_inputs]
        self.out_types = [c_type(v.type.dtype) for v in op.inner_outputs]
        sit = self.info.inner_in["sit_sot"]
        self.in_registers = set(range(sit.start, sit.stop))

    def bind(self) -> None:
        """Read what doesn't change, and initial values that stay in registers."""
        for write in self.writes:
            if write.is_new:
                self.add("if (n > 0) {")
                self.add(f"z{write.outer}->shape[0] = {write.length};", 2)
                self.allocate(write.outer, 1, write.itemsize, 2)
                self.add("}")
        inner, outer = self.info.inner_in, self.info.outer_in
        for group, const in (("non_seqs", "const "), ("untraced", "")):
            for k, at in enumerate(range(inner[group].start, inner[group].stop)):
                type_ = self.types[at]
                source = f"x{outer[group].start + k}->data"
                self.add(f"{const}{type_} a{at} = *(const {type_} *){source};\n(void)a{at};")
        for read in self.reads:
            if read.inner in self.in_registers:
                type_ = self.types[read.inner]
                self.add(f"{type_} a{read.inner} = *(const {type_} *){read.stack}->data;")

    def loop(self) -> None:
        """Write the step out."""
        circular = [r for r in self.reads if r.stack[0] == "z" and r.inner not in self.in_registers]
        for read in circular:
            self.add(f"int64_t r{read.inner} = {read.offset} % {read.stack}->shape[0];")
        for write in self.writes:
            start = "0" if write.is_new else f"{write.offset} % {write.length}"
            self.add(f"int64_t w{write.inner} = {start};")
        if self.info.as_while:
            self.add("int over = 0;")
        # In parts, so that an interrupt ends it.
        self.add(f"while (done < n{' && !over' if self.info.as_while else ''}) {{")
        part = f"{max(1, int(_PART / self.step.cost))}"
        self.add(f"const int64_t until = n - done > {part} ? done + {part} : n;")
        self.add(f"pt_heavy(ctx, {self.step.cost:g} * (double)(until - done));")
        self.add("while (done < until) {")
        for read in self.reads:
            if read.inner not in self.in_registers:
                at = f"r{read.inner}" if read.stack[0] == "z" else "done"
                type_ = self.types[read.inner]
                place = f"pt_scan_at({read.stack}, {at})"
                self.add(f"const {type_} a{read.inner} = *(const {type_} *){place};", 2)
                self.add(f"(void)a{read.inner};", 2)
        for line in self.step.lines:
            self.add(line, 2)
        for k, (type_, value) in enumerate(zip(self.out_types, self.results, strict=True)):
            self.add(f"const {type_} o{k} = {value};", 2)
        self._store_all(circular)
        self.add("done++;", 2)
        if self.info.as_while:
            self.add(f"if (o{len(self.results) - 1} != 0) {{\n    over = 1;\n    break;\n}}", 2)
        self.add("}")
        self.add("if (done < n && pt_pause(ctx))\n    return PT_PYTHON;")
        self.add("}")
        self._store_untraced_last()

    def _store_all(self, circular) -> None:
        for write in self.writes:
            type_ = self.out_types[write.inner]
            place = f"pt_scan_at(z{write.outer}, w{write.inner})"
            self.add(f"*({type_} *){place} = o{write.inner};", 2)
            at = f"w{write.inner}"
            self.add(f"{at} = pt_scan_next({at}, z{write.outer}->shape[0]);", 2)
        for read in circular:
            at = f"r{read.inner}"
            self.add(f"{at} = pt_scan_next({at}, {read.stack}->shape[0]);", 2)
        for group in ("sit_sot", "untraced"):
            first_in, span = self.info.inner_in[group].start, self.info.inner_out[group]
            for k, out in enumerate(range(span.start, span.stop)):
                self.add(f"a{first_in + k} = o{out};", 2)

    def _store_untraced_last(self) -> None:
        first_in = self.info.inner_in["untraced"].start
        first_out = self.info.outer_out["untraced"].start
        for k in range(self.info.n_untraced_sit_sot):
            type_ = self.types[first_in + k]
            size = self.op.inner_inputs[first_in + k].type.numpy_dtype.itemsize
            self.allocate(first_out + k, 0, size, 1)
            self.add(f"*({type_} *)z{first_out + k}->data = a{first_in + k};")
