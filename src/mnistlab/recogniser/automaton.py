"""Automaton: accepts the texts that a number may be.

It is made of the parts of a regular expression by Thompson's construction, and made deterministic
by the subset construction (Hopcroft and Ullman, 1979).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mnistlab.errors import PatternError

_MOST_STATES = 5_000
"""Of an automaton, before it is made deterministic and after."""


class Nfa:
    """A nondeterministic automaton under construction: states are numbers, 0 the first one."""

    def __init__(self) -> None:
        self.free: list[list[int]] = []
        self.steps: list[list[tuple[str, int]]] = []

    def state(self) -> int:
        """Return a new state.

        Raises:
            PatternError: there are too many.
        """
        if len(self.steps) >= _MOST_STATES:
            raise PatternError("allows too many different texts: make it simpler")
        self.free.append([])
        self.steps.append([])
        return len(self.steps) - 1


Part = Callable[[Nfa, int], int]
"""What adds a part of an expression behind a state, and returns the state behind the part."""


def one_of(characters: Iterable[str]) -> Part:
    """Return a part that is one of some characters."""
    some = "".join(sorted(set(characters)))

    def add(nfa: Nfa, start: int) -> int:
        end = nfa.state()
        nfa.steps[start].append((some, end))
        return end

    return add


def chain(parts: Sequence[Part]) -> Part:
    """Return a part of some one after the other."""

    def add(nfa: Nfa, start: int) -> int:
        for part in parts:
            start = part(nfa, start)
        return start

    return add


def any_of(parts: Sequence[Part]) -> Part:
    """Return a part that is one of some."""

    def add(nfa: Nfa, start: int) -> int:
        end = nfa.state()
        for part in parts:
            begin = nfa.state()
            nfa.free[start].append(begin)
            nfa.free[part(nfa, begin)].append(end)
        return end

    return add


def times(part: Part, least: int, most: int | None) -> Part:
    """Return a part that is another so many times; without ``most`` any number of times."""

    def add(nfa: Nfa, start: int) -> int:
        for _ in range(least):
            start = part(nfa, start)
        end = nfa.state()
        nfa.free[start].append(end)
        if most is None:
            again = nfa.state()
            nfa.free[end].append(again)
            nfa.free[part(nfa, again)].append(end)
            return end
        for _ in range(most - least):
            begin = nfa.state()
            nfa.free[start].append(begin)
            start = part(nfa, begin)
            nfa.free[start].append(end)
        return end

    return add


class Automaton(NamedTuple):
    """A deterministic automaton.

    Attributes:
        steps: of each state, the next one by character; 0 is the first state. From each, some text
            is accepted.
        accepting: whether a text may end in a state.
    """

    steps: list[dict[str, int]]
    accepting: list[bool]

    @classmethod
    def of(cls, part: Part) -> "Automaton":
        """Return the automaton of an expression.

        Raises:
            PatternError: it would have too many states, or accepts no text of at least one
                character.
        """
        nfa = Nfa()
        last = part(nfa, nfa.state())
        start = _closed(nfa, {0})
        numbers = {start: 0}
        steps: list[dict[str, int]] = []
        waiting = [start]
        for states in waiting:
            reached: dict[str, set[int]] = {}
            for state in states:
                for characters, end in nfa.steps[state]:
                    for character in characters:
                        reached.setdefault(character, set()).add(end)
            step = {}
            for character, ends in reached.items():
                closed = _closed(nfa, ends)
                if closed not in numbers:
                    if len(numbers) >= _MOST_STATES:
                        raise PatternError("allows too many different texts: make it simpler")
                    numbers[closed] = len(numbers)
                    waiting.append(closed)
                step[character] = numbers[closed]
            steps.append(step)
        return cls(steps, [last in states for states in waiting])._trimmed()

    def _trimmed(self) -> "Automaton":
        """Return it without steps from which no text is accepted."""
        back: list[list[int]] = [[] for _ in self.steps]
        for state, step in enumerate(self.steps):
            for end in step.values():
                back[end].append(state)
        alive, waiting = set(), [state for state, good in enumerate(self.accepting) if good]
        while waiting:
            state = waiting.pop()
            if state not in alive:
                alive.add(state)
                waiting += back[state]
        steps = [
            {character: end for character, end in step.items() if end in alive}
            for step in self.steps
        ]
        if not steps[0]:
            raise PatternError("allows no number at all")
        return Automaton(steps, self.accepting)

    def accepts(self, text: str) -> bool:
        """Tell whether a text is accepted."""
        state: int | None = 0
        for character in text:
            state = self.steps[state].get(character) if state is not None else None
        return state is not None and self.accepting[state]


def _closed(nfa: Nfa, states: Iterable[int]) -> frozenset[int]:
    closed, waiting = set(states), list(states)
    while waiting:
        for end in nfa.free[waiting.pop()]:
            if end not in closed:
                closed.add(end)
                waiting.append(end)
    return frozenset(closed)
