"""Where libraries are looked for, on this system and on others, and what is thought of them."""

import subprocess
import sys

import pytest

from pytensor.link_flags import parse_flags
from pytensor.tensor.blas import _candidates, _ldflags, _linked
from pytensor.tensor.blas._candidates import Candidate, find_candidates, why_not_tried
from pytensor.tensor.blas._families import (
    FAMILIES,
    UNKNOWN,
    UPPER,
    Quality,
    family_named,
    family_of,
    symbol,
)

DEBIAN = "usr/lib/x86_64-linux-gnu"


def make(root, *names):
    """Empty files; `link -> file` makes a symbolic link."""
    for name in names:
        name, _, goal = name.partition(" -> ")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(goal) if goal else path.write_text("")
    return root


def look(root, platform="linux", environ=None, packages=(), **kwargs):
    environ = {"VIRTUAL_ENV": str(root / "none"), **(environ or {})}
    found = find_candidates(environ, platform, str(root), packages, loaded=(), **kwargs)
    return [(c.family.name, c.where, c.flags.replace(str(root), "")) for c in found]


@pytest.mark.parametrize(
    "text, name",
    [
        ("libmkl_rt.so.2", "MKL"),
        ("-lmkl_rt", "MKL"),
        ("/home/mklein/lib/libblas.so.3", "Netlib"),
        ("/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3", "OpenBLAS"),
        ("libscipy_openblas64_-32a4b2a6.so", "OpenBLAS"),
        ("scipy-openblas", "OpenBLAS"),
        ("libopenblasp-r0.3.21.so", "OpenBLAS"),
        ("/opt/AMD/aocl/aocl-linux-gcc-5.0/gcc/lib_LP64/libblis-mt.so", "AOCL"),
        ("/usr/lib/libblis.so.4", "BLIS"),
        ("/opt/arm/armpl-24.10_gcc/lib/libarmpl_lp64_mp.so", "ArmPL"),
        ("accelerate", "Accelerate"),
        ("-framework Accelerate", "Accelerate"),
        ("libflexiblas.so.3", "FlexiBLAS"),
        ("/usr/lib64/atlas/libtatlas.so.3", "ATLAS"),
        ("libblas.so.3.12.0", "Netlib"),
        ("libgslcblas.so", "BLAS"),
        ("libm.so.6", "BLAS"),
    ],
)
def test_family(text, name):
    assert family_of(text).name == name


def test_debian(tmp_path):
    """Each package has a library of its own and a `libblas`; the alternatives are links."""
    make(
        tmp_path,
        f"{DEBIAN}/openblas-pthread/libopenblas.so.0",
        f"{DEBIAN}/openblas-pthread/libopenblas.so -> libopenblas.so.0",
        f"{DEBIAN}/openblas-pthread/libblas.so.3",
        f"{DEBIAN}/openblas-pthread/libblas.so -> libblas.so.3",
        f"{DEBIAN}/blis-pthread/libblis.so.4",
        f"{DEBIAN}/blas/libblas.so.3.11.0",
        f"{DEBIAN}/blas/libblas.so -> libblas.so.3.11.0",
        f"{DEBIAN}/libblas.so -> blas/libblas.so",
        f"{DEBIAN}/libgslcblas.so.0",
        f"{DEBIAN}/libcblas.so",
    )
    assert look(tmp_path) == [
        ("Netlib", "system", f"-L/{DEBIAN} -lblas"),
        ("OpenBLAS", "system", f"-L/{DEBIAN}/openblas-pthread -lopenblas"),
        ("BLIS", "system", f"/{DEBIAN}/blis-pthread/libblis.so.4"),
    ]


