#!/usr/bin/env python3
"""Pushes files as blobs, all at once, with one connection each.

    push.py URL put|patch FILE:SHA256...

URL is that of a repository: http://host:port/v2/name. `put` sends a blob in the request that ends its upload, as Go's and docker's
clients do for small ones; `patch` streams it in one PATCH first, as containers/image and docker do. Prints the seconds that all took, until the
last blob was acknowledged; fails if one was not.
"""

import http.client
import os
import sys
import threading
import time
from urllib.parse import urlsplit


def ask(connection, method, path, status, headers, file=None):
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    if file:
        connection.sock.sendfile(file)
    answer = connection.getresponse()
    answer.read()
    if answer.status != status:
        raise RuntimeError(f"{method} {path}: {answer.status}")
    return answer.headers.get("Location")


def push(base, how, file, digest):
    connection = http.client.HTTPConnection(base.hostname, base.port)
    location = ask(connection, "POST", base.path + "/blobs/uploads/", 202, {"Content-Length": "0"})
    size = str(os.fstat(file.fileno()).st_size)
    octets = {"Content-Type": "application/octet-stream", "Content-Length": size}
    if how == "patch":
        location = ask(connection, "PATCH", relative(location), 202, octets, file)
    path = relative(location)
    path += ("&" if "?" in path else "?") + "digest=sha256:" + digest
    if how == "patch":
        ask(connection, "PUT", path, 201, {"Content-Length": "0"})
    else:
        ask(connection, "PUT", path, 201, octets, file)


def relative(location):
    parts = urlsplit(location)
    return parts.path + ("?" + parts.query if parts.query else "")


def main():
    base, how = urlsplit(sys.argv[1]), sys.argv[2]
    failed = []

    def run(name, digest):
        try:
            with open(name, "rb") as file:
                push(base, how, file, digest)
        except Exception as error:  # a thread's end is nobody's exit code
            failed.append(error)

    threads = [threading.Thread(target=run, args=blob.rsplit(":", 1)) for blob in sys.argv[3:]]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        sys.exit(f"push: {failed[0]}")
    print(f"{time.monotonic() - begin:.4f}")


main()
