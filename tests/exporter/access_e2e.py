#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who gets in: tokens, passwords, client certificates, each as the clients that people have send
them, Prometheus among them.

usage: access_e2e.py RING_EXPORTER
"""
import contextlib
import http.client
import os
import re
import socket
import ssl
import subprocess
import threading
import time

from credentials import (CLIENTS, PASSWORD, TOKEN, Authority, basic, bcrypt, tls_config,
                         token_file, users, write)
from place import main, run, wait_until
from programs import Exporter, Prometheus

OTHER = "fedcba98" * 8
BEARER = 'Bearer realm="ring-exporter"'
BASIC = 'Basic realm="ring-exporter", charset="UTF-8"'


def with_tokens(place, *arguments):
    path = token_file(place, "token", TOKEN)
    return Exporter(place, "--web.token-file", path, *arguments)


def with_config(place, text, *arguments, **options):
    path = write(place, "web.yml", text)
    return Exporter(place, "--web.config.file", path, *arguments, **options)


def ask_raw(exporter, head, path="/metrics"):
    """(status, whole answer) to a request whose header has these lines."""
    with socket.create_connection((exporter.host, exporter.port)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    return int(answer.split()[1]), answer


def status_with(exporter, authorization, **options):
    return exporter.get(Authorization=authorization, **options)[0]


def X1_request_needs_the_token_in_any_spelling_of_its_scheme(place):
    exporter = with_tokens(place)
    cases = {
        "": 401,
        f"Authorization: Bearer {TOKEN}\r\n": 200,
        f"authorization: bearer {TOKEN}\r\n": 200,
        f"AUTHORIZATION: BEARER  {TOKEN} \r\n": 200,
        f"Authorization: Bearer\t{TOKEN}\r\n": 200,
        f"Authorization: Bearer {TOKEN[:-1]}\r\n": 401,
        f"Authorization: Bearer {TOKEN}0\r\n": 401,
        f"Authorization: Bearer {TOKEN.upper()}\r\n": 401,
        f"Authorization: Bearer {OTHER}\r\n": 401,
        f"Authorization: Bearer {TOKEN} {TOKEN}\r\n": 401,
        f"Authorization: Bearer {TOKEN},\r\n": 401,
        f"Authorization: Bearer \"{TOKEN}\"\r\n": 401,
        f"Authorization: Bearer{TOKEN}\r\n": 401,
        "Authorization: Bearer\r\n": 401,
        "Authorization: Bearer \r\n": 401,
        "Authorization:\r\n": 401,
        f"Authorization: {TOKEN}\r\n": 401,
        f"Authorization: Token {TOKEN}\r\n": 401,
        f"Authorization: Digest {TOKEN}\r\n": 401,
        f"Authorization: {basic('any', TOKEN)}\r\n": 401,
        f"Authorization: {basic(TOKEN, '')}\r\n": 401,
        f"Proxy-Authorization: Bearer {TOKEN}\r\n": 401,
        f"Cookie: token={TOKEN}\r\n": 401,
        f"Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\n": 400,
        f"Authorization: Bearer {OTHER}\r\nAuthorization: Bearer {TOKEN}\r\n": 400,
        f"Authorization: Bearer {'x' * 12000}\r\n": 401,
        f"Authorization: Bearer {'x' * 40000}\r\n": 431,
    }
    for head, status in cases.items():
        got, answer = ask_raw(exporter, head)
        assert got == status, (head[:100], got)
        assert (BEARER.encode() in answer) == (status == 401), answer
        assert TOKEN.encode() not in answer and OTHER.encode() not in answer
    assert ask_raw(exporter, "", f"/metrics?access_token={TOKEN}")[0] == 401


def X1_refusal_tells_nothing_of_what_was_wrong(place):
    exporter = with_tokens(place)
    heads = ["", f"Authorization: Bearer {OTHER}\r\n", f"Authorization: Basic {TOKEN}\r\n"]
    answers = {ask_raw(exporter, head)[1].split(b"Date:")[0]
               + ask_raw(exporter, head)[1].split(b"\r\n\r\n")[1] for head in heads}
    assert len(answers) == 1, answers


def X1_every_path_is_protected_but_those_that_say_whether_it_lives(place):
    exporter = with_tokens(place, "--web.enable-admin-api", "--web.enable-lifecycle")
    for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "BREW"):
        for path in ("/", "/metrics", "/replication", "/replication?follower=x",
                     "/style.css", "/sd", "/replication/clear", "/no", "/-/", "/-/healthy/",
                     "/-/ready/../../metrics", "//-/healthy", "/-/reload"):
            status, headers, body = exporter.get(path, method)
            assert (status, headers["WWW-Authenticate"]) == (401, BEARER), (method, path)
            assert headers["Cache-Control"] == "no-store"
            assert body == (b"" if method == "HEAD" else b"unauthorized\n")
            status = exporter.get(path, method, Authorization=f"Bearer {TOKEN}")[0]
            assert status in (200, 303, 404, 405), (method, path, status)
    assert exporter.get("/-/healthy")[0] == exporter.get("/-/ready")[0] == 200
    for target, status in (("http://x/-/healthy", 200), ("http://x/-/ready?a", 200),
                           ("http://x/metrics", 401), ("http://x/-/healthy/../metrics", 401),
                           ("http://x", 401), ("/-%2fready", 200), ("/%6detrics", 401)):
        assert ask_raw(exporter, "", target)[0] == status, target


def X1_token_is_nowhere_to_be_read(place):
    exporter = with_tokens(place, "--log.level=debug")
    for token in (TOKEN, OTHER):
        ask_raw(exporter, f"Authorization: Bearer {token}\r\n")
        ask_raw(exporter, f"Authorization: Bearer {token}\r\nbroken header {token}\r\n")
        ask_raw(exporter, f"Authorization: Bearer {token}\r\n {token}\r\n")
    seen = exporter.said()
    for name in ("cmdline", "environ"):
        with open(f"/proc/{exporter.pid}/{name}", encoding="utf-8", errors="replace") as file:
            seen += file.read()
    assert "request" in seen and "--web.token-file" in seen
    assert TOKEN not in seen and OTHER not in seen
    status, _, body = exporter.get(Authorization=f"Bearer {TOKEN}")
    assert status == 200 and TOKEN.encode() not in body


def X1_tokens_are_replaced_without_a_restart_and_a_bad_file_changes_nothing(place):
    first, second = token_file(place, "token", TOKEN), token_file(place, "second", "s" * 16)
    exporter = Exporter(place, "--web.token-file", first, "--web.token-file", second)

    def are(**statuses):
        return all(status_with(exporter, f"Bearer {token}") == status
                   for token, status in statuses.items())
    assert are(**{TOKEN: 200, "s" * 16: 200, OTHER: 401})
    token_file(place, "token", TOKEN, OTHER)
    wait_until(lambda: are(**{TOKEN: 200, OTHER: 200, "s" * 16: 200}), "both are good")
    token_file(place, "token", OTHER)
    wait_until(lambda: are(**{TOKEN: 401, OTHER: 200, "s" * 16: 200}), "the old one is not")
    bad = (("", "no token"), ("short\n", "16 characters"), (f"{TOKEN} x\n", "letters, digits"),
           ("x" * 1025, "1024"), (f"{TOKEN}\n" * 17, "more than 16"), ("\0" * 64, "letters"))
    for text, reason in bad:
        write(place, "token", text)
        line = f'stay as they were" file="{first}" reason=".*{reason}'
        wait_until(lambda l=line: exporter.get() and re.search(l, exporter.said()), line)
        assert are(**{OTHER: 200, "s" * 16: 200})
    os.unlink(first)
    wait_until(lambda: exporter.get() and "No such file" in exporter.said(), "it is gone")
    assert are(**{OTHER: 200, "s" * 16: 200})
    token_file(place, "token", TOKEN)
    wait_until(lambda: are(**{TOKEN: 200, OTHER: 401, "s" * 16: 200}), "a good one again")


def token_file_that_others_may_read_or_that_is_none_is_refused(place):
    for mode in (0o604, 0o602, 0o644):
        path = write(place, "token", TOKEN, mode)
        done = run("ring-exporter", "--dir", place.segments, "--web.token-file", path)
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done
        assert b"chmod o= it" in done.stderr
    os.mkfifo(os.path.join(place.folder, "fifo"))
    for path in (place.folder, "/dev/null", f"{place.folder}/no", f"{place.folder}/fifo"):
        done = run("ring-exporter", "--dir", place.segments, "--web.token-file", path)
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done
    os.symlink(write(place, "token", TOKEN, 0o440), os.path.join(place.folder, "link"))
    exporter = Exporter(place, "--web.token-file", os.path.join(place.folder, "link"))
    assert status_with(exporter, f"Bearer {TOKEN}") == 200


def passwords_made_by_htpasswd_open_it(place):
    exporter = with_config(place, users(alice=bcrypt(PASSWORD), bob=bcrypt("")))
    for name, password, status in (("alice", PASSWORD, 200), ("alice", PASSWORD + "x", 401),
                                   ("alice", "", 401), ("bob", "", 200), ("bob", PASSWORD, 401),
                                   ("carol", PASSWORD, 401), ("", PASSWORD, 401),
                                   ("alice", PASSWORD + "\0", 401), ("alice\0", PASSWORD, 401),
                                   ("Alice", PASSWORD, 401), ("alice", "\u20ac" * 200, 401)):
        for _ in range(2):  # computed, then remembered
            assert status_with(exporter, basic(name, password)) == status, (name, password)
    for field in ("Basic", "Basic !", "Basic YQ==", f"Bearer {TOKEN}"):
        status, headers, _ = exporter.get(Authorization=field)
        assert (status, headers["WWW-Authenticate"]) == (401, BASIC), field


def either_a_token_or_a_password_will_do_where_both_are_known(place):
    token = token_file(place, "token", TOKEN)
    exporter = with_config(place, users(alice=bcrypt(PASSWORD)), "--web.token-file", token)
    assert status_with(exporter, f"Bearer {TOKEN}") == 200
    assert status_with(exporter, basic("alice", PASSWORD)) == 200
    _, answer = ask_raw(exporter, "")
    assert BEARER.encode() in answer and BASIC.encode() in answer


def users_change_without_a_restart_but_not_to_none(place):
    exporter = with_config(place, users(alice=bcrypt(PASSWORD)))
    assert status_with(exporter, basic("alice", PASSWORD)) == 200
    write(place, "web.yml", users(alice=bcrypt("new"), bob=bcrypt(PASSWORD)))
    wait_until(lambda: status_with(exporter, basic("bob", PASSWORD)) == 200, "bob is known")
    assert status_with(exporter, basic("alice", PASSWORD)) == 401
    assert status_with(exporter, basic("alice", "new")) == 200
    for text, reason in (("", "let everybody in"), ("user: x\n", "line 1: user: unknown key")):
        write(place, "web.yml", text)
        wait_until(lambda r=reason: exporter.get()[0] == 401 and r in exporter.said(), reason)
        assert status_with(exporter, basic("bob", PASSWORD)) == 200


class Guesser(threading.Thread):
    """Tries one wrong password after the other until it is told to stop."""

    def __init__(self, exporter, number):
        super().__init__()
        self.exporter, self.number, self.count, self.stopped = exporter, number, 0, False

    def run(self):
        connection = self.exporter.connection()
        while not self.stopped:
            self.count += 1
            field = basic("alice", f"guess {self.number} {self.count}")
            connection.request("GET", "/metrics", headers={"Authorization": field})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 401
        connection.close()


def flood_of_guesses_holds_up_nobody_who_is_known(place):
    exporter = with_config(place, users(alice=bcrypt(PASSWORD, 9)))
    right = basic("alice", PASSWORD)
    assert status_with(exporter, right) == 200
    guessers = [Guesser(exporter, number) for number in range(40)]
    for guesser in guessers:
        guesser.start()
    wait_until(lambda: all(guesser.count for guesser in guessers), "all guess")
    times = []
    for _ in range(50):
        start = time.monotonic()
        assert status_with(exporter, right) == 200 and exporter.get("/-/ready")[0] == 200
        times.append(time.monotonic() - start)
    write(place, "web.yml", users(alice=bcrypt(PASSWORD, 9), bob=bcrypt(PASSWORD, 9)))
    time.sleep(1.1)  # the file is looked at once a second
    assert status_with(exporter, basic("bob", PASSWORD)) == 200  # never seen before: gets its turn
    for guesser in guessers:
        guesser.stopped = True
    for guesser in guessers:
        guesser.join()
    assert sorted(times)[len(times) // 2] < 0.2, times
    assert status_with(exporter, right) == 200


@contextlib.contextmanager
def guesses(exporter, count):
    """Connections, from as many addresses as it takes, that each wait for a verdict."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            client = stack.enter_context(socket.create_connection(
                (exporter.host, exporter.port), source_address=(f"127.0.1.{number % 50 + 1}", 0)))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: "
                           + basic("alice", f"guess {number}").encode() + b"\r\n\r\n")
        yield


