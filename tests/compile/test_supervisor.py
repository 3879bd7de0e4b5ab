"""What a supervisor protects is not overwritten, be it an input or computed."""

import pytest

import pytensor.tensor as pt
from pytensor.compile.aliasing import Supervisor
from pytensor.graph.destroyhandler import DestroyHandler
from pytensor.graph.features import ReplaceValidate
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.utils import InconsistencyError
from pytensor.scalar import basic as ps
from pytensor.tensor.elemwise import Elemwise

tanh_inplace = Elemwise(ps.tanh, inplace_pattern={0: 0})


@pytest.mark.parametrize("computed", [False, True])
@pytest.mark.parametrize("through_view", [False, True])
@pytest.mark.parametrize("protect", [False, True])
def test_protected(computed, through_view, protect):
    x = pt.dmatrix("x")
    target = pt.exp(x) if computed else x
    read = target.T if through_view else target
    fgraph = FunctionGraph([x], [pt.tanh(read)], clone=False)
    for feature in (ReplaceValidate(), DestroyHandler(), Supervisor([target] if protect else [])):
        fgraph.attach_feature(feature)
    before = fgraph.outputs[0]
    if protect:
        with pytest.raises(InconsistencyError):
            fgraph.replace_all_validate([(before, tanh_inplace(read))])
        assert fgraph.outputs[0].owner.op == before.owner.op
    else:
        fgraph.replace_all_validate([(before, tanh_inplace(read))])
        assert fgraph.outputs[0].owner.op == tanh_inplace
