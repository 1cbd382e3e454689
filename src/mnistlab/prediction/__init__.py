"""Prediction: from pictures in any form to a class and its probability, whatever model it is."""

from mnistlab.prediction.classifier import THRESHOLD, Classifier
from mnistlab.prediction.prediction import Prediction, Predictions

__all__ = ["THRESHOLD", "Classifier", "Prediction", "Predictions"]
