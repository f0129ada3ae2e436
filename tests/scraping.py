"""Reading a metrics page as Prometheus does: over HTTP, with the client library's own parser."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@dataclass(frozen=True, slots=True)
class Scraped:
    """The samples of one scrape."""

    samples: tuple[Sample, ...]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels; 0 where there is none."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def names(self) -> set[str]:
        """The names of the samples."""
        return {sample.name for sample in self.samples}


def scrape(port: int) -> Scraped:
    """Scrape the page on this port of the local host."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return parsed(answer.read().decode())


def parsed(text: str) -> Scraped:
    """The samples of a page."""
    families = text_string_to_metric_families(text)
    return Scraped(tuple(sample for family in families for sample in family.samples))
