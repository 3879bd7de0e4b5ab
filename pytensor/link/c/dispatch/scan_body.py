"""The C text of a loop around a block of steps."""

from dataclasses import dataclass

from pytensor.link.c.dispatch.basic import C_CODE, Source, c_type
from pytensor.scan.op import Scan

SCAN = Source(C_CODE, "scan.h")


@dataclass
class _Read:
    """Inner input `inner` is element ``step + offset`` of `stack`."""

    inner: int
    stack: str
    offset: int
    ndim: int


@dataclass
class _Write:
    """Inner output `inner` goes to element ``step + offset`` of output `outer`."""

    inner: int
    outer: int
    offset: int
    ndim: int
    itemsize: int
    length: str
    is_new: bool


class Body:
    """The text of the kernel of one loop."""

    def __init__(self, op: Scan, node, n_nodes: int) -> None:
        self.op, self.info, self.node = op, op.info, node
        self.n_nodes = n_nodes
        self.first_state = 1 + op.info.n_seqs
        self.n_states = op.info.outer_out["nit_sot"].start
        self.reads = self._reads()
        self.writes = self._writes()
        self.lines: list[str] = []

    def text(self) -> str:
        """Return the statements."""
        self.add("const int64_t n = *(const int64_t *)x0->data;")
        self.add(f'if (n < 0)\n    return pt_fail(ctx, PT_VALUE_ERROR, "[{self.name}] n_steps must '
                 'not be negative, got %lld", (long long)n);')  # fmt: skip
        self.add("int64_t done = 0;\nint status;")
        self.check_lengths()
        self.open_buffers()
        self.bind()
        self.loop()
        self.close()
        return "\n".join(self.lines)

    @property
    def name(self) -> str:
        # A user's name is text of its own: it must neither end a C string nor format.
        return "".join(c for c in str(self.op) if c.isprintable() and c not in '"\\%')

    def add(self, text: str, depth: int = 1) -> None:
        pad = "    " * depth
        self.lines.append("\n".join(pad + line for line in text.splitlines()))

    # -- places -------------------------------------------------------------------------------

    def _reads(self) -> list[_Read]:
        inner = self.op.inner_inputs
        reads = [_Read(i, f"x{1 + i}", 0, inner[i].type.ndim) for i in range(self.info.n_seqs)]
        offsets = list(self.info.normalized_mit_mot_in_slices)
        sots = self.info.mit_sot_in_slices + self.info.sit_sot_in_slices
        offsets += [
            tuple(lag + tap for tap in taps) for taps, lag in zip(sots, self.info.lags, strict=True)
        ]
        for state, these in enumerate(offsets):
            for offset in these:
                at = len(reads)
                reads.append(_Read(at, f"z{state}", offset, inner[at].type.ndim))
        return reads

    def _writes(self) -> list[_Write]:
        outputs = self.op.inner_outputs
        writes: list[_Write] = []

        def add(outer: int, offset: int, length: str, is_new: bool = False) -> None:
            type_ = outputs[len(writes)].type
            size = type_.numpy_dtype.itemsize
            writes.append(_Write(len(writes), outer, offset, type_.ndim, size, length, is_new))

        for state, outs in enumerate(self.info.normalized_mit_mot_out_slices):
            for offset in outs:
                add(state, offset, f"z{state}->shape[0]")
        for k, lag in enumerate(self.info.lags):
            state = self.info.n_mit_mot + k
            add(state, lag, f"z{state}->shape[0]")
        first = self.info.outer_in["nit_sot"].start
        for k in range(self.info.n_nit_sot):
            add(self.n_states + k, 0, f"length{first + k}", is_new=True)
        return writes

    # -- parts of the text --------------------------------------------------------------------

    def check_lengths(self) -> None:
        """Everything must be long enough before anything is read."""
        for i in range(self.info.n_seqs):
            self.add(
                f"if (x{1 + i}->shape[0] < n)\n"
                f'    return pt_fail(ctx, PT_VALUE_ERROR, "[{self.name}] sequence {i} must have '
                'at least n_steps = %lld elements, got %lld", (long long)n, '
                f"(long long)x{1 + i}->shape[0]);"
            )
        for k, lag in enumerate(self.info.lags):
            at = self.first_state + self.info.n_mit_mot + k
            self.add(
                f"if (x{at}->shape[0] < {lag})\n"
                f'    return pt_fail(ctx, PT_VALUE_ERROR, "[{self.name}] the buffer of state {k} '
                f'must hold {lag} initial values, got %lld", (long long)x{at}->shape[0]);'
            )
        for at in range(*self.info.outer_in["nit_sot"].indices(len(self.node.inputs))):
            self.add(f"const int64_t length{at} = *(const int64_t *)x{at}->data;")

    def open_buffers(self) -> None:
        """Take over the buffers of states, or copy their initial values."""
        for state in range(self.n_states):
            source, type_ = self.first_state + state, self.node.outputs[state].type
            if state in self.op.destroy_map:
                self.add(f"pt_view(z{state}, x{source}, {type_.ndim});")
                continue
            size = type_.numpy_dtype.itemsize
            k = state - self.info.n_mit_mot
            rows = str(self.info.lags[k]) if k >= 0 else f"x{source}->shape[0]"
            self.add(f"pt_same_shape(z{state}, x{source}, {type_.ndim});")
            self.allocate(state, type_.ndim, size, 1)
            self.add(f"pt_scan_begin(z{state}, x{source}, {rows}, {type_.ndim}, {size});")

    def allocate(self, output: int, ndim: int, size: int, depth: int) -> None:
        self.add(
            f"if ((status = pt_alloc(ctx, z{output}, {ndim}, {size})))\n    return status;", depth
        )

    def bind(self) -> None:
        """Give inner inputs what doesn't change from step to step."""
        for read in self.reads:
            self.add(f"pt_scan_element(b0x{read.inner}, {read.stack}, {read.ndim});")
        first = self.info.outer_in["non_seqs"].start
        inner = self.info.inner_in["non_seqs"]
        for k, at in enumerate(range(inner.start, inner.stop)):
            ndim = getattr(self.op.inner_inputs[at].type, "ndim", 0)
            self.add(f"pt_view(b0x{at}, x{first + k}, {ndim});")
        untraced = self.info.inner_in["untraced"]
        outer, out = self.info.outer_in["untraced"].start, self.info.outer_out["untraced"].start
        for k, at in enumerate(range(untraced.start, untraced.stop)):
            type_ = self.op.inner_inputs[at].type
            size = type_.numpy_dtype.itemsize
            # Kept in the output from the start: one stack of one element less an axis.
            self.add(f"pt_same_shape(z{out + k}, x{outer + k}, {type_.ndim});")
            self.allocate(out + k, type_.ndim, size, 1)
            self.add(
                f"pt_copy(z{out + k}->data, z{out + k}->strides, x{outer + k}->data, "
                f"x{outer + k}->strides, z{out + k}->shape, {type_.ndim}, {size});"
            )
            self.add(f"pt_view(b0x{at}, z{out + k}, {type_.ndim});")

    def loop(self) -> None:
        """Point at what a step reads, run it, copy what it computed."""
        for read in self.reads:
            if read.stack[0] == "z":
                self.add(f"int64_t r{read.inner} = {read.offset} % {read.stack}->shape[0];")
        for write in self.writes:
            start = f"{write.offset} % {write.length}" if write.offset else "0"
            self.add(f"int64_t w{write.inner} = {start};")
        self.add("while (done < n) {")
        for read in self.reads:
            at = f"r{read.inner}" if read.stack[0] == "z" else "done"
            self.add(f"b0x{read.inner}->data = pt_scan_at({read.stack}, {at});", 2)
        self.add(f"pt_heavy(ctx, {10.0 * (1 + self.n_nodes)});", 2)
        self.add("if ((status = pt_run(ctx, block0)))\n    return status;", 2)
        if any(write.is_new for write in self.writes):
            self.add("if (done == 0) {", 2)
            for write in self.writes:
                if write.is_new:
                    self.new_stack(write, 3)
            self.add("}", 2)
        for write in self.writes:
            self.store(write)
        self.store_untraced()
        for read in self.reads:
            if read.stack[0] == "z":
                at = f"r{read.inner}"
                self.add(f"{at} = pt_scan_next({at}, {read.stack}->shape[0]);", 2)
        for write in self.writes:
            at = f"w{write.inner}"
            self.add(f"{at} = pt_scan_next({at}, z{write.outer}->shape[0]);", 2)
        self.add("done++;", 2)
        if self.info.as_while:
            last = len(self.op.inner_outputs) - 1
            type_ = c_type(self.op.inner_outputs[last].type.dtype)
            self.add(f"if (*(const {type_} *)b0z{last}->data != 0)\n    break;", 2)
        self.add("}")

    def new_stack(self, write: _Write, depth: int) -> None:
        """Allocate a nit-sot, whose shape the first step tells."""
        z, e = f"z{write.outer}", f"b0z{write.inner}"
        self.add(f"{z}->shape[0] = {write.length};", depth)
        for axis in range(write.ndim):
            self.add(f"{z}->shape[{axis + 1}] = {e}->shape[{axis}];", depth)
        self.allocate(write.outer, write.ndim + 1, write.itemsize, depth)

    def store(self, write: _Write) -> None:
        z, e = f"z{write.outer}", f"b0z{write.inner}"
        if write.ndim:
            self.add(
                f"if (PT_UNLIKELY(!pt_scan_fits({z}, {e}, {write.ndim})))\n"
                f'    return pt_fail(ctx, PT_VALUE_ERROR, "[{self.name}] output {write.inner} of '
                'the step must keep the shape of its state, it changed at step %lld", '
                "(long long)done);",
                2,
            )
        self.add(f"pt_scan_store({z}, w{write.inner}, {e}, {write.ndim}, {write.itemsize});", 2)

    def store_untraced(self) -> None:
        first = self.info.inner_out["untraced"].start
        out = self.info.outer_out["untraced"].start
        for k in range(self.info.n_untraced_sit_sot):
            z, e = f"z{out + k}", f"b0z{first + k}"
            type_ = self.op.inner_outputs[first + k].type
            for axis in range(type_.ndim):
                self.add(
                    f"if ({z}->shape[{axis}] != {e}->shape[{axis}])\n"
                    f'    return pt_fail(ctx, PT_VALUE_ERROR, "[{self.name}] untraced state {k} '
                    'must keep its shape");',
                    2,
                )
            self.add(
                f"if ({z}->data != {e}->data)\n"
                f"    pt_copy({z}->data, {z}->strides, {e}->data, {e}->strides, {z}->shape, "
                f"{type_.ndim}, {type_.numpy_dtype.itemsize});",
                2,
            )

    def close(self) -> None:
        """Put circular buffers in order, cut what a while loop didn't reach."""
        for write in self.writes[self.info.n_mit_mot_outs :]:
            z = f"z{write.outer}"
            if write.is_new:
                self.add("if (n == 0) {")
                self.add(f"{z}->shape[0] = 0;", 2)
                for axis, length in enumerate(self.op.inner_outputs[write.inner].type.shape):
                    self.add(f"{z}->shape[{axis + 1}] = {length or 0};", 2)
                self.allocate(write.outer, write.ndim + 1, write.itemsize, 2)
                self.add("}")
            self.add(f"if (done + {write.offset} > {z}->shape[0]) {{")
            self.add(
                f"if ((status = pt_scan_rotate(ctx, {z}, w{write.inner}, {write.ndim + 1}, "
                f"{write.itemsize})))\n    return status;",
                2,
            )
            self.add("}")
            if not self.info.as_while:
                continue
            if write.outer in self.op.destroy_map:
                self.add(f"else\n    {z}->shape[0] = done + {write.offset};")
            else:
                self.add(
                    f"else if ((status = pt_scan_cut(ctx, {z}, done + {write.offset}, "
                    f"{write.ndim + 1}, {write.itemsize})))\n    return status;"
                )