def guesses_on_all_connections_keep_nobody_out_who_is_known(place):
    exporter = with_config(place, users(alice=bcrypt(PASSWORD, 12)))
    right = basic("alice", PASSWORD)
    assert status_with(exporter, right) == 200
    with guesses(exporter, 400):  # more than 10 seconds' worth for each of 128 connections
        start = time.monotonic()
        assert status_with(exporter, right) == 200 and exporter.get("/-/ready")[0] == 200
        assert time.monotonic() - start < 5
        assert "make room" in exporter.said()


def X3_end_waits_for_a_password_that_is_asked_for(place):
    exporter = with_config(place, users(alice=bcrypt(PASSWORD, 10)))
    with socket.create_connection((exporter.host, exporter.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: "
                       + basic("alice", PASSWORD).encode() + b"\r\n\r\n")
        start = time.monotonic()
        assert exporter.end() == 0
        assert time.monotonic() - start < 4
        assert b" 200 " in client.recv(4096)


def end_does_not_wait_for_all_passwords_that_are_asked_for(place):
    exporter = with_config(place, users(alice=bcrypt(PASSWORD, 12)))
    with guesses(exporter, 100):
        assert exporter.get("/-/ready")[0] == 200
        start = time.monotonic()
        assert exporter.end() == 0
        assert time.monotonic() - start < 10  # of which 5 are for those who have asked


def tls_serves_and_takes_a_new_certificate_without_a_restart(place):
    authority = Authority(place)
    authority.sign("server", "serverAuth")
    token = token_file(place, "token", TOKEN)
    exporter = with_config(place, tls_config(), "--web.token-file", token,
                           tls=authority.context())

    def serial():
        connection = exporter.connection()
        connection.connect()
        number = connection.sock.getpeercert()["serialNumber"]
        connection.close()
        return number
    first = serial()
    assert exporter.get()[0] == 401
    authority.sign("server", "serverAuth")
    wait_until(lambda: serial() != first, "the new certificate")
    assert status_with(exporter, f"Bearer {TOKEN}") == 200
    write(place, "server.pem", "no PEM")
    second = serial()
    wait_until(lambda: serial() and "stays as it was" in exporter.said(), "it says so")
    for count in (1, 2):  # it has looked at its files so often since
        token_file(place, "token", TOKEN)
        wait_until(lambda c=count: serial() and exporter.said().count("tokens read") == c, "again")
    assert serial() == second and exporter.said().count("stays as it was") == 1
    write(place, "web.yml", "basic_auth_users: {}\n")
    wait_until(lambda: serial() and "TLS comes and goes" in exporter.said(), "it says so")
    with socket.create_connection((exporter.host, exporter.port)) as plain:
        plain.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert b"HTTP" not in plain.recv(4096)
    assert exporter.end() == 0


def connects(exporter, context):
    """Whether a request with this context is answered, and not ended by an alert or a close."""
    exporter.tls = context
    try:
        return exporter.get("/-/healthy")[0] == 200
    except (ssl.SSLError, OSError, http.client.HTTPException):
        return False


def client_certificate_must_be_a_good_one(place):
    authority, stranger = Authority(place), Authority(place, "stranger")
    authority.sign("server", "serverAuth")
    authority.sign("client", "clientAuth")
    authority.sign("expired", "clientAuth", days=-1)
    stranger.sign("foreign", "clientAuth")
    exporter = with_config(place, tls_config(*CLIENTS), tls=authority.context("client"))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for client, good in (("client", True), (None, False), ("expired", False),
                             ("foreign", False), ("server", False)):
            context = authority.context(client)
            context.minimum_version = context.maximum_version = version
            assert connects(exporter, context) == good, (version, client)
    for version, good in (("-tls1_1", False), ("-tls1_2", True)):
        done = run("openssl", "s_client", "-connect", f"{exporter.host}:{exporter.port}", version,
                   "-cipher", "ALL:@SECLEVEL=0", "-cert", authority.path("client.pem"), "-key",
                   authority.path("client.key"), stdin=subprocess.DEVNULL)
        assert (b"Cipher is (NONE)" not in done.stdout) == good, done


def client_certificate_is_as_good_as_its_type_says(place):
    authority, stranger = Authority(place), Authority(place, "stranger")
    authority.sign("server", "serverAuth")
    for name in ("dns", "ip", "mail", "uri"):
        authority.sign(name, "clientAuth", names={"dns": "DNS:prom", "ip": "IP:::1", "mail":
                       "email:a@b.c", "uri": "URI:spiffe://x/y"}[name])
    stranger.sign("foreign", "clientAuth", names="DNS:prom")
    everybody = ("dns", "ip", "mail", "uri", "foreign", None)
    ca = "client_ca_file: ca.pem"
    for lines, welcome in (
            (["client_auth_type: RequestClientCert"], everybody),
            (["client_auth_type: RequireAnyClientCert"], everybody[:5]),
            (["client_auth_type: RequireClientCert"], everybody[:5]),
            (["client_auth_type: VerifyClientCertIfGiven", ca], ("dns", "ip", "mail", "uri", None)),
            ([*CLIENTS, "client_allowed_sans: [prom]"], ("dns",)),
            ([*CLIENTS, "client_allowed_sans: ['::1', 'a@b.c']"], ("ip", "mail")),
            ([*CLIENTS, "client_allowed_sans: [PROM, 'spiffe://x/y', '*']"], ("uri",))):
        exporter = with_config(place, tls_config(*lines), tls=authority.context(welcome[0]))
        for client in everybody:
            assert connects(exporter, authority.context(client)) == (client in welcome), \
                (lines, client)
        assert exporter.end() == 0


def ciphers_and_curves_are_those_of_the_file(place):
    authority = Authority(place)
    authority.sign("server", "serverAuth")
    lines = ["cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]", "max_version: TLS12",
             "curve_preferences: [CurveP384]"]
    exporter = with_config(place, tls_config(*lines), tls=authority.context())
    connection = exporter.connection()
    connection.connect()
    assert connection.sock.version() == "TLSv1.2"
    assert connection.sock.cipher()[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    connection.close()
    for setting, good in (("set_ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"),
                          ("set_ecdh_curve", "prime256v1")):
        context = authority.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        getattr(context, setting)(good)
        assert not connects(exporter, context), setting


def headers_of_the_file_are_on_every_answer(place):
    exporter = with_config(place, users(a=bcrypt(PASSWORD)) + "http_server_config:\n  headers:\n"
                           "    X-Frame-Options: deny\n    Content-Security-Policy: default-src *\n")
    for path, status in (("/metrics", 401), ("/-/ready", 200)):
        got, headers, _ = exporter.get(path)
        assert (got, headers["X-Frame-Options"]) == (status, "deny")
    right = basic("a", PASSWORD)
    assert exporter.get(Authorization=right)[1]["X-Frame-Options"] == "deny"
    headers = exporter.get("/replication", Authorization=right)[1]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def scraped(place, exporter, **way):
    prometheus = Prometheus(place, exporter, **way)
    wait_until(lambda: prometheus.value_of("up") == 1, f"it is scraped: {way}")
    wait_until(lambda: prometheus.value_of("ring_exporter_build_info") == 1, "there are samples")


def X1_real_prometheus_scrapes_with_a_token(place):
    exporter = with_tokens(place)
    prometheus = Prometheus(place, exporter)
    wait_until(lambda: prometheus.value_of("up") == 0, "without one it is not scraped")
    prometheus.kill()
    scraped(place, exporter, authorization={"credentials_file": f"{place.folder}/token"})


def real_prometheus_scrapes_with_a_password(place):
    exporter = with_config(place, users(prom=bcrypt(PASSWORD, 10)))
    scraped(place, exporter, basic_auth={
        "username": "prom", "password_file": write(place, "password", PASSWORD)})


def real_prometheus_scrapes_with_a_client_certificate(place):
    authority = Authority(place)
    authority.sign("server", "serverAuth")
    authority.sign("client", "clientAuth")
    exporter = with_config(place, tls_config(*CLIENTS), tls=authority.context("client"))
    scraped(place, exporter, scheme="https", tls_config={
        "ca_file": authority.path("ca.pem"), "cert_file": authority.path("client.pem"),
        "key_file": authority.path("client.key")})


main([
    X1_request_needs_the_token_in_any_spelling_of_its_scheme,
    X1_refusal_tells_nothing_of_what_was_wrong,
    X1_every_path_is_protected_but_those_that_say_whether_it_lives,
    X1_token_is_nowhere_to_be_read,
    X1_tokens_are_replaced_without_a_restart_and_a_bad_file_changes_nothing,
    token_file_that_others_may_read_or_that_is_none_is_refused,
    passwords_made_by_htpasswd_open_it,
    either_a_token_or_a_password_will_do_where_both_are_known,
    users_change_without_a_restart_but_not_to_none,
    flood_of_guesses_holds_up_nobody_who_is_known,
    guesses_on_all_connections_keep_nobody_out_who_is_known,
    X3_end_waits_for_a_password_that_is_asked_for,
    end_does_not_wait_for_all_passwords_that_are_asked_for,
    tls_serves_and_takes_a_new_certificate_without_a_restart,
    client_certificate_must_be_a_good_one,
    client_certificate_is_as_good_as_its_type_says,
    ciphers_and_curves_are_those_of_the_file,
    headers_of_the_file_are_on_every_answer,
    X1_real_prometheus_scrapes_with_a_token,
    real_prometheus_scrapes_with_a_password,
    real_prometheus_scrapes_with_a_client_certificate,
], at_once=4)