def test_other_systems_layouts(tmp_path):
    make(
        tmp_path,
        "usr/lib64/libopenblas64_.so.0",
        "usr/lib64/libflexiblas.so.3",
        "usr/lib64/atlas/libtatlas.so.3",
        "usr/local/lib/libopenblas.so",
        "opt/intel/oneapi/mkl/latest/lib/libmkl_rt.so.2",
        "opt/intel/oneapi/mkl/latest/lib/libmkl_core.so.2",
        "opt/AMD/aocl/aocl-linux-gcc-5.0/gcc/lib_LP64/libblis-mt.so",
        "opt/arm/armpl-24.10_gcc/lib/libarmpl_lp64_mp.so",
    )
    names = [(family, flags.rpartition("/")[2]) for family, _, flags in look(tmp_path)]
    assert names == [
        ("OpenBLAS", "lib -lopenblas"),
        ("OpenBLAS", "libopenblas64_.so.0"),
        ("FlexiBLAS", "libflexiblas.so.3"),
        ("ATLAS", "libtatlas.so.3"),
        ("MKL", "libmkl_rt.so.2"),
        ("AOCL", "lib_LP64 -lblis-mt"),
        ("ArmPL", "lib -larmpl_lp64_mp"),
    ]
    best = look(tmp_path, least=Quality.VENDOR)
    assert [family for family, *_ in best] == ["MKL", "AOCL", "ArmPL"]


def test_environments_and_packages_come_before_the_system(tmp_path):
    make(
        tmp_path,
        "usr/lib/libopenblas.so",
        "conda/lib/libmkl_rt.so.2",
        "conda/lib/libblas.so.3 -> libmkl_rt.so.2",
        "venv/lib/libmkl_rt.so.3",
        "mkl/lib/intel64/libmkl_rt.so",
        "mine/libblis.so",
        "site/scipy_openblas64/lib/libscipy_openblas64_.so",
        "site/scipy_openblas32/lib/libscipy_openblas.so",
        "site/numpy.libs/libscipy_openblas64_-32a4b2a6.so",
    )
    environ = {
        "CONDA_PREFIX": str(tmp_path / "conda"),
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "MKLROOT": str(tmp_path / "mkl"),
        "LIBRARY_PATH": f"relative:{tmp_path}/mine::{tmp_path}/missing",
    }
    found = look(tmp_path, environ=environ, packages=[str(tmp_path / "site")])
    assert [(family, where) for family, where, _ in found] == [
        ("BLIS", "LIBRARY_PATH"),
        ("MKL", "MKLROOT"),
        ("MKL", "conda environment"),
        ("MKL", "Python environment"),
        ("OpenBLAS", "scipy-openblas64"),
        ("OpenBLAS", "scipy-openblas32"),
        ("OpenBLAS", "numpy.libs"),
        ("OpenBLAS", "system"),
    ]


def test_macos(tmp_path):
    make(
        tmp_path,
        "System/Library/Frameworks/Accelerate.framework/Accelerate",
        "opt/homebrew/opt/openblas/lib/libopenblas.0.dylib",
        "opt/homebrew/opt/openblas/lib/libopenblas.dylib -> libopenblas.0.dylib",
        "usr/local/lib/libblis.4.dylib",
    )
    assert look(tmp_path, "darwin") == [
        ("Accelerate", "system", "-framework Accelerate"),
        ("OpenBLAS", "system", "-L/opt/homebrew/opt/openblas/lib -lopenblas"),
        ("BLIS", "system", "/usr/local/lib/libblis.4.dylib"),
    ]


def test_windows(tmp_path):
    make(
        tmp_path,
        "conda/Library/lib/mkl_rt.lib",
        "conda/Library/bin/mkl_rt.2.dll",
        "o/libopenblas.dll.a",
    )
    environ = {"CONDA_PREFIX": str(tmp_path / "conda"), "LIBRARY_PATH": str(tmp_path / "o")}
    found = look(tmp_path, "win32", environ)
    assert found == [
        ("OpenBLAS", "LIBRARY_PATH", "/o/libopenblas.dll.a"),
        ("MKL", "conda environment", "/conda/Library/lib/mkl_rt.lib"),
        ("MKL", "conda environment", "/conda/Library/bin/mkl_rt.2.dll"),
    ]


def test_pkg_config_files_are_read(tmp_path):
    make(tmp_path, "my libs/libopenblas.so", "pc/blas.pc")
    (tmp_path / "pc" / "openblas.pc").write_text(
        f"prefix={tmp_path}\nlibdir=${{prefix}}/my libs\n\nName: x\n"
        'Libs: -L"${libdir}" -lopenblas ${missing}\nLibs.private: -lgfortran\n'
    )
    (tmp_path / "pc" / "blis.pc").write_text("Libs: $(broken) things\n")
    environ = {"PKG_CONFIG_PATH": str(tmp_path / "pc")}
    assert look(tmp_path, environ=environ) == [
        ("OpenBLAS", "pkg-config openblas", '"-L/my libs" -lopenblas')
    ]
    flags = _candidates.pkg_config_flags(str(tmp_path / "pc" / "openblas.pc"), "/sys/")
    assert flags == f'"-L/sys{tmp_path}/my libs" -lopenblas'


