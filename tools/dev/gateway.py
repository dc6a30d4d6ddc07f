"""Renders gateway/nginx.conf.in into a home: its addresses, and the limits from the environment."""

import errno
import ipaddress
import os
import pathlib
import re
import resource
import socket

import broker
import build
import tls
from terminal import Failure

TEMPLATE = build.ROOT / "gateway" / "nginx.conf.in"
STOREFRONT = build.ROOT / "storefront"

EXAMPLES = {r"\d+r/[sm]|off": "600r/m, 20r/s or off", r"\d+|off": "200 or off", r"\d+[km]?": "64k, 1m or 65536",
            r"\d+m|off": "64m or off",
            r"all|failures|off": "all, failures or off"}

# Environment variable: (default, default of --load-test, what it must look like).
LIMITS = {
    "MILLRACE_LIMIT_READS": ("600r/m", "off", r"\d+r/[sm]|off"),
    "MILLRACE_LIMIT_WRITES": ("120r/m", "off", r"\d+r/[sm]|off"),
    "MILLRACE_LIMIT_CREDENTIALS": ("5r/m", "off", r"\d+r/[sm]|off"),
    "MILLRACE_LIMIT_CONNECTIONS": ("200", "off", r"\d+|off"),
    "MILLRACE_LIMIT_BODY": ("64k", "64k", r"\d+[km]?"),
    "MILLRACE_GATEWAY_CACHE": ("64m", "off", r"\d+m|off"),
    "MILLRACE_ACCESS_LOG": ("failures", "failures", r"all|failures|off"),
}

# Each count: (zone, nginx's variable of its key, MILLRACE_LIMIT_...).
ZONES = (("reads", "read_key", "READS"), ("preflights", "preflight_key", "READS"), ("writes", "write_key", "WRITES"),
         ("credentials", "credentials_key", "CREDENTIALS"))
# The zones that a class of requests is counted in, the narrowest last.
CLASSES = {"reads": ("reads",), "preflights": ("preflights",), "writes": ("writes",),
           "credentials": ("writes", "credentials")}

CORS_SOURCE = build.ROOT / "http" / "src" / "cors.c"
ORIGIN_FORM = r"https?://[a-z0-9.:\[\]-]+"

# Further instances of the APIs, started by other means than tools/up, "HOST:PORT,HOST:PORT".
MORE = {"command": "MILLRACE_MORE_COMMAND_APIS", "query": "MILLRACE_MORE_QUERY_APIS"}


def bind_host():
    """Loopback by default: a development shop is not for the network. Without brackets."""
    return os.environ.get("MILLRACE_BIND", "127.0.0.1").strip().removeprefix("[").removesuffix("]")


def is_loopback():
    """Whether only programs of this machine reach the gateway."""
    try:
        return ipaddress.ip_address(bind_host()).is_loopback
    except ValueError:
        return bind_host() == "localhost"


def host_in_url(host):
    return f"[{host}]" if ":" in host else host


def url_host():
    """The host for clients on this machine: loopback where the gateway listens on all addresses."""
    host = bind_host()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host_in_url(host)


def check_bind(port):
    """Raises Failure with the reason where the gateway could not listen."""
    host = bind_host()
    error = broker.bind_error(port, host)
    if error is None:
        return
    if isinstance(error, socket.gaierror):
        raise Failure(f"MILLRACE_BIND={host} is not an address or a name of this machine")
    reasons = {
        errno.EADDRINUSE: f"port {port} is in use by another program; set MILLRACE_PORT to a free one",
        errno.EACCES: f"only root may listen on port {port}; set MILLRACE_PORT to one above 1023",
        errno.EADDRNOTAVAIL: f"MILLRACE_BIND={host} is not an address of this machine",
        errno.EAFNOSUPPORT: f"MILLRACE_BIND={host}: this machine has no IPv6",
    }
    raise Failure(reasons.get(error.errno, f"cannot listen on {host_in_url(host)}:{port}: {error.strerror}"))


