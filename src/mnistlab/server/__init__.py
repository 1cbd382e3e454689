"""The server: an API that reads digits in pictures, a page to draw on, and the processes that
read. FastAPI is imported only here.

``mnistlab.server.app.create_app`` makes the application, ``mnistlab.server.launch.serve`` runs it.
Neither is imported with this package, since reader processes need neither.
"""

from mnistlab.server.settings import Settings

__all__ = ["Settings"]
