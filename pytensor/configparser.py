"""Typed settings: where a value comes from, how it is checked, how it is changed for a while.

A setting gets its value from, in this order: an assignment (``config.floatX = "float32"``), the environment
variable ``PYTENSOR_FLAGS`` (``"floatX=float32,blas__ldflags=-lopenblas"``), the file ``~/.pytensorrc`` (or the
files named in ``PYTENSORRC``), its default. Defaults are computed at the first reading, so that importing
runs nothing.

``config.change_flags(...)`` lays values over the settings *of the calling thread* until it ends; other threads keep
seeing theirs.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ContextDecorator
from typing import Any


class PyTensorConfigWarning(Warning):
    """Something in the flags or in the settings file was not understood and is ignored."""


class ConfigAccessViolation(AttributeError):
    """A setting that is fixed once it has been read was changed afterwards."""


class UnknownSetting(AttributeError, KeyError):
    """A name that is no setting was read, assigned or given to ``change_flags``."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ConfigParam:
    """One setting: its default, how a value given by the user becomes a valid one, and its documentation.

    Parameters
    ----------
    default
        The default value, or a function of the configuration that computes it at the first reading.
    apply
        Converts a value (a string when it comes from the flags) to the setting's type; raises ValueError.
    validate
        Says whether a converted value is allowed.
    mutable
        If false, the value is fixed from the first reading on.
    """

    expects = "a value"

    def __init__(
        self,
        default: object | Callable[[Any], object],
        *,
        apply: Callable[[Any], object] | None = None,
        validate: Callable[[Any], bool] | None = None,
        mutable: bool = True,
    ):
        self.default = default
        self.mutable = mutable
        self.name = "unnamed"
        self.doc = ""
        self.in_c_key = False
        self._apply = apply
        self._validate = validate

    def filter(self, value: Any) -> Any:
        """Return `value` as the setting stores it, or raise a ValueError that names the setting."""
        try:
            result = self.convert(value)
        except TypeError:  # for instance an unhashable value
            raise self._refuse(value) from None
        except ValueError as err:
            raise self._refuse(value, str(err)) from None
        if self._validate is not None and self._validate(result) is False:
            raise self._refuse(value)
        return result

    def convert(self, value: Any) -> Any:
        return value if self._apply is None else self._apply(value)

    def _refuse(self, value: object, why: str = "") -> ValueError:
        return ValueError(
            f"[config] Invalid value ({value!r}) for configuration variable {self.name!r}: "
            f"must be {why or self.expects}"
        )

    def __get__(self, config, owner=None):
        if config is None:
            return self
        return config._read(self.name)

    def __set__(self, config, value):
        config._write(self.name, value)

    def __delete__(self, config):
        raise AttributeError(f"[config] the setting {self.name!r} cannot be deleted")


class EnumStr(ConfigParam):
    """A setting with a fixed list of strings as possible values."""

    def __init__(self, default, options: Sequence[str], validate=None, mutable: bool = True):
        self.all = {*options, *([] if callable(default) else [default])}
        super().__init__(default, validate=validate, mutable=mutable)

    @property
    def expects(self) -> str:
        return f"one of the valid options {sorted(self.all)}"

    def convert(self, value):
        if value not in self.all:
            raise ValueError
        return value


class TypedParam(ConfigParam):
    """A setting whose value has one Python type."""

    def __str__(self) -> str:
        return f"{self.name} ({self.expects}) "


class StrParam(TypedParam):
    expects = "a string"

    def __init__(self, default, validate=None, mutable=True):
        super().__init__(default, validate=validate, mutable=mutable)

    def convert(self, value):
        return "" if value is None else str(value)


class IntParam(TypedParam):
    expects = "an integer"

    def __init__(self, default, validate=None, mutable=True):
        super().__init__(default, apply=int, validate=validate, mutable=mutable)

    def convert(self, value):
        try:
            return super().convert(value)
        except ValueError:
            raise ValueError(self.expects) from None


class FloatParam(TypedParam):
    expects = "a number"

    def __init__(self, default, validate=None, mutable=True):
        super().__init__(default, apply=float, validate=validate, mutable=mutable)

    def convert(self, value):
        try:
            return super().convert(value)
        except ValueError:
            raise ValueError(self.expects) from None


class BoolParam(TypedParam):
    expects = "True or False"

    def __init__(self, default, validate=None, mutable=True):
        super().__init__(default, validate=validate, mutable=mutable)

    def convert(self, value):
        if value in {False, "False", "false", "0"}:
            return False
        if value in {True, "True", "true", "1"}:
            return True
        raise ValueError


def _close_matches(name: str, names, n: int) -> list[str]:
    import difflib  # noqa: PLC0415  (only for an error message)

    return difflib.get_close_matches(name, names, n=n)


_MISSING = object()


class _Overlay(threading.local):
    """The values `change_flags` has put over the settings in this thread."""

    def __init__(self):
        self.values: dict[str, object] = {}
        self.saved: list[dict[str, object]] = []


