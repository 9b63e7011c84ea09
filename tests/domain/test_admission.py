"""Who is admitted to a database connection, and in which order: without a database, and without waiting for a clock."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from estuary.common.postgresql import admission as module
from estuary.common.postgresql.admission import ANY, PAGES, WRITES, Admission, Busy, Claim, Permit
from tests.servers import wait_until

SIZE = 5
CATALOGUE, READ, WRITE = (ANY,), (ANY, PAGES), (ANY, PAGES, WRITES)


@pytest.fixture
def admission() -> Admission:
    return Admission()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def claim(bulkheads: tuple[str, ...], *resources: str, wait_left_s: float = 60) -> Claim:
    return Claim(bulkheads, set(resources), wait_left_s)


def is_admitted(admission: Admission, bulkheads: tuple[str, ...], *resources: str) -> bool:
    try:
        admission.acquire(claim(bulkheads, *resources, wait_left_s=0), SIZE)
    except Busy:
        return False
    return True


def count_admitted(admission: Admission, bulkheads: tuple[str, ...]) -> int:
    return sum(is_admitted(admission, bulkheads, f"user {number}") for number in range(SIZE + 1))


def test_who_has_begun_goes_before_who_has_come_later(
    admission: Admission, threads: ThreadPoolExecutor
) -> None:
    permit = admission.acquire(claim(WRITE), 1)
    older, younger = claim(WRITE, "user older"), claim(WRITE, "user younger")
    late: Future[Permit] = threads.submit(admission.acquire, younger, 1)
    wait_until(lambda: len(admission._queue) == 1)
    early: Future[Permit] = threads.submit(admission.acquire, older, 1)
    wait_until(lambda: len(admission._queue) == 2)
    admission.release(permit)
    second = early.result(timeout=60)
    assert not late.done()
    admission.release(second)
    admission.release(late.result(timeout=60))


def test_a_request_waits_so_long_in_all_and_not_for_each_connection(
    admission: Admission, threads: ThreadPoolExecutor
) -> None:
    permit = admission.acquire(claim(WRITE), 1)
    patient = claim(WRITE)
    waiting = threads.submit(admission.acquire, patient, 1)
    wait_until(lambda: len(admission._queue) == 1)
    before = patient.wait_left_s
    admission.release(permit)
    waiting.result(timeout=60)
    assert patient.wait_left_s < before


def test_who_is_refused_may_note_it_on_a_connection_that_others_who_write_may_not_take(
    admission: Admission,
) -> None:
    admission.mark_contended({"practitioner 1"})
    assert count_admitted(admission, WRITE) == 3
    refused = claim(WRITE, "practitioner 1", wait_left_s=0)
    with pytest.raises(Busy):
        admission.acquire(refused, SIZE)
    assert admission.acquire(refused, SIZE) == {ANY}


def test_those_who_want_what_is_contended_take_one_connection_and_others_pass_by(
    admission: Admission, threads: ThreadPoolExecutor
) -> None:
    admission.mark_contended({"practitioner 1"})
    first = admission.acquire(claim(WRITE, "user 1", "practitioner 1"), SIZE)
    waiting = threads.submit(admission.acquire, claim(WRITE, "user 2", "practitioner 1"), SIZE)
    wait_until(lambda: len(admission._queue) == 1)
    assert is_admitted(admission, WRITE, "user 3", "practitioner 2")
    assert not waiting.done()
    admission.release(first)
    waiting.result(timeout=60)


@pytest.mark.parametrize(("bulkheads", "room"), [(CATALOGUE, 5), (READ, 4), (WRITE, 3)])
def test_while_anything_is_contended_writers_leave_room_to_readers_and_those_to_the_catalogue(
    admission: Admission, monkeypatch: pytest.MonkeyPatch, bulkheads: tuple[str, ...], room: int
) -> None:
    admission.mark_contended({"practitioner 1"})
    assert count_admitted(admission, bulkheads) == room
    assert is_admitted(admission, CATALOGUE) is (room < SIZE)
    monkeypatch.setattr(module, "CONTENDED_S", 0.0)
    admission.mark_contended({"practitioner 1"})  # and at once it is not
    assert count_admitted(admission, bulkheads) == max(SIZE - room - 1, 0)


def test_in_ordinary_times_each_may_take_what_there_is(admission: Admission) -> None:
    assert [is_admitted(admission, WRITE, "user 1") for _ in range(SIZE + 1)] == [True] * SIZE + [False]


def test_nothing_is_remembered_of_who_has_left(admission: Admission) -> None:
    for number in range(SIZE):
        admission.release(admission.acquire(claim(WRITE, f"user {number}"), SIZE))
        assert not admission._held
        assert not admission._queue
