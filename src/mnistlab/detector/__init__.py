"""The reader's detector: the network that finds and names characters in pictures of pages, and its
training.
"""
