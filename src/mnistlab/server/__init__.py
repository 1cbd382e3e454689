"""Picture over HTTP → digits: an API, the page to draw on, and the processes that read. FastAPI is
imported only here.

``mnistlab.server.app.create_app`` makes the application, ``mnistlab.server.launch.serve`` runs it.
This package imports neither, because a reader process needs neither.
"""

from mnistlab.server.settings import Settings

__all__ = ["Settings"]
