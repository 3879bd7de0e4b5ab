"""What a loop reads and writes, and the parts of its C text that do not depend on its step."""

from typing import NamedTuple

from pytensor.link.c.dispatch.basic import C_CODE, Source
from pytensor.scan.op import Scan

SCAN = Source(C_CODE, "scan.h")


class _Read(NamedTuple):
    """Inner input `inner` is element ``step + offset`` of `stack`."""

    inner: int
    stack: str
    offset: int
    ndim: int


class _Write(NamedTuple):
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

    def bind(self) -> None:
        """Write what comes before the loop."""
        raise NotImplementedError

    def loop(self) -> None:
        """Write the loop."""
        raise NotImplementedError

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
