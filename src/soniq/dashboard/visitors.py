"""Who is looking at the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["reader", "operator"]
SignedInBy = Literal["key", "host", "open"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may look, and perhaps change something.

    Attributes:
        role: a reader looks, an operator changes.
        signed_in_by: the key, the host application's own authorisation, or nothing at all.
        actor: a name for the record of what was done.
        address: where the request came from.
        in_browser: what it showed is what a browser sends along by itself, also for other sites.
    """

    role: Role
    signed_in_by: SignedInBy
    actor: str
    address: str
    in_browser: bool = True

    @property
    def may_write(self) -> bool:
        return self.role == "operator"
