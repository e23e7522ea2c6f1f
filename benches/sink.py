#!/usr/bin/env python3
"""Pulls a URL with many connections at once and throws away what comes, without the kernel ever copying it out.

    sink.py URL CLIENTS BYTES

Each client makes one request. Prints the seconds that all took; fails if one did not get 200 and BYTES bytes.
"""

import select
import socket
import sys
import time
from urllib.parse import urlsplit

HEAD_BYTES = 16384


def read_head(sock):
    """Takes the answer's head out of the socket; returns how many bytes of the body came with it."""
    head = b""
    while b"\r\n\r\n" not in head:
        # Looked at first, so that nothing of the body is taken but what must be.
        seen = sock.recv(HEAD_BYTES)
        if not seen or len(head) > HEAD_BYTES:
            sys.exit("sink: no answer")
        head += seen
    head, body = head.split(b"\r\n\r\n", 1)
    if not head.startswith(b"HTTP/1.1 200 "):
        sys.exit("sink: " + head.decode(errors="replace"))
    return len(body)


def main():
    url, clients, size = urlsplit(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    request = f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: sink\r\n\r\n".encode()
    begin = time.monotonic()
    poll, left = select.epoll(), {}
    for _ in range(clients):
        sock = socket.create_connection((url.hostname, url.port))
        sock.sendall(request)
        left[sock.fileno()] = [sock, None]
        poll.register(sock, select.EPOLLIN)
    nowhere = bytearray(4 << 20)
    while left:
        for number, _ in poll.poll():
            sock, missing = entry = left[number]
            if missing is None:
                entry[1] = size - read_head(sock)
            else:
                taken = sock.recv_into(nowhere, min(len(nowhere), missing), socket.MSG_TRUNC)
                if taken == 0:
                    sys.exit(f"sink: the answer lacks {missing} bytes")
                entry[1] = missing - taken
            if entry[1] == 0:
                poll.unregister(sock)
                sock.close()
                del left[number]
    print(f"{time.monotonic() - begin:.4f}")


main()
