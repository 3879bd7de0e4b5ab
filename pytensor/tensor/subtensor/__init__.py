"""Reading and writing parts of arrays, with all of NumPy's indexing.

indices       how an index expression is stored: placeholders in `idx_list`, values as inputs
lengths       lengths of slices, canonical slices, shapes of indexed results
common        checks, derivatives and batch rules that the Ops share
basic         Subtensor, IncSubtensor: integers and slices, a view of the input
advanced      AdvancedSubtensor, AdvancedIncSubtensor: integer arrays and masks
batches       one index for a batch in place of an index for each item
vectorize     batch rules
interface     x[...] for variables, set_subtensor, inc_subtensor, take, flip
"""

from pytensor.tensor.subtensor.advanced import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    advanced_inc_subtensor,
    advanced_inc_subtensor1,
    advanced_set_subtensor,
    advanced_set_subtensor1,
    advanced_subtensor,
    advanced_subtensor1,
    expand_boolean_masks,
    non_consecutive_adv_indexing,
)
from pytensor.tensor.subtensor.basic import IncSubtensor, Subtensor, basic_subtensor
from pytensor.tensor.subtensor.indices import (
    BaseSubtensor,
    as_index_constant,
    as_index_literal,
    as_scalar_index_variable,
    as_tensor_index_variable,
    flatten_index_variables,
    get_constant_idx,
    get_idx_list,
    get_slice_elements,
    indices_from_subtensor,
    slice_at_axis,
    unflatten_index_variables,
)
from pytensor.tensor.subtensor.interface import (
    flip,
    getitem,
    inc_subtensor,
    set_subtensor,
    take,
)
from pytensor.tensor.subtensor.lengths import (
    basic_shape,
    get_canonical_form_slice,
    group_indices,
    indexed_result_shape,
    slice_len,
    slice_static_length,
)
from pytensor.tensor.subtensor.vectorize import vectorize_read, vectorize_write

__all__ = ["flip", "inc_subtensor", "set_subtensor", "slice_at_axis", "take"]
