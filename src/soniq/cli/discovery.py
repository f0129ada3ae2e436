"""Finding the Soniq instance a command is about, and importing the code of its jobs."""

from __future__ import annotations

import importlib
import operator
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from soniq.app import Soniq
from soniq.backends.urls import shown
from soniq.cli.database_urls import same_database
from soniq.cli.failures import CommandFailed, in_one_line
from soniq.errors import masked
from soniq.settings import SoniqSettings


@dataclass(frozen=True, slots=True)
class Source:
    """Where the command line says that the instance and the jobs are.

    Attributes:
        app: ``module:attribute``, or a module to search; None searches `modules`.
        modules: what else to import.
        database_url: the database to use, where it may be chosen.
    """

    app: str | None
    modules: tuple[str, ...]
    database_url: str | None


@dataclass(frozen=True, slots=True)
class Located:
    """The instance to use and the modules that were imported for it."""

    app: Soniq
    modules: tuple[str, ...]
    found: bool
    """False for a fresh instance, which knows no jobs."""


def source_from(app: str | None, modules: Sequence[str], database_url: str | None) -> Source:
    """What the command line names, joined to the configured modules."""
    configured = SoniqSettings().jobs_modules
    return Source(app, tuple(dict.fromkeys([*modules, *configured])), database_url)


def locate(source: Source) -> Located:
    """Import what `source` names and pick the instance.

    Raises:
        CommandFailed: an import failed, there is no such instance, more than one could be meant, or
            the one found is bound to another database than the one asked for.
    """
    module_name, colon, attribute = (source.app or "").partition(":")
    if colon and not (module_name and attribute):
        raise CommandFailed(
            f"APP is written as module:attribute, like myapp.jobs:app; got {source.app}."
        )
    names = tuple(dict.fromkeys(filter(None, [module_name, *source.modules])))
    modules = _import_all(names)
    if attribute:
        app = _attribute(modules[module_name], attribute)
    elif module_name:
        app = _required(_instances({module_name: modules[module_name]}), module_name)
    else:
        return _from_modules(modules, source.database_url)
    if source.database_url is not None:
        app._use_database_url(source.database_url)
    return _with_its_modules(app, names)


def _from_modules(modules: Mapping[str, ModuleType], database_url: str | None) -> Located:
    app = _chosen(_instances(modules))
    if app is None:
        return Located(Soniq(database_url=database_url), tuple(modules), found=False)
    if database_url is not None:
        _agree(app, database_url)
    return _with_its_modules(app, tuple(modules))


def _with_its_modules(app: Soniq, imported: tuple[str, ...]) -> Located:
    """The instance found, once the modules that its own code names are imported too."""
    more = tuple(name for name in app.settings.jobs_modules if name not in imported)
    _import_all(more)
    return Located(app, imported + more, found=True)


def _import_all(names: Sequence[str]) -> dict[str, ModuleType]:
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    modules: dict[str, ModuleType] = {}
    failures: list[str] = []
    for name in names:
        try:
            modules[name] = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a user's module does
            failures.append(f"{name}: {masked(in_one_line(error))}{_spelling_hint(name)}")
    if failures:
        raise CommandFailed(
            f"{len(failures)} of {len(names)} modules could not be imported.",
            *failures,
            f"Modules are looked for in {here} and on PYTHONPATH; "
            "set PYTHONPATH to the folder that holds yours, or fix what its import raises.",
        )
    return modules


def _spelling_hint(name: str) -> str:
    if not name.endswith(".py") and "/" not in name:
        return ""
    dotted = name.removeprefix("./").removesuffix(".py").replace("/", ".")
    return f" (a module is named with dots: {dotted})"


def _attribute(module: ModuleType, attribute: str) -> Soniq:
    try:
        found = operator.attrgetter(attribute)(module)
    except AttributeError:
        names = ", ".join(_instances({module.__name__: module}))
        raise CommandFailed(
            f"Module {module.__name__} has no attribute {attribute!r}; "
            + (f"did you mean {names}?" if names else "it holds no Soniq instance.")
        ) from None
    if not isinstance(found, Soniq):
        raise CommandFailed(
            f"{module.__name__}:{attribute} is a {type(found).__name__}, not a Soniq instance."
        )
    return found


def _instances(modules: Mapping[str, ModuleType]) -> dict[str, Soniq]:
    """The instances that modules hold, each under the first name it was found by."""
    found: dict[int, tuple[str, Soniq]] = {}
    for module_name, module in modules.items():
        for attribute, value in vars(module).items():
            if isinstance(value, Soniq):
                found.setdefault(id(value), (f"{module_name}:{attribute}", value))
    return dict(found.values())


def _required(instances: Mapping[str, Soniq], module_name: str) -> Soniq:
    app = _chosen(instances)
    if app is None:
        raise CommandFailed(
            f"Module {module_name} holds no Soniq instance; name one as {module_name}:attribute."
        )
    return app


def _chosen(instances: Mapping[str, Soniq]) -> Soniq | None:
    """The only instance, else the only one that has jobs; None when there is none at all."""
    if len(instances) <= 1:
        return next(iter(instances.values()), None)
    with_jobs = {name: app for name, app in instances.items() if app._get_job_registry().names()}
    if len(with_jobs) == 1:
        return next(iter(with_jobs.values()))
    raise CommandFailed(
        f"Several Soniq instances {'with jobs ' if with_jobs else ''}were found: "
        f"{', '.join(with_jobs or instances)}. Name the one to use with --app."
    )


def _agree(app: Soniq, database_url: str) -> None:
    own = app._database_url()
    if own is None:
        app._use_database_url(database_url)
    elif not same_database(own, database_url):
        raise CommandFailed(
            f"--database-url {shown(database_url)} conflicts with the database of the instance "
            f"found, {shown(own)}. Leave it out, or name the instance with --app to override it."
        )
