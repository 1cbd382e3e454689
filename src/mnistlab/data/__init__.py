"""Labelled images: every form in which they are published, read into one kind of data set."""

from mnistlab.data.contact_sheet import contact_sheet
from mnistlab.data.dataset import Dataset, Split, make_dataset, undo_draw
from mnistlab.data.known_datasets import CATALOGUE, KnownDataset, find
from mnistlab.data.png import channels_last, encode_png
from mnistlab.data.shifted_views import read_views
from mnistlab.data.source import load_dataset
from mnistlab.data.subset import take_fold, take_subset
from mnistlab.data.verification import Verification, verify_dataset

__all__ = [
    "CATALOGUE",
    "Dataset",
    "KnownDataset",
    "Split",
    "Verification",
    "channels_last",
    "contact_sheet",
    "encode_png",
    "find",
    "load_dataset",
    "make_dataset",
    "read_views",
    "take_fold",
    "take_subset",
    "undo_draw",
    "verify_dataset",
]
