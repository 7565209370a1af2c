# SPDX-License-Identifier: MIT
"""What opens an exporter: tokens, passwords, certificates of a throw-away CA."""
import base64
import os
import ssl
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from place import Program, run, wait_until

TOKEN = "0123456789abcdef" * 4
PASSWORD = "correct horse: battery"


def write(place, name, text, mode=0o600):
    """Puts a file into the place, at once and whole; returns its path."""
    path = os.path.join(place.folder, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)
    return path


def token_file(place, name, *tokens):
    return write(place, name, "".join(token + "\n" for token in tokens))


def bcrypt(password, cost=5):
    """As htpasswd makes it, which calls it $2y$."""
    done = run("htpasswd", "-niBC", cost, "", input=password.encode())
    assert done.returncode == 0, done
    return done.stdout.decode().strip().removeprefix(":")


def users(**hashes):
    return "basic_auth_users:\n" + "".join(f"  {name}: {value}\n" for name, value in hashes.items())


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class Authority:
    """A CA in the place, and what it has signed."""

    def __init__(self, place, name="ca"):
        self.folder, self.name = place.folder, name
        self.openssl("req", "-x509", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", 2,
                     "-subj", f"/CN={name}", *self.NEW_KEY)

    NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def openssl(self, *words, **options):
        done = run("openssl", *words, cwd=self.folder, **options)
        assert done.returncode == 0, done

    def path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, name, purpose, days=2, names="DNS:localhost,IP:127.0.0.1"):
        """Leaves NAME.pem and NAME.key; negative days: it has expired."""
        self.openssl("req", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                     f"/CN={name}", *self.NEW_KEY)
        write(self, f"{name}.ext", f"subjectAltName={names}\nextendedKeyUsage={purpose}\n")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey",
                     f"{self.name}.key", "-CAcreateserial", "-days", days, "-extfile",
                     f"{name}.ext", "-out", f"{name}.pem.new")
        os.rename(self.path(f"{name}.pem.new"), self.path(f"{name}.pem"))

    def context(self, client=None):
        """Trusts this CA, and shows a client's certificate."""
        context = ssl.create_default_context(cafile=self.path(f"{self.name}.pem"))
        if client:
            context.load_cert_chain(self.path(f"{client}.pem"), self.path(f"{client}.key"))
        return context


def tls_config(*more, cert="server"):
    return "\n".join(["tls_server_config:", f"  cert_file: {cert}.pem", f"  key_file: {cert}.key",
                      *("  " + line for line in more)]) + "\n"


CLIENTS = ("client_auth_type: RequireAndVerifyClientCert", "client_ca_file: ca.pem")


def listens(place, *arguments):
    """(whether it comes up, what it says), told only to listen there."""
    program = Program(place, "ring-exporter", "--dir", place.segments, *arguments)
    wanted = sum("listen-address" in argument for argument in arguments) or 1
    wait_until(lambda: program.poll() is not None or program.said().count("listening") >= wanted,
               arguments)
    up = program.poll() is None
    status = program.end()
    assert status == (0 if up else 2), (arguments, status, program.said())
    return up, program.said()
