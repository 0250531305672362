"""Makes tests/fixtures/analysis/comparison.json: pairs of feature maps on grids of different size, compared by NumPy.

Run with NumPy installed: python tests/reference/comparison.py
Each case has two maps ("a" and "b": values, origin and scale, [y, x] in source pixels) and what is to be found: the
"difference" A - B on the grid of the map with the smaller pixels, null where the other map does not reach, and of all
pairs "n", "correlation" (numpy.corrcoef), "mean", "mean_absolute", "largest" and "at". Which pixel lies over another's
middle is found with numpy.searchsorted among the edges of the pixels, not by division.
"""

import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent.parent / "fixtures/analysis/comparison.json"


def edges(of, axis):
    return of["origin"][axis] + of["scale"][axis] * np.arange(of["values"].shape[axis] + 1)


def compared(a, b):
    a_is_finer = np.prod(a["scale"]) <= np.prod(b["scale"])
    fine, coarse = (a, b) if a_is_finer else (b, a)
    places = []
    for axis in (0, 1):
        mine, theirs = edges(fine, axis), edges(coarse, axis)
        middles = (mine[:-1] + mine[1:]) / 2
        places.append(np.searchsorted(theirs, middles, side="right") - 1)
    there = [(0 <= at) & (at < size) for at, size in zip(places, coarse["values"].shape)]
    other = np.full(fine["values"].shape, np.nan, np.float32)
    rows, columns = (np.flatnonzero(inside) for inside in there)
    other[np.ix_(rows, columns)] = coarse["values"][np.ix_(places[0][rows], places[1][columns])]
    pair = (fine["values"], other) if a_is_finer else (other, fine["values"])
    difference = pair[0] - pair[1]
    both = np.isfinite(difference)
    first, second = (of[both].astype(np.float64) for of in pair)
    at = np.unravel_index(np.argmax(np.where(both, np.abs(difference), -1)), difference.shape)
    middle = [float((edges(fine, axis)[at[axis]] + edges(fine, axis)[at[axis] + 1]) / 2) for axis in (0, 1)]
    return {
        "difference": [[None if np.isnan(v) else float(v) for v in row] for row in difference],
        "n": int(both.sum()),
        "correlation": float(np.corrcoef(first, second)[0, 1]),
        "mean": float((first - second).mean()),
        "mean_absolute": float(np.abs(first - second).mean()),
        "largest": float(np.abs(difference[both]).max()),
        "at": middle,
    }


def map_of(rng, size, scale, origin=(0.0, 0.0)):
    # Eighths are short in the file, and their differences are exact.
    values = np.round(8 * rng.standard_normal(size)).astype(np.float32) / 8
    return {"values": values, "scale": scale, "origin": list(origin)}


def main():
    rng = np.random.default_rng(20)
    pairs = {
        "a convolution of one model, the second pooling of another": (
            map_of(rng, (16, 20), [1.0, 1.0]),
            map_of(rng, (4, 5), [4.0, 4.0]),
        ),
        "the coarse one first, and one that lost its borders": (
            map_of(rng, (5, 7), [4.0, 2.0], (2.0, 3.0)),
            map_of(rng, (24, 20), [1.0, 1.0]),
        ),
        "grids that do not meet": (map_of(rng, (12, 15), [2.0, 2.0], (-0.5, 1.0)), map_of(rng, (8, 10), [3.0, 3.0])),
        "finer down, coarser across": (map_of(rng, (16, 4), [1.0, 8.0]), map_of(rng, (4, 16), [4.0, 2.0])),
    }
    cases = []
    for name, (a, b) in pairs.items():
        told = [of | {"values": of["values"].tolist()} for of in (a, b)]
        cases.append({"name": name, "a": told[0], "b": told[1], "found": compared(a, b)})
    OUT.write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
