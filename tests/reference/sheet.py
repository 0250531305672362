"""Makes tests/fixtures/inspect/sheet.safetensors: correlations, principal components and k-means of feature maps.

Run with NumPy, scikit-learn and safetensors installed: python tests/reference/sheet.py
"maps" are features [channel, y, x]; the last but one is constant, the last holds a NaN. "plane" is a class plane over the
source. For each case of the metadata ("cases": scale, origin), "grid:INDEX" is the plane's mean over the footprint of
each feature pixel, by cutting the plane into small squares that every footprint holds whole numbers of, and
"correlation:INDEX" NumPy's Pearson correlation with each feature. "components", "shares" and "scores" are those of
scikit-learn's PCA of the pixels × features matrix (constant and incomplete features left out), the largest weight of each
component positive. "wide" are features [channel, 1, x] of more channels than the small eigenvalue solver takes, with
"wide:components" and "wide:shares". "blobs" are features of three kinds of pixels, "labels" scikit-learn's k-means of
them (the largest cluster first), "inertia" the sum of squared distances.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from safetensors.numpy import save_file
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

OUT = Path(__file__).parent.parent / "fixtures/inspect/sheet.safetensors"
CASES = [([2.0, 2.0], [0.0, 0.0]), ([1.5, 2.5], [1.0, 0.5]), ([1.0, 1.0], [4.0, 5.0]), ([0.5, 0.25], [3.0, 2.0])]
FINE = 20


def reduced(plane, shape, scale, origin):
    """Means over footprints; NaN where one lies outside of the plane."""
    fine = np.repeat(np.repeat(plane.astype(np.float64), FINE, 0), FINE, 1)
    out = np.full(shape, np.nan)
    for y in range(shape[0]):
        for x in range(shape[1]):
            ends = [round((o + (i + k) * s) * FINE) for i, s, o in zip((y, x), scale, origin) for k in (0, 1)]
            piece = fine[ends[0] : ends[1], ends[2] : ends[3]]
            if piece.size:
                out[y, x] = piece.mean()
    return out


def correlation(feature, grid):
    valid = np.isfinite(feature) & np.isfinite(grid)
    a, b = feature[valid].astype(np.float64), grid[valid]
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan
    return np.corrcoef(a, b)[0, 1]


def pca(rows, count):
    found = PCA(count, svd_solver="full").fit(rows)
    sign = np.sign([weights[np.abs(weights).argmax()] for weights in found.components_])
    components = found.components_ * sign[:, None]
    return components, found.explained_variance_ratio_, found.transform(rows) * sign


def main():
    rng = np.random.default_rng(11)
    plane = np.clip(rng.normal(0.4, 0.3, (18, 14)), 0, 1).astype(np.float32)
    mixing = rng.normal(size=(5, 3)) * [3, 1.5, 0.7]
    maps = np.einsum("ck,kyx->cyx", mixing, rng.normal(size=(3, 9, 7))) + rng.normal(size=(5, 9, 7)) * 0.2
    maps[0] += reduced(plane, (9, 7), *CASES[0]) * 6 + 100
    maps = np.concatenate([maps, np.full((1, 9, 7), 2.5), maps[:1] ** 2]).astype(np.float32)
    maps[6, 4, 3] = np.nan
    tensors = {"maps": maps, "plane": plane}
    for index, (scale, origin) in enumerate(CASES):
        grid = reduced(plane, maps.shape[1:], scale, origin)
        tensors[f"grid:{index}"] = grid.astype(np.float32)
        tensors[f"correlation:{index}"] = np.array([correlation(feature, grid) for feature in maps], np.float32)
    components, shares, scores = pca(maps[:5].reshape(5, -1).T.astype(np.float64), 3)
    tensors |= {"components": components, "shares": shares, "scores": scores.T.reshape(3, 9, 7)}
    wide = np.einsum("ck,kx->cx", rng.normal(size=(136, 4)) * [5, 3, 2, 1], rng.normal(size=(4, 20)))
    wide = (wide + rng.normal(size=wide.shape) * 0.1)[:, None].astype(np.float16).astype(np.float32)
    components, shares, _ = pca(wide[:, 0].T.astype(np.float64), 3)
    tensors |= {"wide": wide, "wide:components": components, "wide:shares": shares}
    kinds = rng.choice(3, (12, 10), p=[0.2, 0.5, 0.3])
    centres = np.array([[0, 0, 5, 1], [4, -3, 0, 1], [-4, 3, 1, 2]], float)
    blobs = (centres[kinds].transpose(2, 0, 1) + rng.normal(size=(4, 12, 10)) * 0.6).astype(np.float32)
    rows = blobs.reshape(4, -1).T.astype(np.float64)
    found = KMeans(3, n_init=20, random_state=0).fit(rows)
    ranks = np.argsort(np.argsort(-np.bincount(found.labels_)))
    tensors |= {"blobs": blobs, "labels": ranks[found.labels_].reshape(12, 10), "inertia": np.array([found.inertia_])}
    tensors = {name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}
    OUT.parent.mkdir(exist_ok=True)
    save_file(tensors, OUT, {"cases": json.dumps(CASES), "scikit-learn": sklearn.__version__, "numpy": np.__version__})
    print(OUT, OUT.stat().st_size, np.bincount(found.labels_))


if __name__ == "__main__":
    main()