def limits():
    """By name. --load-test lifts what is not set by itself."""
    values = {}
    for name, (default, lifted, form) in LIMITS.items():
        values[name] = os.environ.get(name, lifted if load_test() else default)
        if not re.fullmatch(form, values[name]):
            raise Failure(f"{name}={values[name]} is not of the form {EXAMPLES[form]}")
    return values


def load_test():
    """Set by --load-test too."""
    return "MILLRACE_LOAD_TEST" in os.environ


class Rate:
    """A rate of nginx's notation, such as 600r/m."""

    def __init__(self, text):
        self.count, unit = int(text.rstrip("r/sm")), text[-1]
        self.window_s = 60 if unit == "m" else 1
        # Requests at once beyond the rate: those of 20 s, for a page asks for many things and then rests.
        self.burst = max(self.count * 20 // self.window_s, 5)

    def wait_s(self):
        """Until there is room for one more."""
        return max(-(-self.window_s // max(self.count, 1)), 1)


def _limits_for_nginx(values):
    """The lines about rates, by their names in the template."""
    rates = {zone: (key, values[f"MILLRACE_LIMIT_{name}"]) for zone, key, name in ZONES}
    rates = {zone: (key, text, Rate(text)) for zone, (key, text) in rates.items() if text != "off"}
    limits_used = [f"limit_req zone={zone} burst={rate.burst} nodelay;" for zone, (_, _, rate) in rates.items()]
    if values["MILLRACE_LIMIT_CONNECTIONS"] != "off":
        limits_used.append(f"limit_conn clients {values['MILLRACE_LIMIT_CONNECTIONS']};")
    used = {name: [zone for zone in zones if zone in rates] for name, zones in CLASSES.items()}
    used = {name: zones for name, zones in used.items() if zones}

    def policy(zone):
        rate = rates[zone][2]
        return f'"{zone}";q={rate.count};w={rate.window_s}'

    def wait_s(zones):
        return rates[zones[-1]][2].wait_s()

    return {
        "ZONES": " ".join(f"limit_req_zone ${key} zone={zone}:8m rate={text};"
                          for zone, (key, text, _) in rates.items()),
        "LIMITS": " ".join(limits_used),
        "POLICIES": " ".join(f"{name} '{', '.join(map(policy, zones))}';" for name, zones in used.items()),
        "NOTHING_LEFT": " ".join(f"""'REJECTED {name}' '"{zones[-1]}";r=0;t={wait_s(zones)}';"""
                                 for name, zones in used.items()),
        "WAITS": " ".join(f"{name} {wait_s(zones)};" for name, zones in used.items()),
    }


def _cache_for_nginx(size):
    if size == "off":
        return {"CACHE": "", "USE_CACHE": "proxy_cache off;", "PUBLIC_READS": "at-once"}
    return {"CACHE": f"proxy_cache_path cache levels=1:2 keys_zone=public:4m max_size={size} inactive=10m "
                     "use_temp_path=off;", "USE_CACHE": "proxy_cache public;", "PUBLIC_READS": "public"}


def cors_origins():
    """The list that the APIs read from the same variable."""
    names = [name.strip() for name in os.environ.get("MILLRACE_CORS_ORIGINS", "").split(",") if name.strip()]
    for name in names:
        if not re.fullmatch(ORIGIN_FORM, name):
            raise Failure(f"MILLRACE_CORS_ORIGINS: {name} is not an origin such as https://shop.example")
    return names


def cors_fields(name):
    """A list of header fields, as http/src/cors.c has it."""
    define = re.search(rf"#define {name}\b(.*?\")\n(?!\s)", CORS_SOURCE.read_text(), re.DOTALL)[1]
    return "".join(re.findall(r'"([^"]*)"', define))


def _cors_for_nginx():
    origins = cors_origins()
    return {
        "CORS_ORIGINS": " ".join(f'"{origin}" $http_origin;' for origin in origins),
        "CORS_VARY": "Origin" if origins else "",
        "CORS_EXPOSED": cors_fields("EXPOSED"),
        "CORS_ALLOWED": cors_fields("ALLOWED"),
    }


def instances(ours, side):
    """The addresses of one side: our API, and its further instances."""
    more = [address.strip() for address in os.environ.get(MORE[side], "").split(",") if address.strip()]
    for address in more:
        if not broker.split_address(address):
            raise Failure(f"{MORE[side]}: {address} is not of the form HOST:PORT")
    return [ours, *more]


def _servers(addresses, away):
    """nginx's lines for one side. It does not judge by failed requests (max_fails): a 503 may be one client's own,
    whose token is ahead of every view, and nobody else may lose an instance for it."""
    return " ".join(f"server {address} max_fails=0{' down' if address in away else ''};" for address in addresses)


def _trusted_proxies():
    """nginx's lines that take a client's address from X-Forwarded-For, where one of these proxies sent it."""
    names = [name.strip() for name in os.environ.get("MILLRACE_TRUSTED_PROXIES", "").split(",") if name.strip()]
    for name in names:
        try:
            ipaddress.ip_network(name, strict=False)
        except ValueError as error:
            raise Failure(
                f"MILLRACE_TRUSTED_PROXIES: {name} is not an address or a network such as 10.0.0.0/8") from error
    if not names:
        return ""
    return " ".join([*(f"set_real_ip_from {name};" for name in names),
                     "real_ip_header X-Forwarded-For; real_ip_recursive on;"])


def check():
    """Raises Failure for a variable that cannot be rendered."""
    limits()
    cors_origins()
    tls.check()
    _trusted_proxies()
    for side in MORE:
        instances("", side)


def _access_log(choice):
    if choice == "off":
        return "access_log off;"
    condition = " if=$is_failure" if choice == "failures" else ""
    return f"access_log ../logs/access.log logfmt{condition};"


def _link_storefront(home):
    """A link to the checkout, so that a changed file is served at once."""
    link = home.gateway / "storefront"
    link.unlink(missing_ok=True)
    link.symlink_to(STOREFRONT)


def needs_root(port, account):
    """Whether the master must be root: to listen below 1024, or to read a key that only root may read."""
    first_free = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    return port < first_free or any(not account.may("-r", file) for file in tls.own_files() or ())


def _user(account):
    """By default nginx runs the workers of a root master as nobody, who could not read the home."""
    if os.geteuid() != 0:
        return ""
    return f"user {account.name};" if account else "user root;"


def _body_bytes(text):
    """A size of nginx's notation in bytes: 64k -> 65536."""
    factor = {"k": 1 << 10, "m": 1 << 20}.get(text[-1], 1)
    return int(text.rstrip("km")) * factor


def render(home, port, command_api, query_api, account=None, master_is_root=True, away=(), https_port=None):
    """Returns the path of the configuration. All paths in it are relative to its folder, which nginx gets as an
    argument: a blank or a dollar of an absolute path would be syntax in the file. The instances in `away` get no
    requests. On https_port it speaks TLS beside the plain HTTP of `port`."""
    values = limits()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    values |= {
        "USER": _user(account) if master_is_root else "",
        "ACCESS_LOG": _access_log(values["MILLRACE_ACCESS_LOG"]),
        "CONNECTIONS": str(max(256, min(files, 16384) - 64)),
        "COMMAND_APIS": _servers(instances(command_api, "command"), away),
        "QUERY_APIS": _servers(instances(query_api, "query"), away),
        "TRUSTED_PROXIES": _trusted_proxies(),
        "BODY_BYTES": str(_body_bytes(values["MILLRACE_LIMIT_BODY"])),
    }
    values |= _limits_for_nginx(values) | _cors_for_nginx()
    values |= _cache_for_nginx(values["MILLRACE_GATEWAY_CACHE"])
    values |= tls.for_nginx(home, port, https_port, bind_host())
    _link_storefront(home)
    text = re.sub(r"@(\w+)@", lambda match: values[match[1]], TEMPLATE.read_text())
    return _write(home.gateway / "nginx.conf", text, account)


def _write(config, text, account):
    """Atomic: nginx may be reading it."""
    part = config.with_suffix(".part")
    part.write_text(text)
    if account:
        account.take(part)
    os.replace(part, config)
    return config
