"""gcc, clang and the compiler of the ziglang package give the same values; hostile texts are only texts."""

import os
import subprocess
import sys

import pytest
from machines import environment, objects, run

ZIG = os.environ.get("PYTENSOR_TEST_ZIG", "/work/venvs/zig/bin/python")

# Bits of integers, arithmetic, reductions and comparisons; functions of the C library apart.
VALUES = """
import numpy as np, pytensor, pytensor.tensor as pt
x, y = pt.dmatrices("x", "y"); i, j = pt.lvectors("i", "j"); z = pt.zvector("z")
exact = [x * y + x / y - y, pt.sqrt(abs(x)), x.sum(), (x * y).sum(axis=0), x.max(axis=1), pt.minimum(x, y),
         pt.switch(x > y, x, -y), i // j, i % j, i ** 2, pt.bitwise_xor(i, j), pt.cast(x, "int32"), pt.cast(i, "float32"),
         x.T[::-1], pt.floor(x * 3), pt.round(x * 3), z * z, pt.isnan(x), pt.sign(x)]
near = [z / (z + 1), pt.exp(x), pt.tanh(x), pt.log1p(abs(x)), pt.sigmoid(x), abs(x) ** 1.7, pt.erf(x), pt.exp(z)]
f = pytensor.function([x, y, i, j, z], exact + near, mode="C")
rng = np.random.default_rng(1)
a = rng.normal(size=(7, 9)); a[0, :4] = np.nan, np.inf, -0.0, -np.inf
k = rng.integers(-50, 50, 40); out = f(a, rng.normal(size=(7, 9)), k, np.r_[0, k[1:]], rng.normal(size=5) + 1j)
exact = [np.where(np.isnan(o), np.nan, o) if o.dtype.kind == "f" else o for o in map(np.asarray, out[:19])]
print("".join(np.ascontiguousarray(o).tobytes().hex() for o in exact))
print(repr([np.asarray(o).ravel().tolist() for o in out[19:]]).replace("nan", "float('nan')").replace("inf", "float('inf')"))
"""


@pytest.fixture(scope="module")
def by_gcc(tmp_path_factory):
    return _values(tmp_path_factory.mktemp("gcc"), "gcc")


def _values(place, cxx, python=sys.executable):
    import numpy as np

    env = environment(place / "cc", cxx=cxx)
    done = subprocess.run(
        [python, "-c", VALUES], env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", done.stderr
    assert objects(place / "cc"), "nothing was compiled"
    exact, near = done.stdout.splitlines()
    return exact, np.concatenate([np.asarray(o) for o in eval(near)])


@pytest.mark.parametrize("name", ["clang", pytest.param("zig", marks=pytest.mark.slow)])
def test_compilers_agree(tmp_path, by_gcc, name):
    """Bit for bit where IEEE says what comes out, within a few units in the last place elsewhere."""
    import shutil

    import numpy as np

    if name == "zig":
        zig = os.path.join(os.path.dirname(ZIG), "python")
        if not os.path.exists(zig) or subprocess.run([zig, "-c", "import ziglang"]).returncode:
            pytest.skip("no ziglang")
        exact, near = _values(tmp_path, f"{zig} -m ziglang cc")
    elif shutil.which(name) is None:
        pytest.skip(f"no {name}")
    else:
        exact, near = _values(tmp_path, name)
    assert exact == by_gcc[0]
    np.testing.assert_allclose(near, by_gcc[1], rtol=1e-14, atol=1e-300)


# ---------------------------------------------------------------- texts of others

HOSTILE = [
    '"); system("touch pwned"); ("',
    "*/ int x; #error /*",
    '\\n#include "/etc/passwd"\\n',
    "%s%s%n%n%d",
    "$(touch pwned) `touch pwned`; touch pwned",
    "@/etc/passwd -fplugin=evil.so",
    "??/ \\\\",
    "é 漢 \\ud800 \\x00 end",
]
NAMES = """
import numpy as np, pytensor, pytensor.tensor as pt, sys
from pytensor.raise_op import Assert
text = '''{text}'''
x = pt.dvector(text); x.name = text
y = pt.dvector("y"); y.name = text
s = pytensor.shared(np.ones(3), name=text)
a = Assert(text)(x * s, pt.gt(x.sum(), 0)); a.name = text
out = pytensor.scan(lambda v, acc: acc + v, sequences=x, outputs_info=pt.zeros(()), name=text, return_updates=False)
out = out[0] if isinstance(out, tuple | list) else out
f = pytensor.function([x, y], [a + y, pt.outer(x, y), out], name=text, mode="C", updates=[(s, s * x)])
v = f(np.ones(3), np.ones(3)); assert v[0].tolist() == [2, 2, 2] and v[2][-1] == 3
for wrong in ((-np.ones(3), np.ones(3)), (np.ones(3), np.ones(4))):
    try:
        f(*wrong)
    except (AssertionError, ValueError) as error:
        str(error).encode("utf-8", "replace")
    else:
        raise SystemExit("no error")
"""


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_messages_are_only_texts(tmp_path, text):
    """Of variables, functions, loops and assertions: compiled, run, and raised."""
    _, err = run(NAMES.format(text=text), tmp_path / "cc", cwd=tmp_path)
    assert err == "", err
    assert objects(tmp_path / "cc"), "nothing was compiled"
    assert os.listdir(tmp_path) == ["cc"]


@pytest.mark.parametrize("cxx", ["gcc; touch pwned", "gcc $(touch pwned)", "gcc `touch pwned`",
                                 "gcc | touch pwned", "gcc && touch pwned", "gcc\ntouch pwned",
                                 "gcc > pwned", "$(touch pwned)", "gcc -m64 '-DX=a b' -DY=\"c;d\""])  # fmt: skip
def test_no_shell_reads_the_command(tmp_path, cxx):
    """Words of a setting are arguments: what a shell would do with them does not happen."""
    code = (
        "import pytensor.link.c.toolchain as t, pathlib\n"
        f"place = pathlib.Path({str(tmp_path)!r}); c = t._compiler_for({cxx!r})\n"
        "if c is None: print('none')\n"
        "else:\n"
        "    try: print(len(c.compile('int x;', place)) > 0)\n"
        "    except t.CompileError as error: print('refused', error)\n"
    )
    out, _ = run(code, tmp_path / "cc", cwd=tmp_path)
    assert not (tmp_path / "pwned").exists()
    assert out.startswith("True" if "-m64" in cxx else ("none", "refused"))
