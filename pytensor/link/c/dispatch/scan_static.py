"""Loops over small arrays: one C loop with the step written out for the shapes it works on.

The step is a block of code without calls: numbers are in registers, small arrays on the stack, and
nothing is allocated (`static_ops` writes the operations). That is how one writes a Kalman filter in
C, and it needs shapes: users rarely declare them, so they are read off the first call. The general
loop (c_code/loop.h) notes the shapes of sequences, states and constants. When `tiers` finds that the
loop is worth compiling, its step is written for these shapes, and the kernel of the loop is exchanged.
Calls with other shapes go through the general loop as before, which the kernel calls itself; it also
goes on there from the step where something unusual happens, so that errors are those of the general
kernels. What has static shapes everywhere needs no call to be known.
"""

from typing import TYPE_CHECKING

from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source, c_type, value_type
from pytensor.link.c.dispatch.scalar import flags_of
from pytensor.link.c.dispatch.scan_body import Body
from pytensor.link.c.dispatch.scan_loop import observed_lengths, scan_loop
from pytensor.link.c.dispatch.static_ops import load_ops, write_node, write_static
from pytensor.link.c.dispatch.static_values import Array, StaticWriter, strides_of

if TYPE_CHECKING:
    from pytensor.graph.basic import Apply, Variable
    from pytensor.graph.fg import FunctionGraph

LOOP = Source(C_CODE, "loop.h")
# Longer steps take long to compile and gain little from being written out.
_MOST_NODES = 200
# Elements of all local arrays, nanoseconds of a step.
_MOST_ELEMENTS, _MOST_COST = 4096, 4000.0
# Work (about nanoseconds) after which a loop looks whether it is interrupted.
_PART = 5e7

Shape = tuple[int, ...]


class StaticLoop:
    """A loop that may be written out once shapes are known.

    Parameters
    ----------
    body : Body
    graph : FunctionGraph
        The step.
    """

    def __init__(self, body: Body, graph: "FunctionGraph") -> None:
        self.body, self.graph = body, graph
        self.order: list[Apply] = list(graph.toposort())
        self.inner = list(graph.inputs)
        info = body.info
        types = [v.type for v in body.op.inner_inputs]
        # For each observed array: the inner inputs of its shape, and its number of axes.
        reads: dict[str, list[int]] = {}
        for read in body.reads:
            reads.setdefault(read.stack, []).append(read.inner)
        self.groups: list[tuple[list[int], int]] = []
        for i in range(info.n_seqs):
            self.groups.append((reads.get(f"x{1 + i}", []), types[i].ndim))
        for state in range(body.n_states):
            own = reads.get(f"z{state}", [])
            self.groups.append((own, body.node.outputs[state].type.ndim - 1))
        for group in ("untraced", "non_seqs"):
            span = info.inner_in[group]
            self.groups += [([i], types[i].ndim) for i in range(span.start, span.stop)]
        self.n_observed = sum(ndim for _, ndim in self.groups)

    @classmethod
    def of(cls, body: Body, graph: "FunctionGraph") -> "StaticLoop | None":
        """Return the loop, unless its operations have no such form or there are too many."""
        if len(graph.apply_nodes) > _MOST_NODES:
            return None
        default = write_static.dispatch(object)
        load_ops(node.op for node in graph.apply_nodes)
        for node in graph.apply_nodes:
            if write_static.dispatch(type(node.op)) is default:
                return None
        variables = [
            *graph.inputs,
            *graph.outputs,
            *(v for n in graph.apply_nodes for v in n.outputs),
        ]
        if any(c_type(getattr(v.type, "dtype", "")) is None for v in variables):
            return None
        return cls(body, graph)

    def static_shapes(self) -> list[Shape] | None:
        """Return the shapes of the inner inputs if their types tell them."""
        shapes = [v.type.shape for v in self.inner]
        return None if any(None in shape for shape in shapes) else shapes

    def general(self) -> CKernel:
        """Return the general loop, which notes the shapes of its first call."""
        # One more, so that there always is something to note.
        kernel = scan_loop(self.body, self.graph, self.n_observed + 1)
        kernel.specialise = self.specialise
        return kernel

    def specialise(self, data: bytes) -> CKernel | None:
        """Return the loop for what the general one noted in its data, if it can be written out."""
        lengths = observed_lengths(data, self.n_observed + 1)
        if lengths is None:
            raise LookupError("nothing was noted yet")
        shapes: list[Shape] = [()] * len(self.inner)
        at = 0
        for inner, ndim in self.groups:
            for i in inner:
                shapes[i] = tuple(lengths[at : at + ndim])
            at += ndim
        return self.kernel(shapes)

    def kernel(self, shapes: list[Shape]) -> CKernel | None:
        """Return the loop for these shapes of the inner inputs."""
        text = _Text(self, shapes)
        if not text.write():
            return None
        general = self.general()
        sources = tuple(text.w.sources)
        return CKernel(
            "\n".join(text.lines),
            (LOOP, *sources),
            destroys=general.destroys,
            flags=flags_of(sources),
            blocks=general.blocks,
            functions=tuple(text.w.functions),
            data=general.data,
        )


