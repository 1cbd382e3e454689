"""Bytes to arrays: every form in which labelled images arrive, as one kind of data set."""

from mnistlab.data.catalogue import CATALOGUE, KnownDataset, find
from mnistlab.data.dataset import Dataset, Split, make_dataset
from mnistlab.data.picture import encode_png
from mnistlab.data.sheet import contact_sheet
from mnistlab.data.source import load_dataset
from mnistlab.data.subset import take_subset
from mnistlab.data.views import read_views

__all__ = [
    "CATALOGUE",
    "Dataset",
    "KnownDataset",
    "Split",
    "contact_sheet",
    "encode_png",
    "find",
    "load_dataset",
    "make_dataset",
    "read_views",
    "take_subset",
]
