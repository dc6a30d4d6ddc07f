"""Renders gateway/nginx.conf.in into a home: its addresses, and the limits from the environment."""

import os
import re
import resource

import build
from terminal import Failure

TEMPLATE = build.ROOT / "gateway" / "nginx.conf.in"

# Environment variable: (default, what it must look like). The defaults let a load test on one machine through;
# README.md says what to set where strangers come in.
LIMITS = {
    "MILLRACE_LIMIT_READS": ("20000r/s", r"\d+r/[sm]"),
    "MILLRACE_LIMIT_WRITES": ("10000r/s", r"\d+r/[sm]"),
    "MILLRACE_LIMIT_CREDENTIALS": ("100r/s", r"\d+r/[sm]"),
    "MILLRACE_LIMIT_CONNECTIONS": ("2000", r"\d+"),
    "MILLRACE_LIMIT_BODY": ("64k", r"\d+[km]?"),
    "MILLRACE_ACCESS_LOG": ("failures", r"all|failures|off"),
}

# Further instances of the APIs that somebody runs beside ours, "HOST:PORT,HOST:PORT".
MORE = {"command": "MILLRACE_MORE_COMMAND_APIS", "query": "MILLRACE_MORE_QUERY_APIS"}


def bind_host():
    """Loopback unless somebody says otherwise: a development shop is not for the neighbours."""
    return os.environ.get("MILLRACE_BIND", "127.0.0.1")


def limits():
    values = {}
    for name, (default, form) in LIMITS.items():
        values[name] = os.environ.get(name, default)
        if not re.fullmatch(form, values[name]):
            raise Failure(f"{name}={values[name]} is not of the form {form}")
    return values


def tls_files():
    """(certificate, key), or None where the gateway speaks plain HTTP."""
    certificate, key = os.environ.get("MILLRACE_TLS_CERT"), os.environ.get("MILLRACE_TLS_KEY")
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise Failure("TLS needs both MILLRACE_TLS_CERT and MILLRACE_TLS_KEY")
    for file in (certificate, key):
        if not os.access(file, os.R_OK):
            raise Failure(f"{file} cannot be read")
    return os.path.abspath(certificate), os.path.abspath(key)


def _servers(ours, side):
    """nginx's lines for one side: our API, and those that were started beside it."""
    more = [address.strip() for address in os.environ.get(MORE[side], "").split(",") if address.strip()]
    for address in more:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+:\d{1,5}", address):
            raise Failure(f"{MORE[side]}: {address} is not of the form HOST:PORT")
    return " ".join(f"server {address} max_fails=0;" for address in [ours, *more])


def check():
    """Raises Failure where the environment asks for what cannot be rendered."""
    limits()
    tls_files()
    for side in MORE:
        _servers("", side)


def _listen(port):
    files = tls_files()
    if not files:
        return f"listen {bind_host()}:{port} backlog=1024;"
    return (f"listen {bind_host()}:{port} ssl http2 backlog=1024;\n"
            f"    ssl_certificate {files[0]};\n"
            f"    ssl_certificate_key {files[1]};\n"
            f"    ssl_protocols TLSv1.2 TLSv1.3;")


def _access_log(home, choice):
    if choice == "off":
        return "access_log off;"
    condition = " if=$is_failure" if choice == "failures" else ""
    return f"access_log {home.logs / 'access.log'} logfmt{condition};"


def render(home, port, command_api, query_api):
    """Returns the path of the configuration."""
    values = limits()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    values |= {
        # A master that is root gives its workers away to nobody, who could not read a home under /root.
        "USER": "user root;" if os.geteuid() == 0 else "",
        "LISTEN": _listen(port),
        "ACCESS_LOG": _access_log(home, values["MILLRACE_ACCESS_LOG"]),
        "CONNECTIONS": str(max(256, min(files, 16384) - 64)),
        "COMMAND_APIS": _servers(command_api, "command"),
        "QUERY_APIS": _servers(query_api, "query"),
        "HOME": str(home.gateway),
    }
    text = re.sub(r"@(\w+)@", lambda match: values[match[1]], TEMPLATE.read_text())
    config = home.gateway / "nginx.conf"
    config.write_text(text)
    return config
