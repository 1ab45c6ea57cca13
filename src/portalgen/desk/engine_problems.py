"""What is wrong with a site that is edited: what the engine saw itself, and what a look at the whole site found."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from portalgen.content.problems import Problem
from portalgen.desk.engine_parts import Errors

SITE, LOCK, TROUBLE = "/site", "/lock", "/trouble"
"""Where the problems of no client stand among those of clients."""


class Wrong:
    """Errors by what they belong to, each while it is true; those of the whole site until it is looked at."""

    def __init__(self) -> None:
        self._own: dict[str, Errors] = {}
        self._whole: Errors = {}

    def set(self, owner: str, errors: Errors) -> None:
        """What is wrong with a client, or with something that all share."""
        if errors:
            self._own[owner] = errors
        else:
            self._own.pop(owner, None)

    def trouble(self, owner: str, text: str) -> None:
        """One error that has no place in a file."""
        self.set(owner, {Problem(path="", message=text): text})

    def of(self, owner: str) -> Errors:
        """What is wrong there."""
        return self._own.get(owner, {})

    def clients(self) -> Iterator[str]:
        """The clients with whom something is wrong."""
        return (owner for owner in self._own if not owner.startswith("/"))

    def known(self) -> Collection[Problem]:
        """All that was seen here."""
        return {problem for errors in self._own.values() for problem in errors}

    def found(self, errors: Errors) -> None:
        """What a look at the whole site found."""
        self._whole = errors

    def settle(self, before: Collection[Problem], edited: Collection[str]) -> None:
        """After an edit: what the look found is over where it was seen to be, and where a file is another now."""
        solved = {*before} - {*self.known()}
        self._whole = {
            problem: text
            for problem, text in self._whole.items()
            if problem not in solved and problem.path not in edited
        }

    def texts(self) -> tuple[str, ...]:
        """All of them as they are told, each once, by their places."""
        found = {problem: text for errors in (self._whole, *self._own.values()) for problem, text in errors.items()}
        return tuple(text for _, text in sorted(found.items()) if text)