OPENBLAS = family_named("OpenBLAS")


@pytest.mark.parametrize(
    "family, loaded, present, second, reason",
    [
        ("Netlib", True, "Netlib", True, "reference BLAS"),
        ("Netlib", False, "OpenBLAS", True, "reference BLAS"),
        ("OpenBLAS", False, "OpenBLAS", True, "OpenBLAS too"),
        ("OpenBLAS", True, "OpenBLAS", False, "OpenBLAS too"),
        ("MKL", False, "OpenBLAS", False, "would be a second BLAS"),
        ("MKL", True, "OpenBLAS", False, ""),
        ("MKL", False, "OpenBLAS", True, ""),
        ("BLIS", True, "OpenBLAS", False, ""),
        ("FlexiBLAS", True, "OpenBLAS", True, "not expected to be better"),
        ("OpenBLAS", False, "MKL", True, "not expected to be better"),
        ("OpenBLAS", False, "Netlib", False, ""),
        ("FlexiBLAS", False, "Netlib", False, ""),
    ],
)
def test_what_is_tried(family, loaded, present, second, reason):
    candidate = Candidate(family_named(family), "-lx", "here", loaded=loaded)
    said = why_not_tried(candidate, family_named(present), second)
    assert reason in said and bool(said) == bool(reason)


def _pretend(monkeypatch, found, ratios, present="OpenBLAS"):
    """Candidates with known speeds, and what is tried of them."""
    tried = []

    class Report:
        def __init__(self, ratio):
            self.ratio = ratio

    def probe(flags):
        tried.append(flags)
        if flags not in ratios:
            raise _linked.ProbeError("it does not link")
        return Report(ratios[flags])

    def link(flags, why):
        return _ldflags.BlasProvider(
            flags, "", "linked", 32, (1,), why, flags, threading="pthreads"
        )

    monkeypatch.setattr(_ldflags, "scipy_family", lambda: family_named(present))
    doubt = _ldflags.Verdict(Candidate(UNKNOWN, "", "NumPy"), None, "it does not say what it is")
    monkeypatch.setattr(_ldflags, "numpys_own", lambda: doubt)
    monkeypatch.setattr(_ldflags, "find_candidates", lambda: list(found))
    monkeypatch.setattr(
        _ldflags,
        "loaded_candidates",
        lambda least: [c for c in found if c.loaded and c.family.quality >= least],
    )
    monkeypatch.setattr(_linked, "probe", probe)
    monkeypatch.setattr(_linked, "link_provider", link)
    return tried


MKL, BLIS, AOCL = (Candidate(family_named(n), f"-l{n}", "here") for n in ("MKL", "BLIS", "AOCL"))


def test_by_default_nothing_that_is_not_loaded_is_tried(monkeypatch):
    tried = _pretend(monkeypatch, [MKL, BLIS], {"-lMKL": 2.0, "-lBLIS": 3.0})
    (verdict,) = _ldflags.choose("auto")
    assert verdict.candidate.where == "NumPy" and verdict.provider is None and tried == []


def test_a_loaded_library_that_is_faster_is_used(monkeypatch):
    mkl = MKL._replace(loaded=True)
    tried = _pretend(monkeypatch, [mkl, BLIS], {"-lMKL": 1.3, "-lBLIS": 3.0})
    last = _ldflags.choose("auto")[-1]
    assert last.provider.flags == "-lMKL" and tried == ["-lMKL"]
    assert last.reason == "found (here), 1.30 times as fast as SciPy's BLAS"


def test_not_faster_by_more_than_times_vary_is_refused(monkeypatch):
    _pretend(monkeypatch, [MKL._replace(loaded=True)], {"-lMKL": 1.04})
    _, verdict = _ldflags.choose("auto")
    assert verdict.provider is None and "1.04 times" in verdict.reason


