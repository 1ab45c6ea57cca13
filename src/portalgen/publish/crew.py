"""Work mapped over processes, where the system can copy a process cheaply and safely; else done here.

A worker is a copy of this process (`fork`), so it has everything that was read already, and gives back its results
through a pipe. It ends with the pipe: a worker whose parent was killed does not go on.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

R = TypeVar("R")

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


def mapped(work: Callable[[int], R], count: int, crew: int) -> Iterator[tuple[int, R]]:
    """`work` for each number below `count`, done by `crew` workers, in the order in which they finish.

    What a worker raises is a bug and a `RuntimeError` here, but for an `OSError`. Work has to be pure: what it changes
    stays in its worker.
    """
    import multiprocessing
    from multiprocessing.connection import Connection, wait

    fork = multiprocessing.get_context("fork")
    following = fork.Value("L", 0)
    pipes: list[Connection] = []
    processes: list[ForkProcess] = []
    try:
        for _ in range(crew):
            receiver, sender = fork.Pipe(duplex=False)
            process = fork.Process(target=_work, args=(work, count, following, sender, (*pipes, receiver)), daemon=True)
            process.start()
            sender.close()
            pipes.append(receiver)
            processes.append(process)
        waiting = list(pipes)
        while waiting:
            for pipe in wait(waiting):
                assert isinstance(pipe, Connection)
                try:
                    number, done, error = pipe.recv()
                except EOFError:
                    raise RuntimeError("a worker of this build was ended from outside") from None
                if error is not None:
                    raise error
                if number is None:
                    waiting.remove(pipe)
                else:
                    yield number, done
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        for pipe in pipes:
            pipe.close()


def _work(
    work: Callable[[int], Any], count: int, following: Any, sender: Connection, others: tuple[Connection, ...]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends its workers
    for pipe in others:
        pipe.close()
    try:
        while True:
            with following.get_lock():
                number = following.value
                following.value += 1
            if number >= count:
                break
            sender.send((number, work(number), None))
        sender.send((None, None, None))
    except BrokenPipeError:
        pass
    except OSError as error:  # the system's refusal is told in words, in any process
        sender.send((None, None, error))
    except Exception:
        sender.send((None, None, RuntimeError(traceback.format_exc())))
    sender.close()
    os._exit(0)
