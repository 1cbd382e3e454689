"""Matching: the likeliest readings whose numbers are what patterns allow.

The likeliest text is found by Viterbi's algorithm over characters and states of the pattern's
automaton, and its probability among all that are allowed by forward and backward sums (Rabiner,
1989).
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistlab.characters import CHARACTERS, OTHER
from mnistlab.recogniser.automaton import Automaton
from mnistlab.recogniser.parts import Character, Group, Match
from mnistlab.recogniser.pattern import Pattern, Patterns, parse_patterns

if TYPE_CHECKING:
    from mnistlab.recogniser.reading import Reading

_START = -1
"""The first state, as long as nothing was read: no text is empty."""
_INDEX = {character: place for place, character in enumerate(CHARACTERS)}
Sums: TypeAlias = dict[int, float]
"""Probabilities by state."""


@dataclass(frozen=True, eq=False)
class Likeliest:
    """What an automaton makes of candidates.

    Attributes:
        characters: what each candidate is; ``None`` where it is no character.
        probability: of that text among all that are accepted.
        share: probability of all that are accepted.
        shares: float64, ``(n, 19)``: of each candidate and character, the probability that the
            candidate is there and is that character, among what is accepted.
    """

    characters: tuple[str | None, ...]
    probability: float
    share: float
    shares: NDArray[np.float64]


def likeliest(weights: NDArray[np.float64], automaton: Automaton) -> Likeliest | None:
    """Return the likeliest accepted way to see candidates, or ``None`` if none is possible.

    Args:
        weights: ``(n, 19)``: probability of each candidate that it is there and is each character;
            what its row lacks to 1 is the probability that it is no character.
        automaton: accepts what is allowed; the empty text never is.
    """
    absent = np.clip(1 - weights.sum(axis=1), 0, 1).tolist()
    rows = [
        {CHARACTERS[place]: float(row[place]) for place in np.flatnonzero(row)} for row in weights
    ]
    ahead = [{_START: 1.0}]
    share = 0.0
    for row, none in zip(rows, absent, strict=True):
        reached: Sums = defaultdict(float)
        for state, sum_ in ahead[-1].items():
            for _, weight, end in _ways(automaton, state, row, none):
                reached[end] += sum_ * weight
        total = sum(reached.values())
        if not total:
            return None
        share += math.log(total)
        ahead.append({state: sum_ / total for state, sum_ in reached.items()})
    accepted = sum(sum_ for state, sum_ in ahead[-1].items() if _accepts(automaton, state))
    if not accepted:
        return None
    share += math.log(accepted)
    characters = _best(automaton, rows, absent)
    text = [character for character in characters if character]
    return Likeliest(
        characters,
        min(1.0, math.exp(_log_probability(text, rows, absent) - share)),
        min(1.0, math.exp(share)),
        _shares(automaton, rows, absent, ahead),
    )


def match_reading(reading: "Reading", patterns: Patterns) -> "Reading":
    """See :meth:`mnistlab.recogniser.reading.Reading.matching`."""
    by_column = parse_patterns(patterns)
    wanted: dict[int, Pattern] = {}
    joined: dict[int, Group | None] = {}
    unused = set(by_column) - {None}
    for table in reading.tables:
        for row in table.rows:
            for column, cell in enumerate(row, 1):
                if column in by_column and cell.groups:
                    first, *others = cell.groups
                    wanted[id(first)] = by_column[column]
                    # What belongs into one cell is one number, however widely it is written.
                    if others and _of_one_line(reading, cell.groups):
                        joined[id(first)] = _join(cell.groups)
                        joined |= {id(other): None for other in others}
                    wanted |= {id(other): by_column[column] for other in others}
            unused -= set(range(1, len(row) + 1))

    def change(group: Group) -> Group | None:
        pattern = wanted.get(id(group), by_column.get(None))
        whole = joined.get(id(group), group)
        return match_group(whole, pattern) if whole and pattern else whole

    remarks = [
        f"no table has a column {column}: {by_column[column].text} is not used"
        for column in sorted(one for one in unused if one)
    ]
    changed = reading.changed(change)
    return replace(changed, remarks=(*changed.remarks, *remarks))


def match_group(group: Group, pattern: Pattern) -> Group:
    """Return the likeliest group whose text a pattern allows; one that cannot be stays as it is."""
    candidates = group.candidates or group.characters
    plain = group.match.plain if group.match else group.text
    weights = np.array([one.presence * one.probabilities[:OTHER] for one in candidates])
    found = likeliest(weights, pattern.automaton)
    if found is None:
        return replace(group, match=Match(pattern.allowed, plain, 0.0, 0.0))
    characters = tuple(
        _posterior(one, character, shares)
        for one, character, shares in zip(candidates, found.characters, found.shares, strict=True)
        if character
    )
    return Group(
        characters, candidates, Match(pattern.allowed, plain, found.probability, found.share)
    )


def _posterior(one: Character, text: str, shares: NDArray[np.float64]) -> Character:
    presence = float(shares.sum())
    probabilities = np.append(shares / presence, 0.0)
    return replace(one, text=text, probabilities=probabilities, presence=min(presence, 1.0))


def _of_one_line(reading: "Reading", groups: tuple[Group, ...]) -> bool:
    return any(set(map(id, groups)) <= set(map(id, line.groups)) for line in reading.lines)


def _join(groups: tuple[Group, ...]) -> Group:
    return Group(
        tuple(one for group in groups for one in group.characters),
        tuple(one for group in groups for one in group.candidates or group.characters),
    )


def _ways(
    automaton: Automaton, state: int, row: dict[str, float], none: float
) -> Iterator[tuple[str | None, float, int]]:
    """Yield what a candidate may be, with its weight and the state that it leads to."""
    if none:
        yield None, none, state
    steps = automaton.steps[max(state, 0)]
    for character, weight in row.items():
        if character in steps:
            yield character, weight, steps[character]


def _accepts(automaton: Automaton, state: int) -> bool:
    return state != _START and automaton.accepting[state]


def _best(
    automaton: Automaton, rows: list[dict[str, float]], absent: list[float]
) -> tuple[str | None, ...]:
    """Return the single likeliest accepted way to see the candidates (Viterbi)."""
    scores: Sums = {_START: 0.0}
    steps: list[dict[int, tuple[int, str | None]]] = []
    for row, none in zip(rows, absent, strict=True):
        reached: Sums = {}
        step: dict[int, tuple[int, str | None]] = {}
        for state, score in scores.items():
            for character, weight, end in _ways(automaton, state, row, none):
                new = score + math.log(weight)
                if end not in reached or new > reached[end]:
                    reached[end], step[end] = new, (state, character)
        scores = reached
        steps.append(step)
    state = max((s for s in scores if _accepts(automaton, s)), key=lambda s: scores[s])
    characters: list[str | None] = []
    for step in reversed(steps):
        state, character = step[state]
        characters.append(character)
    return tuple(reversed(characters))


def _log_probability(text: list[str], rows: list[dict[str, float]], absent: list[float]) -> float:
    """Return the logarithm of the probability of a text, in whichever candidates it is seen."""
    sums = [1.0, *[0.0] * len(text)]
    logarithm = 0.0
    for row, none in zip(rows, absent, strict=True):
        sums = [
            sums[place] * none + (sums[place - 1] * row.get(text[place - 1], 0.0) if place else 0.0)
            for place in range(len(sums))
        ]
        total = sum(sums)
        sums = [one / total for one in sums]
        logarithm += math.log(total)
    return logarithm + math.log(sums[-1])


def _shares(
    automaton: Automaton,
    rows: list[dict[str, float]],
    absent: list[float],
    ahead: list[Sums],
) -> NDArray[np.float64]:
    """Return the probabilities among all that is accepted; ``ahead`` has those of the states before
    each candidate.
    """
    shares = np.zeros((len(rows), OTHER))
    behind: Sums = {state: 1.0 for state in ahead[-1] if _accepts(automaton, state)}
    for place in range(len(rows) - 1, -1, -1):
        before: Sums = defaultdict(float)
        total = 0.0
        for state, sum_ in ahead[place].items():
            for character, weight, end in _ways(automaton, state, rows[place], absent[place]):
                after = weight * behind.get(end, 0.0)
                before[state] += after
                total += sum_ * after
                if character:
                    shares[place, _INDEX[character]] += sum_ * after
        shares[place] /= total
        most = max(before.values())
        behind = {state: sum_ / most for state, sum_ in before.items() if sum_}
    return shares
