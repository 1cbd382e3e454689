"""Forms of data: each form in which labelled images come is one file here, with its test.

A file in this folder that defines ``FORM`` is found automatically; no list names it. A form reads
the files of a folder, of an archive, or a single file, which it is given as a
:class:`mnistlab.data.file_tree.FileTree`.
"""
