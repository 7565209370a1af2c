#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests as HTTP does not have them, and some that it does: each gets its status, and then the
connection goes on or it does not.

usage: requests_e2e.py RING_EXPORTER
"""
import collections
import contextlib
import os
import random
import re
import socket
import time

import harness  # noqa: F401, says where the others are
from place import DEADLINE_S, main
from programs import Exporter

HOST = b"Host: x\r\n"
GET = b"GET /-/healthy HTTP/1.1\r\n" + HOST
GOES_ON, ENDS, WAITS = "goes on", "ends", "waits"
REQUEST_S_MAX = 10
ACCEPTS = (b"application/openmetrics-text;version=1.0.0;q=0.5", b"text/plain;q=0.3", b"*/*;q=0.1",
           b"text/html", b"application/json", b'a/b;c="d,e\\";q=1"', b"q=;,;=", b";q=0.1234")


class Client:
    """A connection on which answers are read one by one."""

    def __init__(self, exporter):
        self.socket = socket.create_connection((exporter.host, exporter.port), DEADLINE_S)
        self.bytes = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:  # refused before it was all said
            pass

    def more(self):
        """Returns false at the end."""
        try:
            got = self.socket.recv(1 << 16)
        except ConnectionError:
            got = b""
        self.bytes += got
        return got != b""

    def status(self, has_body=True):
        """Of the next answer, which is read whole; None: the end came before it."""
        while b"\r\n\r\n" not in self.bytes:
            if not self.more():
                assert self.bytes == b"", self.bytes
                return None
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        status = int(re.match(rb"HTTP/1\.1 (\d{3}) ", head)[1])
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        length = int(length[1]) if length and has_body else 0
        while len(self.bytes) < length and self.more():
            pass
        self.bytes = self.bytes[length:]
        return status

    def goes_on(self):
        self.send(GET + b"\r\n")
        return self.status() == 200

    def ends(self):
        while self.more():
            pass
        return True


def get(target=b"/-/healthy", version=b"HTTP/1.1", fields=HOST, method=b"GET", body=b""):
    return method + b" " + target + b" " + version + b"\r\n" + fields + b"\r\n" + body


def post(fields, body=b""):
    return get(b"/replication/clear", fields=HOST + fields, method=b"POST", body=body)


def methods():
    for name in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"PATCH", b"PROPFIND", b"get",
                 b"Get", b"BREW", b"!#$%&'*+-.^_`|~", b"G" * 300):
        yield get(method=name), [405], GOES_ON
    for byte in b'()<>@,;:\\"/[]?={}\x01\x0b\x1f\x7f\x80\xff':
        yield get(method=b"G%cT" % byte), [400], ENDS
    yield get(b"*", method=b"OPTIONS"), [405], GOES_ON
    yield get(b"host:80", method=b"CONNECT"), [405], GOES_ON
    yield get(method=b"HEAD"), [200], GOES_ON
    yield get(method=b"G" * 30000), [414], ENDS


def targets():
    for target in (b"/metrics", b"http://host/metrics", b"HTTP://host:80/metrics?x=1", b"/?",
                   b"https://[::1]:1/metrics", b"http://host", b"http://host?x", b"/%6detrics",
                   b"/metrics?a=b&&==&c", b"/metrics?name[]=a{b}", b"/metrics?" + b"a=b&" * 200):
        yield get(target), [200], GOES_ON
    for target in (b"/no", b"//metrics", b"/metrics/", b"/../metrics", b"/%2e%2e/metrics",
                   b"http://host/no", b"http://host//metrics", b"/metrics%2f", b"/http://host/",
                   b"/" + b"x" * 8000):
        yield get(target), [404], GOES_ON
    for target in (b"*", b"metrics", b"host:80", b"%2fmetrics", b"\\metrics", b"?", b"ftp://h/metrics",
                   b"http:///metrics", b"http://?x", b"http:/metrics", b"http:metrics", b"://h/",
                   b"http:%2f%2fh/metrics", b"http://u@h/metrics", b"http://h%2f/metrics",
                   b"http://h\\/metrics", b"/metrics#x", b"/%", b"/%6", b"/%g0", b"/%0g", b"/%00",
                   b"/metrics%00", b"/metrics?%00", b"/a b", b"/a  b"):
        yield get(target), [400], ENDS
    for byte in (*range(0x01, 0x0a), *range(0x0b, 0x20), *range(0x7f, 0x100, 16), 0xff):
        yield get(b"/metrics%c" % byte), [400], ENDS
    yield get(b"/" + b"x" * 30000), [414], ENDS
    yield get(b""), [400], ENDS


def versions():
    for minor in range(1, 10):
        yield get(version=b"HTTP/1.%d" % minor), [200], GOES_ON
    for minor in range(10):
        for major in (0, 2, 3, 9):
            yield get(version=b"HTTP/%d.%d" % (major, minor)), [505], ENDS
    for fields in (HOST, b"", b"Connection: close\r\n"):
        yield get(version=b"HTTP/1.0", fields=fields), [200], ENDS
    yield get(version=b"HTTP/1.0", fields=b"Connection: keep-alive\r\n"), [200], GOES_ON
    for version in (b"http/1.1", b"HTTP/1.1x", b"HTTP/11", b"HTTP/1.", b"HTTP/.1", b"HTTP/1,1",
                    b"HTTP/01.1", b"HTTP/1.01", b"HTTP/-1.1", b"HTTP/", b"HTTP", b"HTTX/1.1", b"x",
                    b"HTTP/1.1 ", b"x HTTP/1.1"):
        yield get(version=version), [400], ENDS
    yield b"GET /-/healthy\r\n\r\n", [400], ENDS
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], ENDS


def fields():
    for byte in b'(),/;<=>?@[\\]{} "\t\x01\x1f\x7f\x80\xff':
        yield get(fields=HOST + b"A%cB: c\r\n" % byte), [400], ENDS
    for byte in (*range(0x01, 0x09), *range(0x0b, 0x20), 0x7f):
        yield get(fields=HOST + b"A: b%cc\r\n" % byte), [400], ENDS
    for line in (b"A : b", b"A\t: b", b" A: b", b"no colon"):
        yield get(fields=line + b"\r\n" + HOST), [400], ENDS
    for line in (b"A:", b"A:b", b"A: \xff\xfe", b"A: b\tc", b"A: b\r\n c", b"A: b\r\n\tc",
                 b"A: " + b"x" * 8000, b"Accept: " + b",;=\"" * 500):
        yield get(fields=HOST + line + b"\r\n"), [200], GOES_ON
    for host in (b"", b"x", b"x:80", b"[::1]:80", b"a.b-c_d~e"):
        yield get(fields=b"hOsT:  %s\r\n" % host), [200], GOES_ON
    for host in (b"a b", b"a/b", b"a?b", b"a#b", b"u@b", b"a\\b", b"<a>", b"a%20b", b"\xff", b'"a"'):
        yield get(fields=b"Host: " + host + b"\r\n"), [400], ENDS
    for lines in (b"", HOST + HOST, HOST + b"host: y\r\n"):
        yield get(fields=lines), [400], ENDS
    yield get(fields=HOST + b"A: b\r\n" * 63), [200], GOES_ON
    for count in (64, 300):
        yield get(fields=HOST + b"A: b\r\n" * count), [431], ENDS
    for size in (17000, 100000):
        yield get(fields=HOST + b"A: " + b"x" * size + b"\r\n"), [431], ENDS
        yield get(fields=HOST + b"x" * size + b": b\r\n"), [431], ENDS


def bodies():
    for size in (0, 1, 4096):
        length = b"Content-Length: %d\r\n" % size
        yield post(length, b"x" * size), [403], GOES_ON
        yield get(fields=HOST + length, body=b"x" * size), [200], GOES_ON
    for length in (b"4097", b"0004097", b"4294967297", b"18446744073709551615", b"9" * 30):
        yield post(b"Content-Length: " + length + b"\r\n"), [413], ENDS
    for length in (b"", b"-1", b"+1", b"1x", b"x", b"0x1", b"1 1", b"1, 1", b"1.0", b"1e1", b"'1'",
                   b"\xb2"):
        yield post(b"Content-Length: " + length + b"\r\n", b"x"), [400], ENDS
    for pair in ((1, 1), (1, 2), (0, 1)):
        yield post(b"Content-Length: %d\r\nContent-Length: %d\r\n" % pair, b"x"), [400], ENDS
    for coding in (b"chunked", b"Chunked", b"identity", b"gzip, chunked", b"x", b"", b" chunked"):
        line = b"Transfer-Encoding: " + coding + b"\r\n"
        yield post(line, b"0\r\n\r\n"), [411], ENDS
        yield post(line + b"Content-Length: 5\r\n", b"0\r\n\r\n"), [400], ENDS
        yield post(line + line, b"0\r\n\r\n"), [411], ENDS
    expect = b"Expect: 100-continue\r\nContent-Length: "
    yield post(expect + b"3\r\n", b"abc"), [403], GOES_ON
    yield post(expect + b"4097\r\n"), [413], ENDS
    yield post(b"Expect: nothing\r\nContent-Length: 3\r\n", b"abc"), [403], GOES_ON


def several():
    for count in (2, 3, 50):
        yield (GET + b"\r\n") * count, [200] * count, GOES_ON
    yield (GET + b"\r\n").replace(b"\r\n", b"\n") * 2, [200, 200], GOES_ON
    for blank in (b"\r\n", b"\n", b"\r\n" * 5):
        yield blank + GET + b"\r\n", [200], GOES_ON
    yield GET + b"\r\n" + get(b"/no") + get(method=b"PUT"), [200, 404, 405], GOES_ON
    yield GET + b"Content-Length: 4\r\n\r\nGET " + GET + b"\r\n", [200, 200], GOES_ON
    yield GET + b"Connection: close\r\n\r\n" + GET + b"\r\n", [200], ENDS
    for bad in (get(b"/%"), post(b"A : b\r\n"), get(fields=b"")):
        yield GET + b"\r\n" + bad + GET + b"\r\n", [200, 400], ENDS
    many = b"GET /metrics?" + b"&".join([b"a=b"] * 300) + b" HTTP/1.1\r\n"
    for line in (b"GET\r\n", b" GET / HTTP/1.1\r\n", b"GET\t/\tHTTP/1.1\r\n", b"\x01\r\n", many):
        yield line + HOST + b"\r\n", [], ENDS  # so says the library, without a word
        yield GET + b"\r\n" + line + HOST + b"\r\n", [200], ENDS


def zeros():
    """The library ends a string there; what is cut off is not taken for something else."""
    yield get(b"/no\0/../metrics"), [404], GOES_ON
    yield get(method=b"PUT\0"), [405], GOES_ON
    yield get(fields=HOST + b"A\0: b\r\n"), [400], ENDS
    yield get(fields=HOST + b"A: b\0c\r\n"), [200], GOES_ON
    yield get(version=b"HTTP/1.1\0"), [400], ENDS


def incomplete():
    for start in (b"", b"G", b"GET", b"GET ", b"GET /metrics", b"GET /metrics HTTP/1.1",
                  b"GET /metrics HTTP/1.1\r\n", GET, GET + b"A", GET + b"A: b\r\n", b"\0" * 64,
                  GET.replace(b"\r\n", b"\r") + b"\r\r", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03",
                  b"\r\n" * 20, GET + b"Content-Length: 10\r\n\r\n123456789"):
        yield start, [], WAITS


def is_head(request):
    return request.startswith(b"HEAD")


def check(exporter, table):
    """Demands what the table says of each; returns the clients that wait."""
    count, wrong, waiting = 0, [], []
    for request, statuses, then in table:
        client = Client(exporter)
        client.send(request)
        got = []
        while len(got) < len(statuses) and (got or [0])[-1] is not None:
            status = client.status(not is_head(request))
            got += [status] if status != 100 else []
        if then == WAITS:
            waiting.append(client)
        elif got != statuses or not getattr(client, then.replace(" ", "_"))():
            wrong.append((request[:100], got, statuses, then))
        count += 1
    assert not wrong, "\n".join(map(str, wrong))
    return count, waiting


def every_request_gets_its_status(place):
    exporter = Exporter(place)
    total = 0
    for part in (methods, targets, versions, fields, bodies, several, zeros):
        total += check(exporter, part())[0]
    print(f"# {total} requests")
    assert total >= 300, total


def request_that_never_ends_is_ended(place):
    exporter = Exporter(place)
    start = time.monotonic()
    _, waiting = check(exporter, incomplete())
    for client in waiting:
        assert client.ends() and client.bytes == b"", client.bytes
    assert REQUEST_S_MAX - 1 < time.monotonic() - start < REQUEST_S_MAX + 5


def dice():
    seed = int(os.environ.get("RING_SEED", "20240229"), 0)
    print(f"# RING_SEED={seed}")
    return random.Random(seed)


def mutate(roll, data):
    """Cuts, doubles, swaps or overwrites here and there."""
    data = bytearray(data)
    for _ in range(roll.randint(1, 6)):
        at, size = roll.randrange(len(data) + 1), roll.choice((1, 1, 2, 8))
        how = roll.randrange(4)
        if how == 0:
            del data[at:at + size]
        elif how == 1:
            data[at:at] = data[at:at + size]
        elif how == 2:
            data[at:at] = bytes(roll.choice(b'\0\r\n\t :;,/%?#"\\\xff0a') for _ in range(size))
        elif at < len(data):
            data[at] = roll.randrange(256)
    return bytes(data)


def mutated_requests_get_an_answer_or_an_end(place):
    roll, exporter = dice(), Exporter(place)
    seeds = [request for part in (methods, targets, fields, bodies, several, zeros)
             for request, _, _ in part() if len(request) < 1000]
    known = {100, 200, 303, 400, 403, 404, 405, 411, 413, 414, 431, 505}
    clients = collections.deque()
    for _ in range(3000):
        clients.append((mutate(roll, roll.choice(seeds)), Client(exporter)))
        clients[-1][1].send(clients[-1][0])
        if len(clients) > 100:
            request, client = clients.popleft()
            client.socket.settimeout(0)  # what came is there by now, and some wait for more
            with contextlib.suppress(BlockingIOError):
                client.ends()
            statuses = set(map(int, re.findall(rb"HTTP/1\.1 (\d{3}) ", client.bytes)))
            assert statuses <= known, (request, client.bytes)
            client.socket.close()
    assert exporter.get()[0] == 200


def any_accept_is_answered_in_a_form_that_there_is(place):
    roll, exporter = dice(), Exporter(place)
    client = Client(exporter)
    for _ in range(2000):
        accept = mutate(roll, b", ".join(roll.choices(ACCEPTS, k=roll.randint(1, 4))))
        accept = re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", accept)
        for path in (b"/metrics", b"/replication"):
            client.send(get(path, fields=HOST + b"Accept: " + accept + b"\r\n"))
            assert client.status() == 200, accept
    assert client.goes_on()


if __name__ == "__main__":
    main([
        every_request_gets_its_status,
        request_that_never_ends_is_ended,
        mutated_requests_get_an_answer_or_an_end,
        any_accept_is_answered_in_a_form_that_there_is,
    ])
