"""A Kafka as a company runs it, for the end-to-end tests: TLS, SASL/SCRAM-SHA-512, mutual TLS, and no right without an ACL.

Certificates are made by openssl, users by Kafka's own format command. Four listeners:

    SASL     TLS, and a user with a password, by SCRAM or PLAIN
    MTLS     TLS, and a client's certificate: CN=NAME is the user NAME
    EXPIRED  like SASL, with a certificate that was valid until 2020
    OTHER    like SASL, with a certificate for another host
"""

import base64
import ctypes
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "dev"))
import broker  # noqa: E402

LISTENERS = ("SASL", "MTLS", "EXPIRED", "OTHER")
READY_TIMEOUT_S = 120
ITERATIONS = 4096


def librdkafka_version():
    """Of the library that the programs run with."""
    number = ctypes.CDLL("librdkafka.so.1").rd_kafka_version()
    return tuple(number >> shift & 0xff for shift in (24, 16, 8))


# Before 2.6.1 it sends a nonce that Kafka 4 refuses.
SCRAM_WORKS = librdkafka_version() >= (2, 6, 1)
MECHANISM = "SCRAM-SHA-512" if SCRAM_WORKS else "PLAIN"


def run(*argv, cwd, **more):
    done = subprocess.run([str(argument) for argument in argv], cwd=cwd, capture_output=True, text=True,
                          timeout=120, check=False, stdin=subprocess.DEVNULL, **more)
    if done.returncode:
        raise AssertionError(f"{argv[:4]}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def salted(password):
    """What Kafka keeps of a password (RFC 5802), so that the password itself is in no command line."""
    salt = os.urandom(24)
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return (f'salt="{base64.b64encode(salt).decode()}",'
            f'saltedpassword="{base64.b64encode(hashed).decode()}",iterations={ITERATIONS}')


class Certificates:
    """A certification authority in a folder, and what it signs."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o755)
        self.ca = self._authority("ca")
        self.stranger = self._authority("stranger")

    def _authority(self, name):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", cwd=self.folder)
        return self.folder / f"{name}.pem"

    def issue(self, name, host="127.0.0.1", authority="ca", expired=False):
        """(key, certificate) for a broker or a client."""
        index = self.folder / f"{name}.index"
        index.touch()
        (self.folder / f"{name}.serial").write_text("01\n")
        (self.folder / f"{name}.cnf").write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={index}\nserial={self.folder}/{name}.serial\n"
            f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=any\nx509_extensions=names\n"
            f"[any]\ncommonName=supplied\n[names]\nsubjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}\n"
            "[req]\ndistinguished_name=dn\n[dn]\n")
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key,
            "-out", f"{name}.csr", "-config", f"{name}.cnf", cwd=self.folder)
        times = ("20190101000000Z", "20200101000000Z") if expired else (
            time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - 3600)),
            time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 172800)))
        run("openssl", "ca", "-batch", "-notext", "-config", f"{name}.cnf", "-in", f"{name}.csr", "-out", certificate,
            "-cert", f"{authority}.pem", "-keyfile", f"{authority}.key", "-startdate", times[0], "-enddate", times[1],
            cwd=self.folder)
        os.chmod(key, 0o600)
        return key, certificate

    def store(self, name, **more):
        """A PEM file for Java: the key and its certificate."""
        key, certificate = self.issue(name, **more)
        path = self.folder / f"{name}.store.pem"
        path.write_text(key.read_text() + certificate.read_text())
        os.chmod(path, 0o600)
        return path


class SecureBroker:
    """`users` are {name: password}; `admin` is a super user among them. Starts at once; close() stops it."""

    def __init__(self, folder, users):
        self.folder = folder
        self.users = users
        self.certificates = Certificates(folder / "certificates")
        self.ports = {name: broker.free_port() for name in (*LISTENERS, "CONTROLLER")}
        self.data = folder / "kafka"
        self.data.mkdir(mode=0o700)
        self._write_configuration(broker.fetch(folder / "maven.log"))
        self._format()
        self._start()

    def address(self, listener):
        return f"127.0.0.1:{self.ports[listener]}"

    def _write_configuration(self, jars):
        make = self.certificates.store
        stores = {
            "SASL": make("broker"), "MTLS": self.certificates.folder / "broker.store.pem",
            "EXPIRED": make("broker-expired", expired=True), "OTHER": make("broker-other", host="kafka.other.example")}
        listeners = ",".join(f"{name}://{self.address(name)}" for name in LISTENERS)
        lines = [
            "process.roles=broker,controller", "node.id=1",
            f"controller.quorum.voters=1@{self.address('CONTROLLER')}",
            f"listeners={listeners},CONTROLLER://{self.address('CONTROLLER')}", f"advertised.listeners={listeners}",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,MTLS:SSL,"
            + ",".join(f"{name}:SASL_SSL" for name in LISTENERS if name != "MTLS"),
            "controller.listener.names=CONTROLLER", "inter.broker.listener.name=MTLS", "log.dirs=log",
            "auto.create.topics.enable=false", "default.replication.factor=1", "offsets.topic.replication.factor=1",
            "offsets.topic.num.partitions=6", "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1", "transaction.state.log.num.partitions=6",
            "group.initial.rebalance.delay.ms=0", "log.cleaner.dedupe.buffer.size=33554432",
            # The controller's listener is the broker's own, and knows no names.
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users=User:admin;User:broker;User:ANONYMOUS", "allow.everyone.if.no.acl.found=false",
            "ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/", "ssl.truststore.type=PEM",
            f"ssl.truststore.location={self.certificates.ca}", "ssl.keystore.type=PEM",
            "listener.name.mtls.ssl.client.auth=required"]
        for name, store in stores.items():
            prefix = f"listener.name.{name.lower()}"
            lines += [f"{prefix}.ssl.keystore.type=PEM", f"{prefix}.ssl.keystore.location={store}",
                      f"{prefix}.ssl.truststore.type=PEM", f"{prefix}.ssl.truststore.location={self.certificates.ca}"]
            if name != "MTLS":
                lines += [f"{prefix}.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN",
                          f"{prefix}.plain.sasl.jaas.config="
                          "org.apache.kafka.common.security.plain.PlainLoginModule required "
                          + " ".join(f'user_{user}="{password}"' for user, password in self.users.items()) + ";",
                          f"{prefix}.scram-sha-512.sasl.jaas.config="
                          "org.apache.kafka.common.security.scram.ScramLoginModule required;"]
        lines.append(f"ssl.keystore.location={stores['MTLS']}")
        os.close(os.open(self.data / "server.properties", os.O_CREAT, 0o600))
        (self.data / "server.properties").write_text("\n".join(lines) + "\n")
        shutil.copy(broker.FILES / "log4j2.properties", self.data)
        (self.data / "jars").symlink_to(jars)

    def _java(self, *arguments):
        return ["java", "-Xms256m", "-Xmx768m", "-Dlog4j2.configurationFile=log4j2.properties", "-cp", "jars/*", *arguments]

    def _format(self):
        scram = [part for name, password in self.users.items()
                 for part in ("--add-scram", f"SCRAM-SHA-512=[name={name},{salted(password)}]")]
        run(*self._java("kafka.tools.StorageTool", "format", "--cluster-id", "MwAAAAAAQACAAAAAAAAAAA",
                        "--config", "server.properties", *scram),
            cwd=self.data, env={**os.environ, **broker.JAVA_ENVIRONMENT})

    def _start(self):
        with open(self.folder / "broker.log", "ab") as log:
            self.process = subprocess.Popen(
                self._java("kafka.Kafka", "server.properties"), cwd=self.data, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env={**os.environ, **broker.JAVA_ENVIRONMENT}, start_new_session=True)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not all(broker.listens(self.address(name)) for name in LISTENERS):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise AssertionError((self.folder / "broker.log").read_text()[-4000:])
            time.sleep(0.2)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    # -- files for --kafka-config --

    def config(self, name, **properties):
        """A file with these properties, dots as underscores; its path."""
        path = self.folder / f"{name}.conf"
        text = "".join(f"{key.replace('_', '.')}={value}\n" for key, value in properties.items())
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"# {name}\n{text}")
        return path

    def password_config(self, user, password=None, ca=None, name=None, mechanism=None):
        return self.config(
            name or user, security_protocol="SASL_SSL", sasl_mechanisms=mechanism or MECHANISM, sasl_username=user,
            sasl_password=password or self.users[user], ssl_ca_location=ca or self.certificates.ca)

    def certificate_config(self, user, **more):
        key, certificate = self.certificates.issue(user, **more)
        return self.config(
            f"{user}-tls", security_protocol="SSL", ssl_ca_location=self.certificates.ca, ssl_key_location=key,
            ssl_certificate_location=certificate)
