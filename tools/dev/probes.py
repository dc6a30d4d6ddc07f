"""Asks a running program over HTTP for its state."""

import http.client
import json
import ssl


def _connect(address, timeout_s):
    """To http://ADDRESS or https://ADDRESS. Certificates are not verified: the gateway is our own."""
    scheme, _, host = address.rpartition("://")
    if scheme != "https":
        return http.client.HTTPConnection(host, timeout=timeout_s)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, timeout=timeout_s, context=context)


def get(address, path, timeout_s=2.0):
    """(status, body) of GET ADDRESS/PATH; (0, b"") without an answer."""
    connection = _connect(address, timeout_s)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def is_ready(address, path="/readyz"):
    return get(address, path)[0] == 200


def shop_is_empty(query_api):
    """Whether the shop has no products."""
    status, body = get(query_api, "/v1/products?limit=1", timeout_s=10)
    try:
        return status == 200 and json.loads(body)["items"] == []
    except (ValueError, KeyError, TypeError):
        return False


def gateway_requests(address):
    """The number of requests that the gateway has accepted since its start; None when it does not answer."""
    status, body = get(address, "/gateway-status", timeout_s=0.5)
    try:
        return int(body.split()[9]) if status == 200 else None
    except (IndexError, ValueError):
        return None
