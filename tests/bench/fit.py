"""Least squares without negative weights, in plain Python: fits the weights of rotom/tokens/text.py."""

from collections.abc import Sequence


def fit(rows: Sequence[Sequence[float]], wanted: Sequence[float], rounds: int = 40_000) -> list[float]:
    """The weights, none below zero, for which the sums over each row come nearest to what is wanted.

    By coordinate descent: one weight after the other takes its best value while the others stand still.
    """
    size = len(rows[0])
    columns = list(zip(*rows, strict=True))
    gram = [[sum(map(float.__mul__, one, other)) for other in columns] for one in columns]
    target = [sum(map(float.__mul__, column, wanted)) for column in columns]
    weights = [0.0] * size
    slack = target[:]  # target - gram * weights
    for _ in range(rounds):
        moved = 0.0
        for index in range(size):
            if not gram[index][index]:
                continue
            new = max(0.0, weights[index] + slack[index] / gram[index][index])
            step = new - weights[index]
            if step:
                weights[index] = new
                moved = max(moved, abs(step))
                slack = [left - step * row for left, row in zip(slack, gram[index], strict=True)]
        if moved < 1e-7:
            break
    return weights
