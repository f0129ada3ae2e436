"""What a store must do for the tables of plugins. These docstrings specify every backend.

A plugin's migrations are recorded beside Soniq's own, in ``soniq_migrations``: under negative
versions, which no version of Soniq takes for its own, and as ``key/0001_name``. The rules of
`soniq.backends.base` hold here too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, NamedTuple, Protocol

from soniq.backends.diagnosis import SchemaState
from soniq.errors import SONIQ_SCHEMA_MISSING, SONIQ_SCHEMA_TOO_NEW, MigrationError, SoniqError

_FILE: Final = re.compile(r"(?P<name>(?P<version>\d+)_\w+)\.sql")
_COMPATIBLE: Final = re.compile(r"^-- compatible_with: (\d+)\s*$", re.MULTILINE)


class MigrationPackage(NamedTuple):
    """Where the migrations of one plugin are."""

    key: str
    """Under which they are recorded."""
    package: str
    """Import path of the package with a folder for each kind of store."""


class PluginTables(Protocol):
    """The tables that plugins bring along."""

    async def check(self, packages: Sequence[MigrationPackage]) -> None:
        """Return when the tables of Soniq and of these packages are there and fit.

        A store that creates its tables on first use creates those of the packages, too.

        Raises:
            SoniqError: SONIQ_SCHEMA_MISSING or SONIQ_SCHEMA_TOO_NEW.
            MigrationError: a package has nothing for this kind of store, or one failed.
        """
        ...

    async def apply(self, packages: Sequence[MigrationPackage]) -> list[str]:
        """Apply what is missing and return its names, each as ``key/0001_name``.

        Each package is one transaction; concurrent calls are serialised, and the later ones find
        nothing to do. Soniq's own tables are there.

        Raises:
            MigrationError: one failed; what its package had changed in this call was rolled back.
            SoniqError: SONIQ_SCHEMA_TOO_NEW.
        """
        ...

    async def migrations(self, packages: Sequence[MigrationPackage]) -> list[tuple[str, bool]]:
        """Every migration of these packages by name, and whether it has been applied."""
        ...

    async def states(self, packages: Sequence[MigrationPackage]) -> dict[str, SchemaState]:
        """The tables of these packages by their keys, against those that this code knows."""
        ...


class PluginMigration(NamedTuple):
    """One step of a plugin's tables."""

    version: int
    name: str
    """With the key in front."""
    text: str
    compatible_with: int
    """The oldest version of the plugin's code, by its last migration, that can live with it."""

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


class Recorded(NamedTuple):
    """What the store says of a migration that was applied."""

    name: str
    compatible_with: int

    @property
    def key(self) -> str:
        return self.name.partition("/")[0]

    @property
    def version(self) -> int:
        return int(self.name.partition("/")[2].partition("_")[0])


@dataclass(frozen=True, slots=True)
class Migrations:
    """The migrations of one plugin for one kind of store, oldest first."""

    key: str
    steps: tuple[PluginMigration, ...]

    def pending(self, recorded: Iterable[Recorded]) -> list[PluginMigration]:
        """The steps that are not recorded.

        Raises:
            SoniqError: SONIQ_SCHEMA_TOO_NEW, one is recorded that this code cannot live with.
        """
        known = max((step.version for step in self.steps), default=0)
        done = [each for each in recorded if each.key == self.key]
        for each in done:
            if each.version > known and each.compatible_with > known:
                raise _too_new(self.key, each.version, known)
        names = {each.name for each in done}
        return [step for step in self.steps if step.name not in names]

    def state(self, recorded: Iterable[Recorded]) -> SchemaState:
        """How the store stands to these steps."""
        known = {step.version for step in self.steps}
        done = {each.version: each.compatible_with for each in recorded if each.key == self.key}
        newer = tuple(version for version in sorted(done) if version not in known)
        return SchemaState(
            found=bool(done),
            pending=tuple(step.name for step in self.steps if step.version not in done),
            newer=newer,
            usable=all(done[version] <= max(known, default=0) for version in newer),
        )

    def see_applied(self, recorded: Iterable[Recorded], location: str) -> None:
        """See that nothing is pending.

        Raises:
            SoniqError: SONIQ_SCHEMA_MISSING or SONIQ_SCHEMA_TOO_NEW.
        """
        if pending := self.pending(recorded):
            raise _behind(pending[0].name, location)


def load(package: MigrationPackage, kind: str) -> Migrations:
    """Read the migrations of a package for one kind of store.

    Raises:
        MigrationError: there are none, or a file does not say which number it has.
    """
    try:
        folder = files(package.package).joinpath(kind)
        found = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    except (ImportError, OSError) as error:
        raise MigrationError(
            f"{package.key}/{kind}",
            f"the package {package.package} has no folder {kind} with migrations, so this plugin "
            f"cannot keep anything in {kind}",
        ) from error
    steps = [_step(package.key, file.name, file.read_text(encoding="utf-8")) for file in found]
    return Migrations(package.key, tuple(sorted(steps)))


def _step(key: str, file: str, text: str) -> PluginMigration:
    named = _FILE.fullmatch(file)
    if named is None:
        raise MigrationError(f"{key}/{file}", "it must be named like 0001_what_it_does.sql")
    version = int(named["version"])
    compatible = _COMPATIBLE.search(text)
    oldest = int(compatible[1]) if compatible else version
    return PluginMigration(version, f"{key}/{named['name']}", text, oldest)


def _behind(name: str, location: str) -> SoniqError:
    return SoniqError(
        f"The tables of the plugin {name.partition('/')[0]} lack the migration {name}: {location}",
        SONIQ_SCHEMA_MISSING,
        {"table": name, "database": location},
        ["Run `soniq setup module:app`, with the app that has these plugins, to create it."],
    )


def _too_new(key: str, found: int, known: int) -> SoniqError:
    return SoniqError(
        f"The tables of the plugin {key} are at version {found} and need a newer release of it; "
        f"this one knows version {known}",
        SONIQ_SCHEMA_TOO_NEW,
        {"found": found, "known": known},
        ["Upgrade the plugin here to the release that was used for the last `soniq setup`."],
    )
