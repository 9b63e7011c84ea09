"""What several threads want written at once is written in one go, and nobody is left behind."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from estuary.common.db.group_commit import GroupCommit, WriteTimeout
from tests.servers import wait_until

type Group = GroupCommit[int, int]


class Paper:
    """What was written, batch by batch; writing waits while the pen is held."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.pen = threading.Lock()

    def write(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        with self.pen:
            return [ValueError(f"{item} is odd") if item % 2 else item * 10 for item in items]


@pytest.fixture
def paper() -> Paper:
    return Paper()


def group_of(write: Callable[[Sequence[int]], Sequence[int | Exception]], **other: float) -> Group:
    return GroupCommit(
        write, writers=int(other.get("writers", 1)), max_batch=4, timeout_s=other.get("timeout_s", 30)
    )


def waiting(group: Group) -> int:
    return len(group._waiting)


def queued(
    people: ThreadPoolExecutor, group: Group, paper: Paper, *items: int
) -> tuple[Future[int], list[Future[int]]]:
    """Have 0 being written, by a pen that is held, and these items waiting meanwhile."""
    first = people.submit(group, 0)
    wait_until(lambda: paper.batches == [[0]])
    others = [people.submit(group, item) for item in items]
    wait_until(lambda: waiting(group) == len(items))
    return first, others


def test_a_lone_one_waits_for_nobody(paper: Paper) -> None:
    group = group_of(paper.write)
    assert [group(2), group(4)] == [20, 40]
    assert paper.batches == [[2], [4]]


def test_who_comes_while_one_writes_is_written_by_the_next_for_all(paper: Paper) -> None:
    group = group_of(paper.write)
    with ThreadPoolExecutor(8) as people:
        with paper.pen:
            first = people.submit(group, 0)
            wait_until(lambda: paper.batches == [[0]])
            others = []
            for item in range(2, 14, 2):  # one after the other, so that their order is known
                others.append(people.submit(group, item))
                wait_until(lambda: waiting(group) == len(others))
        assert [one.result() for one in (first, *others)] == [0, 20, 40, 60, 80, 100, 120]
    assert paper.batches == [[0], [2, 4, 6, 8], [10, 12]]
    assert group(14) == 140  # the writer is free again


def test_two_writers_write_side_by_side(paper: Paper) -> None:
    group = group_of(paper.write, writers=2)
    with ThreadPoolExecutor(2) as people, paper.pen:
        futures = [people.submit(group, item) for item in (2, 4)]
        wait_until(lambda: len(paper.batches) == 2)
    assert [one.result() for one in futures] == [20, 40]


def test_what_is_wrong_with_one_is_told_to_that_one_alone(paper: Paper) -> None:
    group = group_of(paper.write)
    with ThreadPoolExecutor(3) as people:
        with paper.pen:
            first, others = queued(people, group, paper, 1, 2)
        assert first.result() == 0
        with pytest.raises(ValueError, match="1 is odd"):
            others[0].result()
        assert others[1].result() == 20


def test_what_fails_as_a_whole_is_told_to_all_and_the_next_are_written(paper: Paper) -> None:
    def fail_once(items: Sequence[int]) -> list[int | Exception]:
        written = paper.write(items)
        if len(paper.batches) == 2:
            raise ConnectionError("the line is dead")
        return written

    group = group_of(fail_once)
    with ThreadPoolExecutor(3) as people:
        with paper.pen:
            first, others = queued(people, group, paper, 2, 4)
        assert first.result() == 0
        for one in others:
            with pytest.raises(ConnectionError):
                one.result()
    assert group(6) == 60


def test_who_has_waited_for_too_long_is_told_so_and_is_not_written(paper: Paper) -> None:
    group = group_of(paper.write, timeout_s=0.05)
    with ThreadPoolExecutor(2) as people:
        with paper.pen:
            first = people.submit(group, 0)
            wait_until(lambda: paper.batches == [[0]])
            with pytest.raises(WriteTimeout):
                group(2)
        assert first.result() == 0
    assert group(4) == 40
    assert paper.batches == [[0], [4]]


def test_a_crowd_is_written_once_each(paper: Paper) -> None:
    group = group_of(paper.write, writers=2)
    with ThreadPoolExecutor(32) as people:
        assert list(people.map(group, range(0, 4000, 2))) == [item * 10 for item in range(0, 4000, 2)]
    assert sorted(item for batch in paper.batches for item in batch) == list(range(0, 4000, 2))
    assert max(map(len, paper.batches)) <= 4
