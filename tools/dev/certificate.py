"""The development certificate of a home: made once, for this machine only, and again before it expires."""

import ipaddress
import shutil
import subprocess

from terminal import Failure

DAYS = 90
RENEW_BEFORE_S = 7 * 86400


def can_be_made():
    return shutil.which("openssl") is not None


def _alternative(name):
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _is_good(certificate, names):
    done = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-checkend", str(RENEW_BEFORE_S)],
        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made_for = certificate.with_suffix(".names")
    return done.returncode == 0 and made_for.exists() and made_for.read_text().split() == names


def ensure(folder, host):
    """(certificate, key) in `folder`: good for localhost, loopback, and the gateway's own address. Nobody who trusts
    it trusts anything else: it is not an authority, and its key leaves neither the folder nor its mode 0600."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = [_alternative(name) for name in dict.fromkeys(("localhost", "127.0.0.1", "::1", host))]
    if key.exists() and _is_good(certificate, names):
        return certificate, key
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256",
        "-days", str(DAYS), "-subj", "/O=Millrace/CN=Millrace development",
        "-addext", f"subjectAltName={','.join(names)}", "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=serverAuth",
        "-keyout", key, "-out", certificate]
    done = subprocess.run(
        [str(part) for part in command], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, errors="replace", umask=0o077)
    if done.returncode != 0:
        raise Failure(f"openssl made no certificate: {done.stderr.strip().splitlines()[-1:]}")
    key.chmod(0o600)
    certificate.with_suffix(".names").write_text("\n".join(names))
    return certificate, key
