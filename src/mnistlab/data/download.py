"""Downloads of published files: several mirrors, checksums, retries, and resumption of broken
downloads.
"""

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.errors import DataError

if TYPE_CHECKING:
    from requests import Session

OnProgress = Callable[[str, int, int], None]
"""Called with the file's name, the bytes held so far, and the bytes in all (0 while unknown)."""

_CHUNK = 1 << 18
_TIMEOUT_SECONDS = 20
_RETRIES, _BACKOFF_SECONDS = 3, 0.5


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Attributes:
        name: under which it is kept.
        md5: of the file as published.
        urls: of the mirrors, the preferred one first.
    """

    name: str
    md5: str
    urls: tuple[str, ...]


def cache_folder() -> Path:
    """Where downloads are kept: ``$MNISTLAB_CACHE``, or the platform's own place for caches."""
    import pooch

    return Path(os.environ.get("MNISTLAB_CACHE") or pooch.os_cache("mnistlab"))


def fetch(file: RemoteFile, folder: Path, on_progress: OnProgress | None = None) -> Path:
    """Return the path of a verified copy in ``folder``, downloading it if there is none.

    A broken download leaves ``NAME.part`` behind, and the next attempt only fetches the rest.

    Raises:
        DataError: no mirror delivered the file; the message names the folder into which it can be
            put by hand.
    """
    import pooch
    import requests

    # Pooch announces downloads on standard error; the command line shows its own progress.
    pooch.get_logger().setLevel(logging.ERROR)
    failures = []
    for url in file.urls:
        downloader = _Resuming(file, folder / f"{file.name}.part", on_progress)
        try:
            return Path(
                pooch.retrieve(url, f"md5:{file.md5}", file.name, folder, downloader=downloader)
            )
        except requests.RequestException as error:
            failures.append(f"{_host(url)}: {_reason(error)}")
        except ValueError:
            failures.append(f"{_host(url)}: its copy has another checksum")
        except OSError as error:
            raise DataError(f"{folder / file.name}: cannot be stored: {error}") from error
    raise DataError(
        f"{file.name}: no mirror could be reached or trusted ({'; '.join(failures)}); "
        f"connect to the internet, or put the file into {folder}"
    )


class _Resuming:
    """A downloader for pooch that resumes from a partial file."""

    def __init__(self, file: RemoteFile, part: Path, on_progress: OnProgress | None) -> None:
        self.file = file
        self.part = part
        self.on_progress = on_progress

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        retry = Retry(
            _RETRIES, backoff_factor=_BACKOFF_SECONDS, status_forcelist=(429, 500, 502, 503, 504)
        )
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retry))
            for attempt in range(_RETRIES):
                try:
                    self._append(session, url)
                    break
                except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                    # Once bytes have arrived, the rest is requested again.
                    if attempt + 1 == _RETRIES or not self.part.exists():
                        raise
        # Moved even if its checksum turns out wrong: resuming a wrong file would never mend it.
        shutil.move(self.part, output_file)

    def _append(self, session: "Session", url: str) -> None:
        held = self.part.stat().st_size if self.part.exists() else 0
        wanted = {"Range": f"bytes={held}-", "Accept-Encoding": "identity"}
        with session.get(url, headers=wanted, stream=True, timeout=_TIMEOUT_SECONDS) as response:
            if response.status_code == 416:
                return
            response.raise_for_status()
            resumed = response.status_code == 206
            held = held if resumed else 0
            length = int(response.headers.get("Content-Length", 0))
            total = held + length if length else 0
            with self.part.open("ab" if resumed else "wb") as output:
                for chunk in response.iter_content(_CHUNK):
                    output.write(chunk)
                    held += len(chunk)
                    if self.on_progress:
                        self.on_progress(self.file.name, held, total)


def _host(url: str) -> str:
    return url.split("/")[2]


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    return f"HTTP {response.status_code}" if response is not None else type(error).__name__
