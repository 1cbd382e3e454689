"""Loggers: one file each, with a :class:`mnistlab.cli.run_log.RunLogger` named ``LOGGER``."""
