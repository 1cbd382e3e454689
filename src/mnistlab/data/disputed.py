"""Disputed labels: MNIST's test images with whose published label most annotators disagree.

Five annotators looked at each test image that a trained model took to be wrongly labelled. Listed
here are the images where fewer than three agreed with the label: some labels are wrong, other
images are illegible.

References:
    C. G. Northcutt, A. Athalye and J. Mueller, *Pervasive Label Errors in Test Sets Destabilize
    Machine Learning Benchmarks*, NeurIPS 2021, Datasets and Benchmarks; ``mturk/mnist_mturk.json``
    at github.com/cleanlab/label-errors, entries with ``mturk.given`` below 3.
"""

from mnistlab.data.dataset import Dataset, fingerprint

MNIST_DISPUTED = (
    947,
    1621,
    1901,
    2130,
    2462,
    2597,
    2654,
    3520,
    3558,
    5937,
    6651,
    6783,
    8527,
    9679,
    9729,
)
"""Indices into MNIST's test set, from 0, in the order of its files."""
_MNIST_TEST = "f5147f7baa1787ec"


def disputed_labels(dataset: Dataset) -> tuple[int, ...]:
    """Return the indices of the test images whose labels are disputed, ascending from 0.

    Args:
        dataset: as it is tested on. MNIST's test split is recognised by its content, whatever
            file it came from; held-out training images are another test split.

    Returns:
        Those of MNIST's test set; nothing for any other.
    """
    return MNIST_DISPUTED if fingerprint(dataset.test) == _MNIST_TEST else ()
