"""Task: what the models of a server do with a picture."""

from typing import Literal

Task = Literal["read", "classify"]
PATHS: dict[Task, str] = {"read": "/api/read", "classify": "/api/classify"}
"""Where a picture is sent for each."""
