"""Image over HTTP → digits: an API, the page to draw on, and the processes that read. FastAPI is
imported only here.

``mnistlab.server.app.create_app`` makes the application, ``mnistlab.server.launch.serve`` runs it.
They are not imported with this package, of which a reader process needs neither.
"""

from mnistlab.server.settings import Settings

__all__ = ["Settings"]
