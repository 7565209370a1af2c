#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The file of --web.config.file, held against what promtool says of the same one.

usage: web_config_e2e.py RING_EXPORTER
"""
import re
import sys

from credentials import Authority, bcrypt, listens, tls_config, users, write
from place import main, run

HASH = "$2y$05$" + "a" * 53
SUITES = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
          "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_GCM_SHA256"]

GOOD = {
    "nothing": "",
    "a comment": "# nothing\n",
    "null": "~\n",
    "empty mappings": "tls_server_config:\nhttp_server_config: {}\nbasic_auth_users: ~\n",
    "TLS": tls_config(),
    "all of TLS": tls_config(
        "client_auth_type: RequireAndVerifyClientCert", "client_ca_file: ca.pem",
        "min_version: TLS10", "max_version: TLS13", f"cipher_suites: [{', '.join(SUITES)}]",
        "curve_preferences: [CurveP256, X25519, CurveP384, CurveP521]",
        "prefer_server_cipher_suites: no"),
    "HTTP": "http_server_config:\n  http2: off\n  headers:\n    X-Frame-Options: sameorigin\n"
            "    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1; mode=block\n"
            "    Strict-Transport-Security: max-age=1\n    Content-Security-Policy: \"a 'b'\"\n",
    "users": users(alice=HASH, bob=HASH.replace("2y", "2a"), carol=HASH.replace("2y", "2b")),
    "a quoted user": f"basic_auth_users: {{'a b': \"{HASH}\", 7: {HASH}}}\n",
    "JSON": f'{{"basic_auth_users": {{"a": "{HASH}"}}}}',
    "no certificate, no TLS": "tls_server_config:\n  min_version: TLS13\n",
    "any client": tls_config("client_auth_type: RequireAnyClientCert"),
    "NoClientCert": tls_config("client_auth_type: NoClientCert"),
}

BAD = {  # with the line that must be named; 0 where it is another file's fault
    "no YAML": ("a: [\n", 2),
    "a tab": ("\tusers: 1\n", 1),
    "a list": ("- a\n", 1),
    "a word": ("word\n", 1),
    "unknown key": ("basic_auth_users:\nusers:\n", 2),
    "unknown key of TLS": (tls_config("certfile: x"), 4),
    "unknown key of HTTP": ("http_server_config:\n  http3: true\n", 2),
    "a key twice": ("basic_auth_users: {}\nbasic_auth_users: {}\n", 2),
    "a user twice": (f"basic_auth_users:\n  a: {HASH}\n  a: {HASH}\n", 3),
    "users in a list": (f"basic_auth_users: [{HASH}]\n", 1),
    "no hash": ("basic_auth_users:\n\n  a: secret\n", 3),
    "an empty hash": ("basic_auth_users:\n  a:\n", 2),
    "a short hash": ("basic_auth_users:\n  a: $2y$05$abc\n", 2),
    "cost 3": (users(a=HASH.replace("05", "03")), 2),
    "cost 32": (users(a=HASH.replace("05", "32")), 2),
    "no key": ("tls_server_config:\n  cert_file: server.pem\n", 2),
    "no certificate": ("tls_server_config:\n  key_file: server.key\n", 2),
    "only a client type": ("tls_server_config:\n  client_auth_type: RequireAnyClientCert\n", 2),
    "unknown client type": (tls_config("client_auth_type: Require"), 4),
    "CA without a type": (tls_config("client_ca_file: ca.pem"), 2),
    "unknown version": (tls_config("min_version: TLS14"), 4),
    "version as a number": (tls_config("max_version: 1.2"), 4),
    "unknown suite": (tls_config("cipher_suites:", "  - TLS_RSA_WITH_RC4_128_SHA"), 5),
    "suites as a word": (tls_config("cipher_suites: TLS_AES_128_GCM_SHA256"), 4),
    "unknown curve": (tls_config("curve_preferences: [P256]"), 4),
    "no boolean": (tls_config("prefer_server_cipher_suites: perhaps"), 4),
    "http2 as a mapping": ("http_server_config:\n  http2: {}\n", 2),
    "a header of one's own": ("http_server_config:\n  headers:\n    X-Own: a\n", 3),
    "a wrong header": ("http_server_config:\n  headers:\n    X-Frame-Options: allow\n", 3),
    "no such certificate": (tls_config(cert="no"), 0),
    "another one's key": ("tls_server_config:\n  cert_file: server.pem\n  key_file: ca.key\n", 0),
    "a key for a certificate": ("tls_server_config: {cert_file: ca.key, key_file: ca.key}\n", 0),
}

# What Debian's promtool does not know or mind. Later ones know the names.
BEYOND = {
    "names of clients": (tls_config("client_auth_type: RequireAndVerifyClientCert",
                                    "client_ca_file: ca.pem", "client_allowed_sans: [a]"), None),
    "no CA to verify with": (tls_config("client_auth_type: RequireAndVerifyClientCert"), 2),
    "versions that exclude each other": (tls_config("min_version: TLS13", "max_version: TLS12"), 2),
    "cost 17": (users(a=HASH.replace("05", "17")), 2),
    "an odd character in a hash": (users(a=HASH[:-1] + "!"), 2),
    "two documents": ("a: b\n--- c\n", 2),
    "a tag": (tls_config("min_version: !v TLS12"), 4),
    "more depth than anybody needs": ("[" * 1000, 1),
    "a control character": ("#\n# \x01\n", 2),
    "a rate limit": ("rate_limit:\n  burst: 1\n", 1),
    "a line break in a header": ("http_server_config:\n  headers:\n"
                                 '    X-XSS-Protection: "a\\nb: c"\n', 3),
}


def certificates(place):
    authority = Authority(place)
    authority.sign("server", "serverAuth")


def promtool_takes(path):
    done = run("promtool", "check", "web-config", path)
    assert done.returncode in (0, 1), done
    return done.returncode == 0


def takes(place, path):
    return listens(place, "--web.listen-address=127.0.0.1:0", f"--web.config.file={path}")


def refuses(place, name, path, line):
    up, said = takes(place, path)
    where = f"{path}: " + (f"line {line}: " if line else "")
    assert not up and said.count("\n") == 1, (name, said)
    assert said.startswith("ring-exporter: --web.config.file: " + (where if line else "/")), \
        (name, where, said)


def good_files_are_taken_and_promtool_says_so_too(place):
    certificates(place)
    for name, text in GOOD.items():
        path = write(place, "web.yml", text)
        assert promtool_takes(path), name
        up, said = takes(place, path)
        assert up, (name, said)


def bad_files_are_refused_with_their_line_and_promtool_says_so_too(place):
    certificates(place)
    for name, (text, line) in BAD.items():
        path = write(place, "web.yml", text)
        assert not promtool_takes(path), name
        refuses(place, name, path, line)


def what_promtool_does_not_know_has_its_own_rules(place):
    certificates(place)
    for name, (text, line) in BEYOND.items():
        path = write(place, "web.yml", text)
        if line is not None:
            refuses(place, name, path, line)
        else:
            assert takes(place, path)[0], name


def certificates_may_stand_in_the_file_itself(place):
    certificates(place)

    def inline(key, name):
        with open(f"{place.folder}/{name}", encoding="utf-8") as file:
            return f"  {key}: |\n" + "".join(f"    {line}" for line in file)
    pair = "tls_server_config:\n" + inline("cert", "server.pem") + inline("key", "server.key")
    verified = "  client_auth_type: RequireAndVerifyClientCert\n" + inline("client_ca", "ca.pem")
    for text in (pair, pair + verified):
        assert takes(place, write(place, "web.yml", text))[0], text
    path = write(place, "web.yml", pair + "  key_file: server.key\n")
    refuses(place, "both", path, 0)


def hash_of_htpasswd_is_taken(place):
    for cost in (4, 10):
        path = write(place, "web.yml", users(a=bcrypt("x", cost)))
        assert promtool_takes(path) and takes(place, path)[0]


def example_of_the_documentation_is_taken(place):
    with open(f"{sys.path[0]}/../../docs/operating.md", encoding="utf-8") as page:
        [text] = re.findall(r"```yaml\n(tls_server_config:.*?)```", page.read(), re.DOTALL)
    certificates(place)
    path = write(place, "web.yml", text)
    assert takes(place, path)[0]
    path = write(place, "web.yml", re.sub(".*client_allowed_sans.*\n", "", text))
    assert promtool_takes(path)


main([
    good_files_are_taken_and_promtool_says_so_too,
    bad_files_are_refused_with_their_line_and_promtool_says_so_too,
    what_promtool_does_not_know_has_its_own_rules,
    certificates_may_stand_in_the_file_itself,
    hash_of_htpasswd_is_taken,
    example_of_the_documentation_is_taken,
])
