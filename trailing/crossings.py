"""Which positions' bands a price leaves, without a look at the others. Pure.

Lower and upper bounds are two heaps, the next one to be reached on top: a price that leaves no band costs two
comparisons. A bound that nobody has any more stays in its heap until it is reached or the heap is built anew.
"""

from __future__ import annotations

import heapq
from decimal import Decimal

from trailing.thresholds import Band

NEVER = Decimal("Infinity")
# so many bounds that nobody has are not worth building a heap anew
FEW = 64


class Crossings:
    """Bands of one contract, by position."""

    def __init__(self) -> None:
        self._bands: dict[int, Band] = {}
        # a falling price reaches lower bounds as a rising one reaches upper bounds, with signs changed
        self._lower, self._upper = _Bounds(), _Bounds()
        # nothing is reached between them; after a removal they may be nearer than they need
        self._floor, self._ceiling = -NEVER, NEVER

    def __len__(self) -> int:
        return len(self._bands)

    def set(self, position_id: int, band: Band) -> None:
        self.remove(position_id)
        self._bands[position_id] = band
        if band.lower is not None:
            self._lower.add(band.lower.copy_negate(), position_id)
            self._floor = max(self._floor, band.lower)
        if band.upper is not None:
            self._upper.add(band.upper, position_id)
            self._ceiling = min(self._ceiling, band.upper)

    def remove(self, position_id: int) -> None:
        """A position that is not here is no error."""
        band = self._bands.pop(position_id, None)
        if band is None:
            return
        if band.lower is not None:
            self._lower.remove(band.lower.copy_negate(), position_id)
        if band.upper is not None:
            self._upper.remove(band.upper, position_id)

    def take_left(self, price: Decimal) -> list[int]:
        """Positions whose band this price leaves, however far it jumped. They are out until they are set again."""
        if self._floor < price < self._ceiling:
            return []
        left = self._lower.reached(price.copy_negate()) | self._upper.reached(price)
        for position_id in left:
            self.remove(position_id)
        self._floor, self._ceiling = self._lower.next.copy_negate(), self._upper.next
        return sorted(left)


class _Bounds:
    """Bounds that a rising price reaches. Positions with an equal one share a node."""

    def __init__(self) -> None:
        self._nodes: dict[Decimal, set[int]] = {}
        self._heap: list[Decimal] = []

    @property
    def next(self) -> Decimal:
        return self._heap[0] if self._heap else NEVER

    def add(self, bound: Decimal, position_id: int) -> None:
        if bound in self._nodes:
            self._nodes[bound].add(position_id)
        else:
            self._nodes[bound] = {position_id}
            heapq.heappush(self._heap, bound)

    def remove(self, bound: Decimal, position_id: int) -> None:
        node = self._nodes.get(bound, set())
        node.discard(position_id)
        if not node and self._nodes.pop(bound, None) is not None:
            self._shrink()

    def _shrink(self) -> None:
        if len(self._heap) > 2 * len(self._nodes) + FEW:
            self._heap = list(self._nodes)
            heapq.heapify(self._heap)

    def reached(self, price: Decimal) -> set[int]:
        """Takes their nodes out."""
        found: set[int] = set()
        while self._heap and self._heap[0] <= price:
            found |= self._nodes.pop(heapq.heappop(self._heap), set())
        return found