class _Text:
    """The text of such a loop."""

    def __init__(self, loop: StaticLoop, shapes: list[Shape]) -> None:
        self.loop, self.shapes = loop, shapes
        self.body, self.op, self.info = loop.body, loop.body.op, loop.body.info
        self.w = StaticWriter()
        self.values: dict[Variable, Array] = {}
        self.lines: list[str] = []
        node = self.body.node
        self.first_out = len(node.inputs)
        sit = self.info.inner_in["sit_sot"]
        untraced = self.info.inner_in["untraced"]
        self.kept = set(range(sit.start, untraced.stop))
        self.shifted = self.shifts()
        self.kept |= set(self.shifted)
        self.constants = range(*self.info.inner_in["non_seqs"].indices(len(shapes)))

    def shifts(self) -> dict[int, int]:
        """Pair what is read of states at several places with what becomes it after a step.

        That is another inner input (the next younger value), or a result as a negative number. States
        with gaps between the places stay in memory.
        """
        found: dict[int, int] = {}
        at, out = self.info.inner_in["mit_sot"].start, self.info.inner_out["mit_sot"].start
        for k, taps in enumerate(self.info.mit_sot_in_slices):
            places = dict(zip(taps, range(at, at + len(taps)), strict=True))
            at += len(taps)
            if sorted(places) == list(range(-len(taps), 0)):
                found |= {i: places.get(tap + 1, -1 - (out + k)) for tap, i in places.items()}
        return found

    # -- the parts ------------------------------------------------------------------------------

    def write(self) -> bool:
        """Write everything; False if the step has no such form."""
        # First what may fail.
        before = self.states()
        step = self.step()
        if step is None:
            return False
        results, lines = step
        if not self.fits(results):
            return False
        self.add_all(0, self.opening(results), before, self.loop_text(lines, results), self.end())
        return True

    def add_all(self, depth: int, *parts: list[str]) -> None:
        self.lines += ["    " * (depth + 1) + line for part in parts for line in part]

    def taken(self) -> list[str]:
        """Return the lines written since the last time."""
        lines, self.w.lines = self.w.lines, []
        return lines

    def read(self, at: int, pointer: str, strides: list[str]) -> Array:
        """Copy an inner input to a local array or variable; return it."""
        dtype, shape = self.op.inner_inputs[at].type.dtype, self.shapes[at]
        type_, name = value_type(dtype), f"a{at}"
        size = Array(dtype, shape, name, None).size
        if size == 1:
            const = "" if at in self.kept else "const "
            self.w.add(f"{const}{type_} {name} = *(const {type_} *)({pointer});")
            self.w.add(f"(void){name};")
            return Array(dtype, shape, name, None)
        z = self.w.local(dtype, shape, name)
        index = self.w.nest(shape)
        place = [f"{s} * {i}" for s, i in zip(strides, index, strict=True) if isinstance(i, str)]
        self.w.add(f"{z.at(*index)} = *(const {type_} *)({' + '.join([pointer, *place])});")
        self.w.end(index)
        self.w.add(f"(void){name};")
        self.w.cost += 0.3 * size
        return z

    def states(self) -> list[str]:
        """Read what does not change, and states that stay in registers."""
        outer, inner = self.info.outer_in, self.info.inner_in
        for at in self.constants:
            x = outer["non_seqs"].start + at - inner["non_seqs"].start
            strides = [f"args[{x}]->strides[{k}]" for k in range(len(self.shapes[at]))]
            self.values[self.loop.inner[at]] = self.read(at, f"args[{x}]->data", strides)
        first = self.info.outer_out["untraced"].start
        for k, at in enumerate(range(inner["untraced"].start, inner["untraced"].stop)):
            z = f"args[{self.first_out + first + k}]"
            strides = [f"{z}->strides[{i}]" for i in range(len(self.shapes[at]))]
            self.values[self.loop.inner[at]] = self.read(at, f"{z}->data", strides)
        for read in self.body.reads:
            if read.inner in self.kept:
                pointer = f"{read.stack} + r{read.inner} * {read.stack}s"
                strides = self.row_strides(read.inner)
                self.values[self.loop.inner[read.inner]] = self.read(read.inner, pointer, strides)
        return self.taken()

    def row_strides(self, at: int) -> list[str]:
        """Return strides in bytes of an element of a buffer, which lies in C order."""
        size = self.op.inner_inputs[at].type.numpy_dtype.itemsize
        return [str(size * s) for s in strides_of(self.shapes[at])]

    def step(self) -> tuple[list[Array], list[str]] | None:
        """Return the results of a step and its lines."""
        for read in self.body.reads:
            if read.inner in self.kept:
                continue
            if read.stack[0] == "x":
                strides = [f"{read.stack}s{k + 1}" for k in range(len(self.shapes[read.inner]))]
                pointer = f"{read.stack} + done * {read.stack}s"
            else:
                strides = self.row_strides(read.inner)
                pointer = f"{read.stack} + r{read.inner} * {read.stack}s"
            self.values[self.loop.inner[read.inner]] = self.read(read.inner, pointer, strides)
        for node in self.loop.order:
            inputs = [self.value(v) for v in node.inputs]
            if any(x is None for x in inputs):
                return None
            outputs = write_node(node, inputs, self.w)  # type: ignore[arg-type]
            if outputs is None or self.w.elements > _MOST_ELEMENTS or self.w.cost > _MOST_COST:
                return None
            self.values.update(zip(node.outputs, outputs, strict=True))
        results = [self.value(v) for v in self.loop.graph.outputs]
        if any(x is None for x in results):
            return None
        return results, self.taken()  # type: ignore[return-value]

    def value(self, variable: "Variable") -> Array | None:
        found = self.values.get(variable)
        if found is None and hasattr(variable, "data") and hasattr(variable.type, "dtype"):
            found = self.w.constant(variable.data, variable.type.dtype)
            if found is not None:
                self.values[variable] = found
        return found

    def fits(self, results: list[Array]) -> bool:
        """Tell whether states keep their shapes."""
        for write in self.body.writes:
            shape = results[write.inner].shape
            if not write.is_new and shape != self.shape_of_state(write.outer):
                return False
        inner, out = self.info.inner_in["untraced"], self.info.inner_out["untraced"]
        return all(
            results[o].shape == self.shapes[i]
            for i, o in zip(range(inner.start, inner.stop), range(out.start, out.stop), strict=True)
        )

    def shape_of_state(self, state: int) -> Shape | None:
        inner, _ = self.loop.groups[self.info.n_seqs + state]
        return self.shapes[inner[0]] if inner else None

    # -- before and after -----------------------------------------------------------------------

    def opening(self, results: list[Array]) -> list[str]:
        n_reads, n_writes = len(self.body.reads), len(self.body.writes)
        lines: list[str] = []
        add = lines.append
        add("pt_loop_run r;")
        add("int status;")
        add(f"int64_t at[{n_reads + n_writes + 1}];")
        add("pt_loop_open(&r, program);")
        add("r.read_at = at;")
        add(f"r.write_at = at + {n_reads};")
        add("const int64_t n = r.n = *(const int64_t *)args[0]->data;")
        # Another kernel may have done the first steps.
        add("int64_t done = r.done = ctx->resume;")
        add("ctx->resume = 0;")
        add(f"if ({' || '.join(['n <= 0', *self.other_shapes()])}) {{")
        add("    if (!done)")
        add("        return pt_loop_whole(ctx, args, program, NULL);")
        add("    return pt_loop_resume(ctx, args, &r, done);")
        add("}")
        add("if (done)")
        add("    pt_loop_seek(args, &r, done);")
        add("else {")
        add("    if ((status = pt_loop_check(ctx, args, &r)) ||")
        add("            (status = pt_loop_begin(ctx, args, &r)))")
        add("        return status;")
        lines += ["    " + line for line in self.new_stacks(results)]
        add("}")
        lines += self.other_strides()
        for i in range(self.info.n_seqs):
            add(f"const char *const x{1 + i} = args[{1 + i}]->data;")
            add(f"const int64_t x{1 + i}s = args[{1 + i}]->strides[0];")
            for k in range(len(self.shapes[i])):
                add(f"const int64_t x{1 + i}s{k + 1} = args[{1 + i}]->strides[{k + 1}];")
                add(f"(void)x{1 + i}s{k + 1};")
            add(f"(void)x{1 + i};\n    (void)x{1 + i}s;")
        outers = dict.fromkeys([*range(self.body.n_states), *(w.outer for w in self.body.writes)])
        for k in outers:
            z = f"args[{self.first_out + k}]"
            add(f"char *const z{k} = {z}->data;")
            add(f"const int64_t z{k}s = {z}->strides[0], z{k}n = {z}->shape[0];")
            add(f"(void)z{k};\n    (void)z{k}s;\n    (void)z{k}n;")
        for i, read in enumerate(self.body.reads):
            if read.stack[0] == "z":
                add(f"int64_t r{read.inner} = at[{i}];")
        for i, write in enumerate(self.body.writes):
            add(f"int64_t w{write.inner} = at[{n_reads + i}];")
        return lines

    def other_shapes(self) -> list[str]:
        """Return conditions under which this loop is not the right one."""
        conditions = []
        first, outer = 1 + self.info.n_seqs, self.info.outer_in
        places = [*range(1, first), *range(first, first + self.body.n_states)]
        places += range(outer["untraced"].start, outer["untraced"].stop)
        places += range(outer["non_seqs"].start, outer["non_seqs"].stop)
        for place, (own, ndim) in zip(places, self.loop.groups, strict=True):
            skip = int(place < first + self.body.n_states)
            for k in range(ndim if own else 0):
                conditions.append(f"args[{place}]->shape[{k + skip}] != {self.shapes[own[0]][k]}")
        return conditions

    def new_stacks(self, results: list[Array]) -> list[str]:
        lines = []
        for i, write in enumerate(self.body.writes):
            shape = results[write.inner].shape
            if write.is_new:
                lengths = ", ".join(map(str, shape)) or "0"
                lines += [
                    "{",
                    f"    int64_t shape[] = {{{lengths}}};",
                    "    pt_array e = {NULL, shape, shape};",
                    f"    if ((status = pt_loop_new_stack(ctx, args, &r.writes[{i}], &e)))",
                    "        return status;",
                    "}",
                ]
        return lines

    def other_strides(self) -> list[str]:
        """Leave states whose elements have gaps to the general loop."""
        lines = []
        for state in range(self.body.n_states):
            ndim = self.body.node.outputs[state].type.ndim - 1
            size = self.body.node.outputs[state].type.numpy_dtype.itemsize
            if ndim:
                z = f"args[{self.first_out + state}]"
                lines += [
                    "{",
                    f"    pt_array row = {{NULL, {z}->shape + 1, {z}->strides + 1}};",
                    f"    if (!pt_is_c_contiguous(&row, {ndim}, {size}))",
                    "        return pt_loop_resume(ctx, args, &r, done);",
                    "}",
                ]
        return lines

    # -- the loop -------------------------------------------------------------------------------

    def loop_text(self, step: list[str], results: list[Array]) -> list[str]:
        over = " && !over" if self.info.as_while else ""
        part = max(1, int(_PART / self.w.cost))
        lines = ["int over = 0;"] if self.info.as_while else []
        # In parts, so that an interrupt ends it.
        lines += [
            f"while (done < n{over}) {{",
            f"    const int64_t until = n - done > {part} ? done + {part} : n;",
            f"    pt_heavy(ctx, {self.w.cost:g} * (double)(until - done));",
            "    while (done < until) {",
        ]
        self.store(results)
        lines += ["        " + line for line in (*step, *self.taken())]
        lines.append("        done++;")
        if self.info.as_while:
            last = results[-1]
            condition = last.at(*([0] * len(last.shape)))
            lines += [f"        if ({condition} != 0) {{", "            over = 1;"]
            lines += ["            break;", "        }"]
        lines += ["    }", f"    if (done < n{over} && (status = pt_pause(ctx)))"]
        return [*lines, "        return status;", "}"]

    def store(self, results: list[Array]) -> None:
        """Write results to their places, then to the states in registers."""
        w = self.w
        for write in self.body.writes:
            value = results[write.inner]
            place = (
                f"({value_type(value.dtype)} *)(z{write.outer} + w{write.inner} * z{write.outer}s)"
            )
            if value.size == 1:
                w.add(f"*{place} = {value.at(*([0] * len(value.shape)))};")
            else:
                name = w.new_name("p")
                w.add(f"{value_type(value.dtype)} *const {name} = {place};")
                w.copy_into(Array(value.dtype, value.shape, name, strides_of(value.shape)), value)
            w.add(f"w{write.inner} = pt_scan_next(w{write.inner}, z{write.outer}n);")
        for read in self.body.reads:
            if read.stack[0] == "z" and read.inner not in self.kept:
                w.add(f"r{read.inner} = pt_scan_next(r{read.inner}, {read.stack}n);")
        self.keep(results)

    def keep(self, results: list[Array]) -> None:
        """Give the states in registers their next values; a result may be another one's old value."""
        w, pairs = self.w, []
        for group in ("sit_sot", "untraced"):
            span, out = self.info.inner_in[group], self.info.inner_out[group]
            for i, o in zip(range(span.start, span.stop), range(out.start, out.stop), strict=True):
                pairs.append((self.values[self.loop.inner[i]], results[o]))
        for i, source in self.shifted.items():
            value = results[-1 - source] if source < 0 else self.values[self.loop.inner[source]]
            pairs.append((self.values[self.loop.inner[i]], value))
        names = {state.name for state, _ in pairs}
        waiting = []
        for state, value in pairs:
            if value.name in names and value != state:
                if value.size == 1:
                    value = w.register(
                        value.dtype, value.at(*([0] * len(value.shape))), value.shape
                    )
                else:
                    copy = w.local(value.dtype, value.shape)
                    w.copy_into(copy, value)
                    value = copy
            waiting.append((state, value))
        for state, value in waiting:
            if state != value:
                w.copy_into(state, value)

    def end(self) -> list[str]:
        keep_untraced = self.store_untraced()
        lines = [*keep_untraced, "r.done = done;"]
        for i, write in enumerate(self.body.writes):
            lines.append(f"r.write_at[{i}] = w{write.inner};")
        lines.append("return pt_loop_close(ctx, args, &r);")
        # Only where something jumps here.
        lines += ["goto unusual;", "unusual:", *keep_untraced]
        return [*lines, "return pt_loop_resume(ctx, args, &r, done);"]

    def store_untraced(self) -> list[str]:
        span, first = self.info.inner_in["untraced"], self.info.outer_out["untraced"].start
        for k, i in enumerate(range(span.start, span.stop)):
            state = self.values[self.loop.inner[i]]
            name = self.w.new_name("p")
            type_ = value_type(state.dtype)
            self.w.add(
                f"{type_} *const {name} = ({type_} *)args[{self.first_out + first + k}]->data;"
            )
            self.w.copy_into(Array(state.dtype, state.shape, name, strides_of(state.shape)), state)
        lines = self.taken()
        return ["{", *("    " + line for line in lines), "}"] if lines else []
