"""HTTP byte by byte, as clients send it that no library stands for."""

import socket

HANG = 60
"""Seconds: a guard, for machines that do much else besides."""
POST = "POST /api/read HTTP/1.1\r\nHost: localhost\r\n"


def opened(server):
    return socket.create_connection(("127.0.0.1", server.port), HANG)


def post(picture, more=""):
    return f"{POST}{more}Content-Length: {len(picture)}\r\n\r\n".encode() + picture


def answer(connection):
    """Status and body of the answer, past those that only say to go on; ``None`` if the connection
    ends first."""
    with connection.makefile("rb") as stream:
        while (line := stream.readline()).startswith(b"HTTP/1.1 "):
            headers = dict(
                line.lower().split(b": ", 1)
                for line in iter(lambda: stream.readline().strip(), b"")
            )
            if (status := int(line[9:12])) != 100:
                return status, stream.read(int(headers[b"content-length"]))
    return None
