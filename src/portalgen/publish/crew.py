"""Work mapped over processes, where the system can copy a process cheaply and safely; else done here.

A worker is a copy of this process (`fork`), so it has everything that was read already, and gives back its results
through a pipe. It ends with the pipe: a worker whose parent was killed does not go on.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from portalgen.publish.state import OutputFailed

R = TypeVar("R")
_NUMBER = struct.Struct("=I")
_AHEAD, _MOST_AHEAD, _PIECE = 4, 1000, 1 << 20
"""Numbers handed out in advance for each worker, and at most, since a pipe has to hold them; bytes read at once."""

MOST = 8
FEWEST = 4
"""Pieces of work for each worker below which it does not pay."""


def workers(count: int, jobs: int = 0) -> int:
    """How many workers `count` pieces of work are worth; 1 where they are best done here. `jobs`: at most so many."""
    if sys.platform != "linux" or _threads() > 1:
        return 1  # a copy of a process that has threads may hold locks that nobody gives back
    return max(1, min(jobs or cores(), count // FEWEST))


def _threads() -> int:
    """The threads of this process, those that libraries started for themselves too."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 2


def cores() -> int:
    """How many cores this process may use, and no more than pay."""
    return min(MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def mapped(work: Callable[[int], R], count: int, crew: int, *, ahead: int = 0) -> Iterator[tuple[int, R]]:
    """`work` for each number below `count`, done by `crew` workers, in the order in which they finish.

    What a worker raises is a bug and a `RuntimeError` here, but for an `OSError`; one that the system ended is an
    `OutputFailed`. Work has to be pure: what it changes stays in its worker. `ahead` numbers are handed out at once, so
    that workers go on while nobody takes what is done.
    """
    numbers, given = os.pipe()
    handed = min(count, max(ahead, _AHEAD * crew), _MOST_AHEAD)
    os.write(given, b"".join(_NUMBER.pack(number) for number in range(handed)))
    pipes: dict[int, int] = {}  # what a worker answers, and its process
    answers = select.poll()
    try:
        for _ in range(crew):
            answer, into = os.pipe()
            with _without_interrupts():  # until the worker is deaf to them
                process = os.fork()
                if not process:
                    _serve(work, numbers, into, (given, answer, *pipes))
            os.close(into)
            pipes[answer] = process
            answers.register(answer, select.POLLIN)
        left = count
        while left:
            for answer, _ in answers.poll():
                number, done, error = _received(answer)
                if error is not None:
                    raise error
                left -= 1
                if handed < count:
                    os.write(given, _NUMBER.pack(handed))
                    handed += 1
                yield number, done
    finally:
        for process in pipes.values():
            os.kill(process, signal.SIGKILL)
        for process in pipes.values():
            os.waitpid(process, 0)
        for pipe in (numbers, given, *pipes):
            os.close(pipe)


def _packed(number: int, done: object, error: Exception | None) -> memoryview:
    data = pickle.dumps((number, done, error), pickle.HIGHEST_PROTOCOL)
    return memoryview(_NUMBER.pack(len(data)) + data)


def _received(answer: int) -> tuple[int, Any, Exception | None]:
    """The next answer in a pipe, of which the beginning is there."""
    size = _NUMBER.unpack(_read(answer, _NUMBER.size))[0]
    found: tuple[int, Any, Exception | None] = pickle.loads(_read(answer, size))
    return found


def _read(pipe: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(pipe, min(size, _PIECE))
        if not part:
            hint = "is there enough memory? build again with --jobs 1, which needs less"
            raise OutputFailed("a process of this build was ended from outside", hint)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _serve(work: Callable[[int], Any], numbers: int, into: int, others: tuple[int, ...]) -> NoReturn:
    """A worker: it takes numbers until there are no more. It ends without what an end of Python does."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends its workers
        for pipe in others:
            os.close(pipe)
        while ticket := os.read(numbers, _NUMBER.size):
            number = _NUMBER.unpack(ticket)[0]
            try:
                answer = _packed(number, work(number), None)
            except OSError as error:  # the system's refusal is told in words, in any process
                answer = _packed(number, None, error)
            except Exception:  # a bug: the parent raises it, with the traceback from here
                answer = _packed(number, None, RuntimeError(traceback.format_exc()))
            while answer:
                answer = answer[os.write(into, answer) :]
    except BrokenPipeError:
        pass
    finally:
        os._exit(0)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
