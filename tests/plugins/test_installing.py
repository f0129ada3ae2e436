"""Where plugins come from, and in which order they take their turns."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from soniq import Soniq
from soniq.errors import (
    SONIQ_APP_FROZEN,
    SONIQ_INIT_ERROR,
    SONIQ_PLUGIN_DUPLICATE,
    SoniqError,
)
from soniq.plugins import Plugin, sources
from tests.plugins.conftest import Diary, Named


class Smallest(Plugin):
    @staticmethod
    def get_identifier() -> str:
        return "tests.smallest"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that the setting can name."""
    module = ModuleType("plugins_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_an_identifier_is_all_that_a_plugin_must_have() -> None:
    app = Soniq(backend="memory", plugins=[Smallest()])
    assert list(app.plugins) == ["tests.smallest"]
    assert isinstance(app.plugins["tests.smallest"], Smallest)
    assert "tests.other" not in app.plugins
    with pytest.raises(TypeError, match="abstract"):
        Plugin()  # type: ignore[abstract]


def test_the_plugins_of_an_app_are_read_only() -> None:
    app = Soniq(backend="memory")
    with pytest.raises(TypeError):
        app.plugins["tests.smallest"] = Smallest()  # type: ignore[index]
    assert app.plugins.list() == []


async def test_a_plugin_with_an_init_of_its_own_need_not_call_the_one_of_the_base() -> None:
    plugin = Named("tests.mute")
    plugin.wake_up()
    assert await plugin.sleep(0.001) is False


def test_plugins_are_installed_in_order_and_their_dependencies_before_them() -> None:
    pages: list[Any] = []
    late = Diary("late", needs=["early"], pages=pages)
    plugins = [late, Diary("between", pages=pages), Diary("early", pages=pages)]
    app = Soniq(backend="memory", plugins=plugins)
    assert pages == [("early", "install"), ("late", "install"), ("between", "install")]
    assert [plugin.identifier for plugin in app.plugins.list() if isinstance(plugin, Diary)] == [
        "early",
        "late",
        "between",
    ]


def test_install_may_register_jobs() -> None:
    class Jobs(Smallest):
        def install(self, app: Soniq) -> None:
            @app.job(name="plugin.work")
            async def work() -> None: ...

    app = Soniq(backend="memory", plugins=[Jobs()])
    assert app._get_job_registry().names() == ("plugin.work",)


def test_use_adds_a_plugin_and_gives_it_back() -> None:
    app = Soniq(backend="memory")
    plugin = Diary()
    assert app.use(plugin) is plugin
    assert plugin.pages == [("tests.diary", "install")]
    assert app.plugins.list() == [plugin]


def test_a_plugin_whose_install_fails_is_not_there() -> None:
    class Broken(Smallest):
        def install(self, app: Soniq) -> None:
            raise OSError("no")

    app = Soniq(backend="memory")
    with pytest.raises(OSError, match="no"):
        app.use(Broken())
    assert not app.plugins


def test_two_plugins_of_one_identifier_are_refused() -> None:
    with pytest.raises(SoniqError) as refused:
        Soniq(backend="memory", plugins=[Smallest(), Smallest()])
    assert refused.value.error_code == SONIQ_PLUGIN_DUPLICATE
    assert refused.value.context == {"identifier": "tests.smallest"}
    app = Soniq(backend="memory", plugins=[Smallest()])
    with pytest.raises(SoniqError) as refused:
        app.use(Smallest())
    assert refused.value.error_code == SONIQ_PLUGIN_DUPLICATE


def test_two_plugins_that_record_migrations_under_one_key_are_refused() -> None:
    class Keyed(Named):
        def migrate_key(self) -> str:
            return "same"

    with pytest.raises(SoniqError, match="'same'") as refused:
        Soniq(backend="memory", plugins=[Keyed("one"), Keyed("two")])
    assert refused.value.error_code == SONIQ_PLUGIN_DUPLICATE


@pytest.mark.parametrize(
    ("given", "told"),
    [(Smallest, r"Smallest\(\), not Smallest"), ("tests.smallest", "subclass of")],
)
def test_what_is_no_plugin_is_refused(given: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        Soniq(backend="memory", plugins=[given])


async def test_an_initialised_app_takes_no_more_plugins() -> None:
    async with Soniq(backend="memory") as app:
        with pytest.raises(SoniqError) as refused:
            app.use(Smallest())
        assert refused.value.error_code == SONIQ_APP_FROZEN


async def test_a_missing_dependency_is_named_at_initialisation() -> None:
    app = Soniq(backend="memory", plugins=[Named("needy", needs=["tests.smallest"])])
    with pytest.raises(SoniqError, match=r"'needy' depends on .*'tests\.smallest'") as refused:
        await app.ensure_initialized()
    assert refused.value.error_code == SONIQ_INIT_ERROR
    assert not app.is_initialized
    app.use(Smallest())
    async with app:
        assert app.is_initialized


async def test_plugins_that_depend_on_each_other_are_refused() -> None:
    app = Soniq(backend="memory", plugins=[Named("a", needs=["b"]), Named("b", needs=["a"])])
    with pytest.raises(SoniqError, match="depend on each other") as refused:
        await app.ensure_initialized()
    assert refused.value.error_code == SONIQ_INIT_ERROR


# --- from elsewhere -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [Smallest, Smallest(), lambda: Named("tests.smallest")],
    ids=["class", "instance", "factory"],
)
def test_the_setting_names_a_class_an_instance_or_a_factory(
    given: Any, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.__dict__["given"] = given
    monkeypatch.setenv("SONIQ_PLUGINS", "plugins_of_a_test:given")
    app = Soniq(backend="memory", plugins=[Named("first")])
    assert list(app.plugins) == ["first", "tests.smallest"]


def _raise() -> None:
    raise RuntimeError("not today")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("plugins_of_a_test", "not written as module:attribute"),
        ("no_such_module_at_all:given", "ModuleNotFoundError"),
        ("plugins_of_a_test:nothing", "AttributeError"),
        ("plugins_of_a_test:text", "it is a str and no plugin"),
        ("plugins_of_a_test:raising", "not today"),
    ],
)
def test_a_setting_that_names_no_plugin_says_what_is_wrong(
    named: str, told: str, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.__dict__.update(text="text", raising=_raise)
    monkeypatch.setenv("SONIQ_PLUGINS", named)
    with pytest.raises(SoniqError, match=told) as refused:
        Soniq(backend="memory")
    assert refused.value.error_code == SONIQ_INIT_ERROR
    assert named in refused.value.message


@pytest.fixture
def announce(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have installed packages announce entry points."""

    def announced(**entries: str) -> None:
        found = [EntryPoint(name, value, sources.GROUP) for name, value in entries.items()]

        def entry_points(*, group: str) -> list[EntryPoint]:
            return [entry for entry in found if entry.group == group]

        monkeypatch.setattr(sources, "entry_points", entry_points)

    return announced


def test_entry_points_are_used_only_when_asked_for(
    module: ModuleType, announce: Callable[..., None]
) -> None:
    module.__dict__["given"] = Smallest
    announce(smallest="plugins_of_a_test:given")
    assert list(Soniq(backend="memory").plugins) == []
    assert list(Soniq(backend="memory", autoload_plugins=True).plugins) == ["tests.smallest"]


def test_an_entry_point_that_cannot_be_loaded_is_named(announce: Callable[..., None]) -> None:
    announce(broken="no_such_module_at_all:Plugin")
    with pytest.raises(SoniqError, match=r"'broken'.*no_such_module_at_all") as refused:
        Soniq(backend="memory", autoload_plugins=True)
    assert refused.value.error_code == SONIQ_INIT_ERROR