def test_fastest_tries_all_and_takes_the_fastest(monkeypatch):
    found = [BLIS, MKL, AOCL, Candidate(OPENBLAS, "-lopenblas", "here")]
    tried = _pretend(monkeypatch, found, {"-lMKL": 1.2, "-lBLIS": 1.5})
    verdicts = _ldflags.choose("fastest")
    assert tried == ["-lMKL", "-lAOCL", "-lBLIS"]
    assert verdicts[-1].provider.flags == "-lBLIS"
    assert {v.reason for v in verdicts if v.provider is None} == {
        "it does not link",
        "the BLAS at hand is OpenBLAS too: a second copy gains nothing",
    }


def test_a_slow_blas_in_scipy_is_replaced(monkeypatch):
    found = [Candidate(family_named("Netlib"), "-lblas", "here"), BLIS]
    tried = _pretend(monkeypatch, found, {"-lBLIS": 20.0}, present="Netlib")
    assert _ldflags.choose("auto")[-1].provider.flags == "-lBLIS" and tried == ["-lBLIS"]


def test_a_library_without_threads_does_not_replace_one_with(monkeypatch):
    _pretend(monkeypatch, [MKL], {"-lMKL": 1.5})
    provider = _ldflags.BlasProvider("x", "", "linked", 32, (1,), "", threading="none")
    monkeypatch.setattr(_linked, "link_provider", lambda flags, why: provider)
    _, verdict = _ldflags.choose("fastest")
    assert verdict.provider is None and "no threads" in verdict.reason


@pytest.mark.parametrize(
    "platform, text, spelling, program, expected",
    [
        ("darwin", "-framework Accelerate", ("", "_"), False,
         "cc -x c -w -O1 -DBLAS_PREFIX= -DBLAS_SUFFIX=_ -dynamiclib -fPIC provider.c -x none "
         "-framework Accelerate -o provider.dylib"),
        ("darwin", "-L/opt/homebrew/lib -lopenblas", ("", "_"), True,
         "cc -x c -w -O1 -DBLAS_PREFIX= -DBLAS_SUFFIX=_ -DPROBE_MAIN provider.c -x none "
         "-L/opt/homebrew/lib -lopenblas -Wl,-rpath,/opt/homebrew/lib -o probe"),
        ("win32", "mkl/mkl_rt.lib", ("", ""), False,
         "cc -x c -w -O1 -DBLAS_PREFIX= -DBLAS_SUFFIX= -shared provider.c -x none "
         "mkl/mkl_rt.lib -o provider.dll"),
        ("win32", "-Lmkl -lmkl_rt", ("", ""), True,
         "cc -x c -w -O1 -DBLAS_PREFIX= -DBLAS_SUFFIX= -DPROBE_MAIN provider.c -x none "
         "-Lmkl -lmkl_rt -o probe.exe"),
        ("linux", "/opt/b/libblis.so.4", ("scipy_", "64_"), False,
         "cc -x c -w -O1 -DBLAS_PREFIX=scipy_ -DBLAS_SUFFIX=64_ -shared -fPIC provider.c -x none "
         "/opt/b/libblis.so.4 -Wl,-rpath,/opt/b -o provider.so"),
    ],
)  # fmt: skip
def test_commands(platform, text, spelling, program, expected):
    words = _linked.build_command(["cc"], parse_flags(text), spelling, (), program, platform)
    assert " ".join(words) == expected


def test_upper_case_names_are_macros():
    words = _linked.build_command(["cc"], parse_flags("-lblas"), (UPPER, ""))
    assert "-Ddgemm=DGEMM" in words and "-DBLAS_PREFIX=" in words
    assert symbol("sdot", (UPPER, "_")) == "SDOT_"


def test_every_family_has_a_class_and_a_name():
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert all(family.libraries or family.name == "Accelerate" for family in FAMILIES)


def test_looking_starts_nothing():
    code = (
        "import subprocess; subprocess.Popen = None\n"
        "from pytensor.tensor.blas import _candidates, _ldflags\n"
        "_candidates.find_candidates(); _ldflags.choose('auto')\n"
        "import sys; assert 'pytensor.tensor.blas._linked' not in sys.modules\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
