"""Convolution in which each output channel reads one input channel, see ``convolution.py``."""
