"""How the gateway listens: plain HTTP with TLS beside it, or TLS only.

Beside, which is the default, TLS has a port of the home's own and the development certificate. Only: --tls
(MILLRACE_TLS), or a certificate of one's own. Then plain HTTP is at most a redirection.
"""

import os

import certificate
from terminal import Failure

# Only with a certificate of one's own: browsers keep it for the host, whatever the port, and refuse an unknown one then.
HSTS = "max-age=31536000"


def own_files():
    """(certificate, key) of MILLRACE_TLS_CERT and _KEY, or None."""
    ours, key = os.environ.get("MILLRACE_TLS_CERT"), os.environ.get("MILLRACE_TLS_KEY")
    if not ours and not key:
        return None
    if not ours or not key:
        raise Failure("TLS needs both MILLRACE_TLS_CERT and MILLRACE_TLS_KEY; only one of them is set")
    for file in (ours, key):
        if not os.access(file, os.R_OK):
            raise Failure(f"{file} cannot be read")
    return os.path.abspath(ours), os.path.abspath(key)


def is_only():
    """Whether the gateway's port speaks TLS only."""
    return bool(own_files()) or "MILLRACE_TLS" in os.environ


def http_port():
    """The port that redirects to HTTPS, or None."""
    text = os.environ.get("MILLRACE_HTTP_PORT")
    if text is None:
        return None
    if not (text.isdigit() and 0 < int(text) < 65536):
        raise Failure(f"MILLRACE_HTTP_PORT={text} is not a port: a number from 1 to 65535")
    if not is_only():
        raise Failure("MILLRACE_HTTP_PORT redirects to HTTPS, and that needs --tls or a certificate")
    return int(text)


def check():
    """Raises Failure for what cannot be rendered."""
    http_port()
    if is_only() and not own_files() and not certificate.can_be_made():
        raise Failure("--tls makes a development certificate with openssl, which is not installed")


def certificate_for_clients(home):
    """The development certificate, which nobody knows; None for one's own."""
    return None if own_files() else home.tls / "certificate.pem"


def _where(host, port):
    both = " ipv6only=off" if host == "::" else ""
    return f"{f'[{host}]' if ':' in host else host}:{port}", both


def _listen(host, port, tls):
    where, both = _where(host, port)
    return f"listen {where}{both}{' ssl http2' if tls else ''} backlog=1024;"


def _link(home, files):
    """nginx expands variables in a certificate's path, so the path in its file is that of a link."""
    for name, file in zip(("certificate.pem", "key.pem"), files):
        link = home.gateway / name
        link.unlink(missing_ok=True)
        link.symlink_to(file)


def for_nginx(home, port, https_port, host):
    """The lines about listening, by their names in the template."""
    only, redirect = is_only(), http_port()
    listeners = [_listen(host, port, only)]
    if https_port and not only:
        listeners.append(_listen(host, https_port, True))
    values = {"LISTEN": " ".join(listeners), "TLS": "", "REDIRECT": "", "HSTS": HSTS if own_files() else ""}
    if not only and not https_port:
        return values
    _link(home, own_files() or certificate.ensure(home.tls, host))
    values["TLS"] = "ssl_certificate certificate.pem; ssl_certificate_key key.pem;"
    if redirect:
        suffix = "" if port == 443 else f":{port}"
        values["REDIRECT"] = (f"server {{ {_listen(host, redirect, False)} server_name _; "
                              f"return 308 https://$host{suffix}$request_uri; }}")
    return values
