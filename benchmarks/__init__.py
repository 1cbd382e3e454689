"""Measurements of the package that anyone can make again; they are no part of it."""
