"""Where compiled code is kept: odd paths, places that are missing, places of other users."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from machines import PROGRAM, ROOT, environment, leftovers, objects, run, script

from pytensor.link.c.cache import Cache, content_key
from pytensor.link.c.trust import make_private, settle, trusted_directory

pytestmark = pytest.mark.skipif(os.name != "posix", reason="owner and mode are POSIX notions")

KEY = content_key(["key"])
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs to act as another user")
OTHER = 65534
CHECK = """
from pytensor.link.c.cache import get_cache
cache = get_cache()
path = cache.get("0" * 64, lambda place: b"object")
print(cache.persistent, cache.reason, path)
"""


# ---------------------------------------------------------------- odd paths

ODD = {
    "blanks": "a b  c",
    "quotes": "a'b\"c`d",
    "shell": "$(touch pwned);&|<>*?[x]{y}#!~\\",
    "non-ASCII": "é ü 漢字 😀",
    "newline": "a\nb\tc",
    "format": "%s%n%(x)s{}{0}",
    "flag": "-o",
    "response file": "@file",
    "long": "x" * 255,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_paths(tmp_path, name):
    """Through the configuration, as a user would."""
    if "," in ODD[name]:
        pytest.skip("commas separate settings")
    place = tmp_path / ODD[name]
    code = f"import pytensor; pytensor.config.compiledir\n{PROGRAM.format(n=1)}"
    # PYTENSOR_FLAGS takes whole strings; a trailing component keeps blanks from being stripped.
    out, err = run(code, place / "cc", cwd=tmp_path)
    assert out.startswith("0x")
    assert err == ""
    assert objects(place / "cc")
    assert not leftovers(place / "cc")
    assert not (tmp_path / "pwned").exists()


def test_bytes_that_are_no_text(tmp_path):
    place = os.path.join(os.fsencode(tmp_path), b"\xff\xfe")
    cache = Cache(os.fsdecode(place))
    assert cache.persistent
    assert cache.get(KEY, lambda directory: b"object").exists()


@pytest.mark.parametrize("parts", [12, 15, 15.9, 20])
def test_very_long_paths(tmp_path, parts):
    """4096 characters are the limit of the system; shortly below it names of objects do not fit."""
    path = str(tmp_path)
    while len(path) < parts * 256:
        path = os.path.join(path, "y" * min(255, max(1, int(parts * 256) - len(path) - 1)))
    out, err = run(PROGRAM.format(n=1), path)
    assert out.startswith("0x")
    assert err.count("\n") <= 1
    assert "Traceback" not in err


def test_a_null_character_is_no_path():
    cache = Cache("/tmp/a\0b")
    assert not cache.persistent
    assert "null" in cache.reason


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    cache = Cache("cc")
    monkeypatch.chdir(tmp_path / "b")
    path = cache.get(KEY, lambda directory: b"object")
    assert path.parent == tmp_path / "a" / "cc"
    assert not (tmp_path / "b" / "cc").exists()


def test_a_working_directory_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r})\n{PROGRAM.format(n=1)}"
    out, err = run(code, tmp_path / "cc", cwd=gone)
    assert out.startswith("0x")
    assert objects(tmp_path / "cc")


# ---------------------------------------------------------------- missing places

WITHOUT = {"HOME": None, "PYTENSOR_FLAGS": "compile__tier=native"}


@needs_root
def test_a_user_without_home_and_without_name(tmp_path):
    """No entry in /etc/passwd, no HOME: a private directory below the temporary one serves."""
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    _open_way(tmp_path)
    tmp.chmod(0o1777)
    prefix = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups")
    env = {**WITHOUT, "TMPDIR": str(tmp)}
    out, err = run(PROGRAM.format(n=1), None, env=env, prefix=prefix, cwd="/")
    assert out.startswith("0x")
    assert err == ""
    place = tmp / "pytensor-54321"
    assert place.stat().st_uid == 54321
    assert list(place.rglob("*.so"))
    # Another user was there first.
    shutil.rmtree(place)
    place.mkdir(mode=0o777)
    out, err = run(PROGRAM.format(n=1), None, env=env, prefix=prefix, cwd="/")
    assert out.startswith("0x")
    assert "this session only" in err
    assert err.count("\n") == 1
    assert not list(place.rglob("*.so"))


def _open_way(path):
    """Let other users pass through the directories of pytest."""
    for part in (path, *path.parents):
        if part != Path("/") and part.stat().st_uid == os.getuid() and part != Path("/tmp"):
            part.chmod(part.stat().st_mode | 0o011)


@pytest.mark.parametrize("home", ["", "/nowhere/at/all", "/dev/null", "relative"])
def test_a_home_that_is_none(tmp_path, home):
    work = tmp_path / "work"
    work.mkdir()
    code = f"import pytensor\n{CHECK}"
    out, err = run(code, tmp_path / "cc", env={"HOME": home}, cwd=work)
    assert out.startswith("True")
    assert not [name for name in os.listdir(work) if name != "relative"]


@needs_root
@pytest.mark.parametrize("what", ["read-only", "no permission"])
def test_a_cache_that_may_be_read_only(tmp_path, what):
    """What is there is used; what is not is compiled for the session, with one line."""
    place = tmp_path / "cc"
    out, _ = run(PROGRAM.format(n=1), place)
    before = {path: path.stat().st_mtime_ns for path in objects(place)}
    prefix = ("unshare", "-m", "bash", "-c", f'mount --bind -o ro "{place}" "{place}" && mount -o remount,ro,bind "{place}" && exec "$@"', "bash")  # fmt: skip
    if what == "no permission":
        subprocess.run(["chown", "-R", "54321", place], check=True)
        _open_way(tmp_path)
        (place / "c").chmod(0o500)
        prefix = ("setpriv", "--reuid=54321", "--clear-groups")
    elif subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    again, err = run(PROGRAM.format(n=1), place, prefix=prefix, cwd="/")
    assert again == out
    assert "cannot be written" in err
    assert err.count("\n") == 1
    other, err = run(PROGRAM.format(n=2), place, prefix=prefix, cwd="/")
    assert other.startswith("0x")
    assert "Traceback" not in err
    assert {path: path.stat().st_mtime_ns for path in objects(place)} == before


def test_no_temporary_directory(tmp_path):
    """The cache serves as long as it can be written; without it Python does, and says so."""
    code = "import tempfile\ntempfile._candidate_tempdir_list = lambda: []\n"
    hide = "import os.path\nold = os.path.isdir\nos.path.isdir = lambda p: p not in ('/dev/shm', '/var/tmp') and old(p)\n"
    out, err = run(code + PROGRAM.format(n=1), tmp_path / "cc")
    assert out.startswith("0x")
    assert err == ""
    out, err = run(code + hide + PROGRAM.format(n=1), "/dev/null/cc")
    assert out.startswith("0x")
    assert "Traceback" not in err
    assert "temporary" in err
    assert err.count("\n") <= 2


def test_a_temporary_directory_that_others_can_write_is_not_used(tmp_path):
    """Without the sticky bit anybody may exchange what lies in it."""
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    tmp.chmod(0o777)
    out, _ = run(CHECK, "/dev/null/cc", env={"TMPDIR": str(tmp)})
    assert out.startswith("False")
    assert str(tmp) not in out.split()[-1]
    assert not os.listdir(tmp)
    tmp.chmod(0o1777)
    out, _ = run(CHECK, "/dev/null/cc", env={"TMPDIR": str(tmp)})
    assert str(tmp) in out.split()[-1]
    assert not os.listdir(tmp), "the session's place was left"


@pytest.mark.parametrize("umask", [0, 0o002, 0o077, 0o277, 0o777])
def test_modes_do_not_depend_on_the_umask(tmp_path, umask):
    code = f"import os; os.umask({umask})\n{PROGRAM.format(n=1)}"
    _, err = run(code, tmp_path / "new" / "cc")
    assert err == ""
    for path in (tmp_path / "new").rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


# ---------------------------------------------------------------- other users


@needs_root
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("how", ["owner", "group", "world", "link"])
def test_every_component_is_judged(tmp_path, depth, how):
    """One directory of the way belongs to another user, or can be written by one: refused."""
    parts = [tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/c", tmp_path / "a/b/c/cc"]
    for part in parts:
        part.mkdir(mode=0o700)
    assert trusted_directory(parts[3]) is None
    victim = parts[depth]
    if how == "owner":
        os.chown(victim, OTHER, OTHER)
    elif how == "link":
        moved = tmp_path / "moved"
        victim.rename(moved)
        victim.symlink_to(moved)
        os.chown(victim, OTHER, OTHER, follow_symlinks=False)
    else:
        victim.chmod(0o770 if how == "group" else 0o707)
    reason = trusted_directory(parts[3])
    assert str(victim) in reason
    cache = Cache(parts[3])
    assert not cache.persistent
    assert cache.get(KEY, lambda directory: b"object").parent != parts[3]
    assert not list(parts[3].glob("*.so"))


@needs_root
def test_a_link_of_another_user_behind_a_link_of_ours(tmp_path):
    """Each link of a chain is judged, not only the first and where they lead."""
    private, shared = tmp_path / "private", tmp_path / "shared"
    (private / "cc").mkdir(parents=True)
    for place in (private, private / "cc"):
        place.chmod(0o700)
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "theirs").symlink_to(private)
    os.chown(shared / "theirs", OTHER, OTHER, follow_symlinks=False)
    (tmp_path / "ours").symlink_to(shared / "theirs")
    assert "symbolic link of user" in trusted_directory(tmp_path / "ours" / "cc")
    os.chown(shared / "theirs", 0, 0, follow_symlinks=False)
    assert settle(tmp_path / "ours" / "cc") == (str(private / "cc"), None)


def test_dots_after_a_link_are_those_of_the_system(tmp_path):
    """``link/..`` is beside the target, not beside the link: what is judged is what is used."""
    (tmp_path / "far" / "away").mkdir(parents=True)
    for place in (tmp_path / "far", tmp_path / "far" / "away"):
        place.chmod(0o700)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    place, reason = make_private(tmp_path / "link" / ".." / "cc")
    assert (place, reason) == (str(tmp_path / "far" / "cc"), None)
    cache = Cache(tmp_path / "link" / ".." / "cc")
    assert cache.directory == tmp_path / "far" / "cc"


def test_links_that_go_round(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert "symbolic link" in trusted_directory(tmp_path / "a" / "cc")


@needs_root
def test_planted_objects_are_not_loaded(tmp_path):
    """Another user offers objects with right digests, in a sticky directory that all may write."""
    place = tmp_path / "cc"
    wanted, _ = run(PROGRAM.format(n=1), place)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (tmp_path / "evil.c").write_text(
        f'#include <stdlib.h>\n__attribute__((constructor)) static void f(void) {{ system("touch {tmp_path}/pwned"); }}\n'
    )
    subprocess.run(["gcc", "-shared", "-o", tmp_path / "evil.so", tmp_path / "evil.c"], check=True)
    # The digest holds no secret: it guards against accidents, owner and mode against people.
    evil = Cache(tmp_path / "kitchen")
    planted = shared / "cc" / "c"
    planted.mkdir(parents=True)
    for path in objects(place):
        made = evil.put(path.stem, (tmp_path / "evil.so").read_bytes())
        shutil.copy(made, planted / path.name)
    for mode in (0o700, 0o755, 0o777):
        for path in (shared / "cc", planted, *planted.iterdir()):
            os.chown(path, OTHER, OTHER)
            path.chmod(mode)
        out, err = run(PROGRAM.format(n=1), shared / "cc")
        assert out == wanted
        assert f"belongs to user {OTHER}" in err
        assert not (tmp_path / "pwned").exists()
    # The directory is ours, the object is not.
    shutil.copy(planted / objects(place)[0].name, objects(place)[0])
    os.chown(objects(place)[0], OTHER, OTHER)
    assert run(PROGRAM.format(n=1), place) == (wanted, "")
    assert not (tmp_path / "pwned").exists()


@needs_root
def test_two_users_each_have_their_own(tmp_path):
    """The same setting for two users, in a place both may write: the second one is on its own."""
    shared = tmp_path / "shared"
    shared.mkdir()
    _open_way(tmp_path)
    shared.chmod(0o1777)
    prefix = ("setpriv", f"--reuid={OTHER}", "--clear-groups")
    first, err = run(PROGRAM.format(n=1), shared / "cc", prefix=prefix, cwd="/")
    assert err == ""
    second, err = run(PROGRAM.format(n=1), shared / "cc")
    assert first == second
    assert "belongs to user" in err
    assert {path.stat().st_uid for path in (shared / "cc").rglob("*")} == {OTHER}


def test_a_container_that_does_not_know_root(tmp_path):
    """In a user namespace / belongs to nobody; that is no reason to distrust it."""
    prefix = ("unshare", "--user")
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("namespaces are not allowed here")
    code = (
        "from pytensor.link.c import trust\nimport os\n"
        "print(os.stat('/').st_uid == os.geteuid(), trust._unmapped_root(), "
        "trust._why_foreign('/', os.stat('/')), trust._why_foreign('/a/b', os.stat('/')))"
    )
    # Everything is nobody's there, also the user's own files: only the rule itself can be tried.
    out, _ = run(code, tmp_path / "cc", prefix=prefix)
    assert out.split()[1] != "None"
    assert out.split()[2] == "None"


@needs_root
@pytest.mark.parametrize("change", ["foreign", "writable"])
def test_settings_of_others_are_not_read(tmp_path, change):
    """A settings file names programs to run: only the user's own counts."""
    rc = tmp_path / "rc"
    evil = script(tmp_path / "evil-gcc", f"open({str(tmp_path / 'pwned')!r}, 'w')")
    rc.write_text(f"[global]\ncxx = {evil}\n")
    env = environment(tmp_path / "cc", {"PYTENSORRC": str(rc)})
    code = "from pytensor import config; print(config.cxx)"

    def ask():
        return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=ROOT)  # fmt: skip

    assert ask().stdout.strip() == str(evil)
    os.chown(rc, OTHER, 0) if change == "foreign" else rc.chmod(0o666)
    asked = ask()
    assert "evil" not in asked.stdout
    assert "could have been written by another user" in asked.stderr
