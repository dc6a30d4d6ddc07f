#!/usr/bin/env python3
"""contract.py [--seconds N] URL - asks the shop at URL whether it does what its OpenAPI document says.

Installs what tests/contract/ pins into build/contract: schemathesis and openapi-python-client in an environment of their
own, spectral, openapi-typescript and tsc as node modules. tests/e2e/contract_test.py uses the functions.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import urllib.request
import uuid

import build

FOLDER = build.ROOT / "tests" / "contract"
DOCUMENT = build.ROOT / "docs" / "openapi.json"
PASSWORD = "correct horse battery staple"
INSTALL_TIMEOUT_S = 600


def place(name):
    folder = build.build_root() / "contract" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def install(folder, pins, *commands, **more):
    """Runs the commands unless `folder` was made from the same pins."""
    mark = folder / "installed"
    wanted = pins.read_text()
    if mark.exists() and mark.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for command in commands:
        done = subprocess.run(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=INSTALL_TIMEOUT_S, check=False, **more)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout[-3000:]}")
    mark.write_text(wanted)


def venv():
    """The environment with schemathesis and openapi-python-client."""
    folder = place("python")
    pins = FOLDER / "requirements.txt"
    install(folder, pins, [sys.executable, "-m", "venv", folder],
            [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins])
    return folder


def node_modules():
    """The node modules: spectral, openapi-typescript, openapi-fetch, tsc."""
    folder = place("node")
    pins = FOLDER / "package.json"
    install(folder, pins, ["cp", pins, folder / "package.json"],
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder])
    return folder / "node_modules"


def python_client():
    """The folder with the package millrace_client, generated from the document."""
    folder = place("python-client")
    install(folder, DOCUMENT, [
        venv() / "bin" / "openapi-python-client", "generate", "--path", DOCUMENT, "--meta", "none", "--overwrite",
        "--fail-on-warning", "--output-path", folder / "millrace_client"],
        env={**os.environ, "PATH": f"{venv() / 'bin'}:{os.environ['PATH']}"})  # It calls ruff.
    return folder


def typescript_client():
    """session.ts, compiled against the types that are generated from the document: a script for node."""
    folder = place("typescript-client")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    modules = node_modules()
    (folder / "node_modules").symlink_to(modules)
    for name in ("session.ts", "tsconfig.json"):
        shutil.copy(FOLDER / name, folder / name)
    for command in ([modules / ".bin" / "openapi-typescript", DOCUMENT, "-o", folder / "schema.d.ts"],
                    [modules / ".bin" / "tsc", "-p", folder]):
        done = subprocess.run(
            [str(part) for part in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stdout[-3000:])
    return folder / "session.js"


def ask(url, method, path, body=None, headers=None):
    """(header fields, JSON) of an answer."""
    request = urllib.request.Request(
        url + path, None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4()), **(headers or {})}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers, json.load(answer)


def log_in(url):
    """The access token of a new account."""
    account = {"email": f"{uuid.uuid4()}@shop.example", "password": PASSWORD}
    ask(url, "POST", "/v1/users", account)
    return ask(url, "POST", "/v1/sessions", account)[1]["access_token"]


def facts(url):
    """(access token, MILLRACE_FACTS): a customer with an order, and the ids of what is there."""
    access, other_access = log_in(url), log_in(url)
    bearer = {"Authorization": f"Bearer {access}", "Prefer": "wait=10"}
    product = ask(url, "GET", "/v1/products?limit=1&in_stock=true&sort=-price")[1]["items"][0]["product_id"]
    ask(url, "POST", "/v1/cart/items", {"product_id": product, "quantity": 1}, bearer)
    headers, order = ask(url, "POST", "/v1/orders", {"payment": {"method_token": "pm_approve"}}, bearer)
    by_id, by_order_id = {"id": order["order_id"]}, {"order_id": order["order_id"]}
    return access, {"token": headers["Consistency-Token"], "other_access": other_access, "ids": {
        "/v1/products/{id}": {"id": product},
        "/v1/products/{id}/availability": {"id": product},
        "/v1/cart/items/{product_id}": {"product_id": product},
        "/v1/orders/{id}": by_id,
        "/v1/orders/{id}/confirmation": by_id,
        "/v1/orders/{id}/stream": by_id,
        "/v1/orders/{id}/timeline": by_id,
        "/v1/orders/{order_id}/payments": by_order_id,
        "/v1/orders/{order_id}/cancellation": by_order_id,
        "/problems/{slug}": {"slug": "not-found"},
    }}


def schemathesis(url, seconds):
    """Asks for at most so many seconds, with all checks, from an access token's ten minutes."""
    access, known = facts(url)
    environment = {
        **os.environ, "MILLRACE_ACCESS_TOKEN": access, "MILLRACE_FACTS": json.dumps(known), "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(FOLDER)}
    return subprocess.run(
        [str(venv() / "bin" / "schemathesis"), "--config-file", str(FOLDER / "schemathesis.toml"), "run",
         f"{url}/openapi.json", "--checks", "all", "--max-time", str(seconds), "--no-color"],
        cwd=place("python"), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=seconds + 240, check=False)


def main(argv):
    parser = argparse.ArgumentParser(prog="contract.py", description="Asks a shop whether it keeps its contract.")
    parser.add_argument("--seconds", type=int, default=540, help="at most 540: a token is good for ten minutes")
    parser.add_argument("url", help="of the gateway of tools/up --load-test, such as http://127.0.0.1:8080")
    options = parser.parse_args(argv)
    done = schemathesis(options.url.rstrip("/"), options.seconds)
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
