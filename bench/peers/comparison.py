"""Every peer beside Soniq: the measurements, and the table they end in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rich.table import Table

from bench.measurement import Measure, Results
from bench.peers.catalogue import PEERS, Peer
from bench.peers.runs import peer_bulk, peer_drain, peer_latency, peer_singles
from bench.rows import megabytes, milliseconds, per_second
from bench.scenarios import drain, enqueue, latency

PRODUCERS = 10
CHUNKS = (1_000, 5_000)

# What is compared: the measurement's name among Soniq's own, its part, the heading, the unit.
COLUMNS: list[tuple[str, str, str, Callable[[float], str]]] = [
    ("enqueue-10", "rate", "enqueue by 10", per_second),
    ("bulk", "rate", "bulk", per_second),
    ("drain", "rate", "drain", per_second),
    ("latency", "p50", "pick-up p50", milliseconds),
    ("latency", "p99", "pick-up p99", milliseconds),
    ("drain", "memory", "memory", megabytes),
]

OWN: dict[str, Measure] = {
    "enqueue-10": enqueue.SINGLES["enqueue-10"],
    "bulk": enqueue.BULK["bulk"],
    "drain": drain.MEASUREMENTS["drain"],
    "latency": latency.MEASUREMENTS["latency"],
}


def groups(peers: Sequence[Peer]) -> list[Mapping[str, Measure]]:
    """Soniq and the `peers` in turn, one group a kind of measurement."""
    return [
        {"enqueue-10": OWN["enqueue-10"]}
        | {f"{peer.name} enqueue-10": _enqueue(peer) for peer in peers},
        {"bulk": OWN["bulk"]} | {name: run for peer in peers for name, run in _bulks(peer)},
        {"drain": OWN["drain"]} | {name: run for peer in peers for name, run in _drains(peer)},
        {"latency": OWN["latency"]}
        | {f"{peer.name} latency": partial(peer_latency, peer) for peer in peers},
    ]


def _enqueue(peer: Peer) -> Measure:
    return partial(peer_singles, peer, producers=PRODUCERS)


def _bulks(peer: Peer) -> list[tuple[str, Measure]]:
    return [(f"{peer.name} bulk, {n:,} a call", partial(peer_bulk, peer, chunk=n)) for n in CHUNKS]


def _drains(peer: Peer) -> list[tuple[str, Measure]]:
    return [
        (f"{peer.name} drain, {said}", partial(peer_drain, peer, options=options))
        for said, options in peer.settings.items()
    ]


def table(peers: Sequence[Peer], results: Results, *, title: str) -> Table:
    """One line a queue, medians; under each figure of a peer what Soniq's is times that."""
    made = Table(title=title, title_justify="left", pad_edge=False, show_lines=True)
    made.add_column("queue")
    for _, _, heading, _ in COLUMNS:
        made.add_column(heading, justify="right")
    made.add_row("Soniq", *[_own(results, *column) for column in COLUMNS])
    for peer in peers:
        made.add_row(peer.title, *[_theirs(peer, results, *column) for column in COLUMNS])
    return made


def _own(
    results: Results, kind: str, part: str, _heading: str, unit: Callable[[float], str]
) -> str:
    value = results.median(f"{kind}:{part}")
    return unit(value) if value is not None else "not measured"


def _theirs(
    peer: Peer, results: Results, kind: str, part: str, _heading: str, unit: Callable[[float], str]
) -> str:
    found = best(peer, results, kind, part)
    own = results.median(f"{kind}:{part}")
    if found is None or own is None:
        return "not measured"
    name, value = found
    setting = name.partition(", ")[2]
    lines = [unit(value), f"[dim]{own / value:.2f} x[/]", f"[dim]{setting}[/]" if setting else ""]
    return "\n".join(line for line in lines if line)


def best(peer: Peer, results: Results, kind: str, part: str) -> tuple[str, float] | None:
    """The peer's measurement of `kind` that has the best rate, and its median of `part`."""
    ranked = "rate" if part == "memory" else part
    names = [
        name
        for figure in results.samples
        if (name := figure.partition(":")[0]).startswith(f"{peer.name} {kind}")
        and figure.endswith(f":{ranked}")
    ]
    if not names:
        return None
    name = max(names, key=lambda name: results.median(f"{name}:{ranked}") or 0.0)
    value = results.median(f"{name}:{part}")
    return None if value is None else (name, value)


def by_name(names: Sequence[str] | None) -> list[Peer]:
    """The peers of those `names`, all of them for None."""
    return [peer for peer in PEERS if not names or peer.name in names]
