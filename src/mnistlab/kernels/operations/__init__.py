"""Operations: each is one file here, beside its C++ file of the same name in ``source/operations``.

A file of this folder decides which functions of PyTorch become its operation, and of what shape the
result is. It is found automatically; no list names it.
"""
