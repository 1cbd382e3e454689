"""Compositions: functions of PyTorch that become views, or several operations of other files.

A file of this folder is found automatically; no list names it.
"""
