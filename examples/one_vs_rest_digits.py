"""One-vs-rest logistic regression on scikit-learn's digits, trained with `bcelogits.value_and_grad`.

All ten classifiers are trained at once: the logits of a batch are one (samples, 10) matrix, the targets its
one-hot labels, and the binary cross-entropy of that matrix is the sum of ten logistic-regression losses.
scikit-learn's `OneVsRestClassifier(LogisticRegression(C=1.0))` minimises the same function,

    sum of the losses + (1 / 2C) * sum of squared coefficients    (intercepts not penalised),

so both must arrive at the same coefficients and at the same accuracy.

Run it with `pip install '.[examples]'` in a checkout and `python examples/one_vs_rest_digits.py`.
Exit status: 0 if our test accuracy is at least scikit-learn's in float64 and in float32, else 1.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

import bcelogits

C = 1.0  # scikit-learn's inverse strength of the penalty
CLASSES = 10


@dataclass(frozen=True)
class Model:
    """A linear classifier: `coefficients` has shape (features, classes), `intercepts` (classes,)."""

    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def accuracy(self, features: NDArray[Any], labels: NDArray[Any]) -> float:
        """Share of the samples whose label has the largest logit."""
        predicted = np.argmax(features @ self.coefficients + self.intercepts, axis=1)
        return float(np.mean(predicted == labels))


def train(features: NDArray[Any], labels: NDArray[Any], dtype: type[np.floating[Any]]) -> tuple[Model, int]:
    """Fit with L-BFGS on the full batch; the loss and its gradient are computed in `dtype`."""
    x = features.astype(dtype)
    targets = (labels[:, None] == np.arange(CLASSES)).astype(dtype)
    shape = (x.shape[1], CLASSES)
    grad_logits = np.empty(targets.shape, dtype)  # reused by every evaluation

    def objective(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w, b = parameters[:-CLASSES].reshape(shape), parameters[-CLASSES:]
        logits = x @ w.astype(dtype) + b.astype(dtype)
        loss, _ = bcelogits.value_and_grad(logits, targets, reduction="sum", grad_out=grad_logits)
        value = float(loss) + 0.5 / C * float(np.sum(w * w))
        grad_w = (x.T @ grad_logits).astype(np.float64) + w / C
        grad_b = grad_logits.sum(axis=0, dtype=np.float64)
        return value, np.concatenate([grad_w.ravel(), grad_b])

    start = np.zeros(shape[0] * CLASSES + CLASSES)
    fit = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000, "gtol": 1e-6, "ftol": 0})
    return Model(fit.x[:-CLASSES].reshape(shape), fit.x[-CLASSES:]), fit.nit


def train_sklearn(features: NDArray[Any], labels: NDArray[Any]) -> Model:
    """scikit-learn's fit of the same model, to a tight tolerance."""
    fit = OneVsRestClassifier(LogisticRegression(C=C, tol=1e-8, max_iter=10_000)).fit(features, labels)
    coefficients = np.concatenate([one.coef_ for one in fit.estimators_]).T
    return Model(coefficients, np.concatenate([one.intercept_ for one in fit.estimators_]))


def main() -> int:
    """Fit both, print the comparison and return the exit status."""
    features, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        features, labels, test_size=0.25, random_state=0, stratify=labels
    )
    scaler = StandardScaler().fit(train_x)
    train_x, test_x = scaler.transform(train_x), scaler.transform(test_x)

    theirs = train_sklearn(train_x, train_y)
    their_accuracy = theirs.accuracy(test_x, test_y)
    print(f"digits: {len(train_x)} images to train on, {len(test_x)} to test on, {train_x.shape[1]} features")
    print(f"scikit-learn        test accuracy {their_accuracy:.4f}")

    worse = False
    for dtype in (np.float64, np.float32):
        ours, iterations = train(train_x, train_y, dtype)
        accuracy = ours.accuracy(test_x, test_y)
        difference = float(np.max(np.abs(ours.coefficients - theirs.coefficients)))
        print(
            f"bcelogits {dtype.__name__}   test accuracy {accuracy:.4f}   "
            f"largest coefficient difference {difference:.1e}   {iterations} iterations"
        )
        worse = worse or accuracy < their_accuracy
    if worse:
        print("error: our test accuracy is below scikit-learn's", file=sys.stderr)
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
