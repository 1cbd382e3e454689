"""Metrics: what the server counts of itself, in Prometheus's form."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24)


class Metrics:
    """Counters of one application.

    Attributes:
        requests: answers, by status.
        reading: seconds of reading a picture, by all models that were asked for.
        waiting: requests that wait for a reader.
        alive: reader processes with their models loaded.
        refused: requests refused because the queue was full.
        deaths: reader processes that ended while the server ran.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "mnistlab_requests", "Answers, by status", ["status"], registry=self._registry
        )
        self.reading = Histogram(
            "mnistlab_reading_seconds",
            "Seconds of reading a picture",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.waiting = Gauge(
            "mnistlab_queue_length", "Requests that wait for a reader", registry=self._registry
        )
        self.alive = Gauge(
            "mnistlab_readers_alive", "Reader processes ready to read", registry=self._registry
        )
        self.refused = Counter(
            "mnistlab_refused",
            "Requests refused because the queue was full",
            registry=self._registry,
        )
        self.deaths = Counter(
            "mnistlab_reader_deaths", "Reader processes that ended", registry=self._registry
        )

    def text(self) -> bytes:
        """Return all of them in Prometheus's text format."""
        return generate_latest(self._registry)
