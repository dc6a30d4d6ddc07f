"""Installs what tests/browser/ pins into build/contract: Playwright for Python, and axe-core, which is data for a test.

The browser is Debian's chromium (packages_test in packages.sh); Playwright fetches none.
"""

import os
import sys

import build
import contract

FOLDER = build.ROOT / "tests" / "browser"
CHROMIUM = "/usr/bin/chromium"


def playwright():
    """The module playwright.sync_api, out of an environment of its own."""
    folder = contract.place("playwright")
    pins = FOLDER / "requirements.txt"
    contract.install(folder, pins, [sys.executable, "-m", "venv", folder],
                     [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins])
    library = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    sys.path.append(str(library))
    from playwright import sync_api
    return sync_api


def axe():
    """The text of axe-core, a script for a page."""
    folder = contract.place("axe")
    pins = FOLDER / "package.json"
    contract.install(folder, pins, ["cp", pins, folder / "package.json"],
                     ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder])
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def launch(running):
    """Debian's Chromium, headless. Its sandbox does not work for root."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    return running.chromium.launch(executable_path=CHROMIUM, args=options)
