"""Counts that several processes keep together, and that outlive each of them."""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_log = logging.getLogger("soniq.supervisor")

_SUMMED: Final = ("counter", "histogram", "summary")
_TORN: Final = (struct.error, RuntimeError, ValueError)


class SharedCounts(Collector):
    """A folder in which each process keeps its numbers in files; it goes with the block.

    A process that has ended leaves its totals, for no total may ever fall, and takes its gauges
    along. However many have ended, their totals lie in one file of each kind.
    """

    def __init__(self) -> None:
        self._temporary = TemporaryDirectory(prefix="soniq-metrics-")
        self._folder = Path(self._temporary.name)
        # A scrape must not find totals in two files, nor in none.
        self._moving = threading.Lock()
        self._files = MultiProcessCollector(None, path=str(self._folder))  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.registry.register(self)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process must find in its environment to count here."""
        return {"PROMETHEUS_MULTIPROC_DIR": str(self._folder)}

    def collect(self) -> Iterable[Metric]:
        """The sums over all processes."""
        with self._moving:
            return list(self._files.collect())  # type: ignore[no-untyped-call]

    def ended(self, pid: int) -> None:
        """Take over from this process, which has ended."""
        with self._moving:
            mark_process_dead(pid, path=str(self._folder))  # type: ignore[no-untyped-call]
            for kind in _SUMMED:
                for left in self._folder.glob(f"{kind}_{pid}[-.]*"):
                    self._take_over(left, kind)

    def _take_over(self, left: Path, kind: str) -> None:
        totals = MmapedDict(str(self._folder / f"{kind}_ended.db"))  # type: ignore[no-untyped-call]
        try:
            for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(left)):  # type: ignore[no-untyped-call]
                before, _ = totals.read_value(key)  # type: ignore[no-untyped-call]
                totals.write_value(key, before + value, timestamp)  # type: ignore[no-untyped-call]
        except _TORN as error:
            # Killed while it wrote; left there, the file would spoil every scrape.
            _log.warning("Some counts of an ended worker process are lost: %r", error)
        finally:
            totals.close()  # type: ignore[no-untyped-call]
            left.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()
