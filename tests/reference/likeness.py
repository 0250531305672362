"""Numbers for src/analysis/likeness/reference.rs by NumPy: grey levels and texture of an image (detail by SciPy's
convolutions, skewness by SciPy's statistics), and a Gaussian over a few numbers an image with distances in it, each image
left out with its file. Distances to the nearest images are scikit-learn's.

    pip install numpy scipy scikit-learn
    python tests/reference/likeness.py    # writes tests/fixtures/analysis/likeness.json
"""

import json
from pathlib import Path

import numpy as np
from scipy import signal, stats
from sklearn.neighbors import NearestNeighbors

out = Path(__file__).parent.parent / "fixtures" / "analysis" / "likeness.json"
rng = np.random.default_rng(7)


def grey(image):
    found = [image.mean(), image.std(), ((image - image.mean()) ** 3).mean() / image.std() ** 3]
    for lag in (1, 2, 4, 8):
        down = (image[:, lag:] - image[:, :-lag]) ** 2
        across = (image[:, :, lag:] - image[:, :, :-lag]) ** 2
        mean = (down.sum() + across.sum()) / (down.size + across.size)
        found.append(np.log10(max(mean / (2 * image.var()), 1e-6)))
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    seen = np.concatenate([signal.convolve2d(plane, mask, mode="valid").ravel() for plane in image])
    found.append(np.log10((seen**2).mean() / (mask**2).sum() / image.var()))
    for arm in (1, 2, 4):
        mask = np.zeros((2 * arm + 1, 2 * arm + 1))
        mask[arm, arm] = 4
        mask[0, arm] = mask[-1, arm] = mask[arm, 0] = mask[arm, -1] = -1
        seen = np.concatenate([signal.convolve2d(plane, mask, mode="valid").ravel() for plane in image])
        found.append(stats.skew(seen))
    return found


def gaussian(rows, named):
    mean = rows.mean(0)
    variance = rows.var(0, ddof=1)
    shared = 0.0 if named else 0.1**2 * variance.mean()
    spread = np.maximum(np.sqrt(variance + shared), 1e-6)
    covariance = np.cov((rows - mean) / spread, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    total = np.trace(covariance)
    most = min(16, max(1, (len(rows) - 1) // 3))
    k = min(most, int(np.searchsorted(np.cumsum(values), 0.9 * total)) + 1)
    d = rows.shape[1]
    rest = max((total - values[:k].sum()) / max(d - k, 1), 0.05 * total / d)
    # The whole covariance, so that the distance is found in another way than by axes.
    axes = vectors[:, :k]
    model = axes @ np.diag(values[:k]) @ axes.T + rest * (np.eye(d) - axes @ axes.T)
    return mean, spread, values[:k], rest, np.linalg.inv(model)


def distance(fitted, numbers):
    mean, spread, _, _, inverse = fitted
    z = (numbers - mean) / spread
    return float(np.sqrt(z @ inverse @ z / len(z)))


def nearest(fitted, rows, files, new):
    """Points, the distance of each image to its third nearest of other files, and that of a new one to its third nearest."""
    mean, spread = (part.astype(np.float32).astype(float) for part in fitted[:2])
    points = np.round((rows - mean) / spread, 2)
    root = np.sqrt(rows.shape[1])

    def third(others, point):
        return NearestNeighbors(n_neighbors=3).fit(others).kneighbors(point[None])[0][0, 2] / root

    scale = sorted(third(points[files != file], point) for point, file in zip(points, files))
    return points, scale, third(points, (new - mean) / spread)


def case(rows, files, named, new):
    fitted = gaussian(rows, named)
    points, scale, near = nearest(fitted, rows, files, new)
    left_out = [distance(gaussian(rows[files != f], named), row) for row, f in zip(rows, files)]
    return {
        "rows": rows.tolist(), "files": files.tolist(), "named": named, "new": new.tolist(),
        "mean": fitted[0].tolist(), "spread": fitted[1].tolist(), "variances": fitted[2].tolist(),
        "rest": float(fitted[3]), "distances": sorted(left_out), "distance": distance(fitted, new),
        "points": points.tolist(), "nearest_distances": [float(v) for v in scale], "nearest_distance": float(near),
    }


def rows_of(n, d, factors):
    mix = rng.normal(size=(factors, d)) * np.linspace(3, 0.5, factors)[:, None]
    rows = rng.normal(size=(n, factors)) @ mix + 0.2 * rng.normal(size=(n, d)) + rng.normal(size=d)
    return np.round(rows, 4)


image = np.round(rng.normal(size=(2, 13, 17)).cumsum(axis=2), 3).astype(np.float32)
few, many = rows_of(9, 14, 3), rows_of(30, 6, 4)
data = {
    "image": image.ravel().tolist(), "shape": image.shape, "grey": [float(v) for v in grey(image.astype(float))],
    "cases": [
        # Fewer images than features, two of them of one file; more images than numbers.
        case(few, np.array([0, 0, 1, 2, 3, 4, 5, 6, 7]), False, np.round(few[2] + 0.5, 4)),
        case(many, np.arange(30), True, np.round(many[0] * 1.5, 4)),
    ],
}
out.parent.mkdir(exist_ok=True)
out.write_text(json.dumps(data) + "\n")