class PyTensorConfigParser:
    """All settings, read and assigned as attributes.

    Examples
    --------
    >>> from pytensor.configdefaults import config
    >>> with config.change_flags(floatX="float32"):
    ...     config.floatX
    'float32'
    """

    def __init__(
        self,
        flags_dict: Mapping[str, str],
        pytensor_cfg: Mapping[str, str] | None = None,
        pytensor_raw_cfg: object = None,
    ):
        put = super().__setattr__
        put("_flags_dict", dict(flags_dict))
        put("_file_dict", dict(pytensor_cfg or {}))
        put("_config_var_dict", {})
        put("_values", {})
        put("_overlay", _Overlay())
        put("_n_overlays", 0)
        put("_lock", threading.Lock())

    # Reading and writing -------------------------------------------------------------------------------------

    def _read(self, name: str) -> Any:
        if self._n_overlays:
            value = self._overlay.values.get(name, _MISSING)
            if value is not _MISSING:
                return value
        try:
            return self._values[name]
        except KeyError:
            return self._resolve(name)

    def _resolve(self, name: str) -> Any:
        """Compute the value of a setting nobody has given, once."""
        param = self._param(name)
        value = param.default(self) if callable(param.default) else param.default
        return self._values.setdefault(name, param.filter(value))

    def _write(self, name: str, value: Any) -> None:
        param = self._param(name)
        value = param.filter(value)
        self._check_mutable(param, value)
        # Inside `change_flags(x=...)` an assignment to x lasts as long as the block does.
        if self._n_overlays and name in self._overlay.values:
            self._overlay.values[name] = value
        else:
            self._values[name] = value

    def _check_mutable(self, param: ConfigParam, value: object) -> None:
        if not param.mutable and self._values.get(param.name, value) != value:
            raise ConfigAccessViolation(
                f"[config] Can't change the value of the {param.name!r} setting after it has been used; "
                f"set it in PYTENSOR_FLAGS or at the start of the program"
            )

    def _param(self, name: str) -> ConfigParam:
        try:
            return self._config_var_dict[name]
        except KeyError:
            raise self._unknown(name) from None

    def _unknown(self, name: str) -> UnknownSetting:
        close = _close_matches(name, self._config_var_dict, n=2)
        hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        return UnknownSetting(f"[config] there is no setting named {name!r}{hint}")

    def __getattr__(self, name: str):
        # Only reached for names that are no setting.
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._unknown(name)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self._config_var_dict:
            raise self._unknown(name)
        super().__setattr__(name, value)

    # The table -----------------------------------------------------------------------------------------------

    def add(self, name: str, doc: str, configparam: ConfigParam, in_c_key: bool = True) -> None:
        """Add a setting. Its value from the flags or the settings file is checked at once."""
        if "." in name:
            raise ValueError(f"[config] a name must not contain '.', got {name!r}; use '__'")
        if name in self._config_var_dict:
            raise AttributeError(f"[config] the setting {name!r} exists already")
        configparam.name, configparam.doc, configparam.in_c_key = name, doc, in_c_key
        self._config_var_dict[name] = configparam
        setattr(type(self), name, configparam)
        try:
            given = self.fetch_val_for_key(name, delete_key=True)
        except KeyError:
            return
        self._values[name] = configparam.filter(given)

    def fetch_val_for_key(self, key: str, delete_key: bool = False) -> str:
        """Return what the flags, or else the settings file, say about `key`; KeyError if nothing."""
        for source in (self._flags_dict, self._file_dict):
            if key in source:
                return source.pop(key) if delete_key else source[key]
        raise KeyError(key)

    def warn_unused_flags(self) -> None:
        """Warn about flags that named no setting."""
        for key in self._flags_dict:
            hint = _close_matches(key, self._config_var_dict, n=1)
            hint = f" (did you mean {hint[0]}?)" if hint else ""
            warnings.warn(f"PyTensor does not recognise this flag: {key}{hint}", stacklevel=3)

    def __iter__(self) -> Iterator[str]:
        return iter(self._config_var_dict)

    def config_print(self, buf, print_doc: bool = True) -> None:
        """Write every setting, its documentation and its present value to the file-like `buf`."""
        for name, param in self._config_var_dict.items():
            allowed = getattr(param, "all", None)
            print(f"{name} ({', '.join(sorted(allowed)) if allowed else param.expects})", file=buf)
            if print_doc:
                print(f"    Doc:  {param.doc}", file=buf)
            print(f"    Value:  {self._read(name)}\n", file=buf)

    def __str__(self, print_doc: bool = True) -> str:
        lines: list[str] = []

        class Lines:
            write = staticmethod(lines.append)

        self.config_print(Lines, print_doc=print_doc)
        return "".join(lines)

    def get_config_hash(self) -> str:
        """Return a digest of the settings that change generated code."""
        import hashlib  # noqa: PLC0415  (slow to import, seldom needed)

        text = "\n".join(
            f"{name}={self._read(name)}"
            for name, param in sorted(self._config_var_dict.items())
            if param.in_c_key
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def change_flags(self, **kwargs) -> _ChangeFlags:
        """Change settings for the length of a ``with`` block or of a decorated function's calls.

        The change is seen by the calling thread only, and undone at the end in any case.
        """
        return _ChangeFlags(self, kwargs)

    def _push(self, changes: Mapping[str, object]) -> None:
        filtered = {name: self._param(name).filter(value) for name, value in changes.items()}
        for name, value in filtered.items():
            self._check_mutable(self._param(name), value)
        overlay = self._overlay
        overlay.saved.append({name: overlay.values.get(name, _MISSING) for name in filtered})
        overlay.values.update(filtered)
        self._count_overlays(1)

    def _pop(self) -> None:
        overlay = self._overlay
        for name, value in overlay.saved.pop().items():
            if value is _MISSING:
                del overlay.values[name]
            else:
                overlay.values[name] = value
        self._count_overlays(-1)

    def _count_overlays(self, step: int) -> None:
        with self._lock:
            object.__setattr__(self, "_n_overlays", self._n_overlays + step)


class _ChangeFlags(ContextDecorator):
    """What `change_flags` returns; holds no state of a use, so it can be entered again and from any thread."""

    def __init__(self, config: PyTensorConfigParser, changes: dict[str, object]):
        for name in changes:
            config._param(name)
        self.config = config
        self.changes = changes

    def __enter__(self):
        self.config._push(self.changes)
        return self

    def __exit__(self, *exc_info) -> None:
        self.config._pop()


def parse_config_string(config_string: str, issue_warnings: bool = True) -> dict[str, str]:
    r"""Split ``"a=b,c=d"`` into a dictionary. A comma inside a value is written ``\,``.

    In the value of a setting that holds flags of a compiler or linker, a comma needs no backslash
    if what follows is no ``name=``.

    Examples
    --------
    >>> parse_config_string("floatX=float32,blas__ldflags=-Wl,-rpath,/opt/lib -lblas")
    {'floatX': 'float32', 'blas__ldflags': '-Wl,-rpath,/opt/lib -lblas'}
    """
    flags: dict[str, str] = {}
    last = ""
    for item in config_string.replace("\\,", "\0").split(","):
        item = item.replace("\0", ",").strip()
        if not item:
            continue
        key, equals, value = item.partition("=")
        if last.endswith("flags") and not (equals and key.strip().isidentifier()):
            flags[last] += f",{item}"
        elif equals:
            last = key.strip()
            flags[last] = value
        elif issue_warnings:
            warnings.warn(
                f"Config key {item!r} has no value, ignoring it",
                PyTensorConfigWarning,
                stacklevel=2,
            )
    return flags


def config_files_from_pytensorrc() -> list[str]:
    """Return the paths of the settings files, those named in PYTENSORRC or ``~/.pytensorrc``."""
    paths = os.getenv("PYTENSORRC", "~/.pytensorrc").split(os.pathsep)
    if sys.platform == "win32" and "PYTENSORRC" not in os.environ:
        paths.append("~/.pytensorrc.txt")
    expanded = [os.path.expanduser(path) for path in paths if path]
    # Without a home "~" stays; a file below ./~ is not the user's.
    return [path for path in expanded if not path.startswith("~")]


def _is_trusted(path: str) -> bool:
    """Whether nobody else can have written a settings file: it may name programs to run."""
    if os.name != "posix" or not os.path.isfile(path):
        return os.path.isfile(path)
    info = os.stat(path)
    # 0o020: a group of one's own is usual on some systems.
    others = info.st_mode & (0o002 if info.st_gid == os.getegid() else 0o022)
    if info.st_uid in (0, os.geteuid()) and not others:
        return True
    warnings.warn(
        f"settings file ignored: {path} could have been written by another user",
        PyTensorConfigWarning,
        stacklevel=4,
    )
    return False


def read_config_files(paths: Sequence[str]) -> dict[str, str]:
    """Read settings files: ``[global]`` holds plain names, a section ``[blas]`` the names ``blas__...``."""
    paths = [path for path in paths if _is_trusted(path)]
    if not paths:
        return {}
    import configparser  # noqa: PLC0415  (only users with a settings file pay for it)

    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names are case sensitive
    try:
        parser.read(paths)
    except (configparser.Error, OSError, UnicodeDecodeError) as err:
        warnings.warn(f"settings file ignored: {err}", PyTensorConfigWarning, stacklevel=2)
        return {}
    values = {}
    for section in parser.sections():
        prefix = "" if section == "global" else section.replace(".", "__") + "__"
        for key, value in parser.items(section):
            values[prefix + key.replace(".", "__")] = value
    return values


def _create_default_config() -> PyTensorConfigParser:
    """Return a configuration with no settings yet, over the flags and files of this process."""
    return PyTensorConfigParser(
        parse_config_string(os.getenv("PYTENSOR_FLAGS", "")),
        read_config_files(config_files_from_pytensorrc()),
    )
