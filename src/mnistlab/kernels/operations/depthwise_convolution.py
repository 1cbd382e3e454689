"""Convolution in which each output channel reads one input channel; ``convolution.py`` chooses it."""
