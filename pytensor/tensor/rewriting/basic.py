# ruff: noqa: F401  (a facade: names are imported to be exported)
"""Rules about how arrays are made, filled, joined and cast; the decorators that register rules.

A facade: see ``constants``, ``fills``, ``useless`` and ``joins``.
"""

from pytensor.tensor.rewriting.common import (
    IEEE,
    args_of,
    broadcast_lengths,
    law,
    number,
    read_once,
    settled,
    spread,
)
from pytensor.tensor.rewriting.constants import (
    constant_folding,
    topo_constant_folding,
    topo_unconditional_constant_folding,
    unconditional_constant_folding,
)
from pytensor.tensor.rewriting.fills import (
    alloc_like,
    broadcast_like,
    broadcasted_by,
    encompasses_broadcastable,
    local_alloc_sink_dimshuffle,
    local_alloc_unary,
    local_careduce_of_alloc,
    local_dimshuffle_alloc,
    local_elemwise_alloc,
    local_fill_sink,
    local_fill_to_alloc,
    local_merge_alloc,
    local_second_to_alloc,
    local_useless_alloc,
    local_useless_fill,
)
from pytensor.tensor.rewriting.forms import (
    broadcast_like_elemwise,
    elemwise_of,
    equivalent_up_to_constant_casting,
    get_simplified_broadcast_shape,
    get_simplified_shape,
)
from pytensor.tensor.rewriting.joins import (
    local_join_1,
    local_join_empty,
    local_join_make_vector,
    local_join_to_repeat,
    local_sum_make_vector,
    local_useless_split,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_infer_shape,
    register_specialize,
    register_specialize_device,
    register_stabilize,
    register_uncanonicalize,
    register_useless,
)
from pytensor.tensor.rewriting.useless import (
    is_an_upcast,
    local_cast_cast,
    local_gradient_marker,
    local_remove_all_assert,
    local_remove_useless_assert,
    local_scalar_tensor_scalar,
    local_tensor_scalar_tensor,
    local_useless_elemwise,
    local_useless_switch,
    remove_tensor_copy,
)
