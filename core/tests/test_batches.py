from __future__ import annotations

from gombus.batches import Batches


class Batch:
    def __init__(self, total: int) -> None:
        self.total = self.left = total


def test_all_batches_are_counted_together_until_each_has_ended() -> None:
    shown: list[tuple[int, int]] = []
    batches = Batches(lambda done, total: shown.append((done, total)))
    first, second = Batch(2), Batch(3)
    for batch in (first, second):
        batches.begun(batch)
    for batch in (first, second, first, second, second):
        batch.left -= 1
        batches.changed(batch)
    assert shown == [(0, 2), (0, 5), (1, 5), (2, 5), (1, 3), (2, 3), (0, 0)]


def test_nobody_is_shown_a_batch_whose_client_has_left() -> None:
    shown: list[tuple[int, int]] = []
    batches = Batches(lambda done, total: shown.append((done, total)))
    batch, other = Batch(4), Batch(2)
    batches.begun(batch)
    batches.begun(other)
    batch.left = 0
    batches.client_left()
    # It may be carried out all the same.
    batches.changed(batch)
    assert shown == [(0, 4), (0, 6), (0, 2)]
