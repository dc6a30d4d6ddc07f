"""hooks.py - makes schemathesis' requests meaningful, and checks what a schema cannot say.

Tokens and cursors are opaque: no pattern says which are ours, so real ones take the place of invented ones. Half of the
ids are of things that are there. MILLRACE_FACTS has both, as JSON.
"""

import json
import os
import re
import zlib

import schemathesis

FACTS = json.loads(os.environ["MILLRACE_FACTS"])
TAG = re.compile(r'\*|(W/)?"[!#-~]*"')
OPAQUE = {"Consistency-Token": FACTS["token"], "Last-Event-ID": "1"}   # A later id waits for what comes after it.
ENDS_SESSIONS = re.compile(r"/v1/sessions($|/current$|/\{session_id\}$)")


def chosen(case, name):
    """Half of the values, always the same ones."""
    return zlib.crc32(repr((name, case.path_parameters.get(name))).encode()) % 2


def with_authorization(value):
    """Has the last word on the field, which the configuration sets in every request. None: without it."""
    def change(request):
        request.headers.pop("Authorization", None)
        if value:
            request.headers["Authorization"] = value
        return request
    return change


def leaves_out_authorization(case):
    data = case.meta.phase.data if case.meta else None
    return (getattr(data, "parameter", None) or "").lower() == "authorization" and "MISSING" in str(
        getattr(data, "scenario", "")).upper()


@schemathesis.hook
def before_call(context, case, kwargs):
    """A header field, a parameter and an id that only the shop itself can make are replaced by real ones."""
    if case.method.upper() == "DELETE" and ENDS_SESSIONS.match(case.operation.path):
        kwargs["auth"] = with_authorization(f"Bearer {FACTS['other_access']}")  # Ours is needed on.
    if leaves_out_authorization(case):
        kwargs["auth"] = with_authorization(None)
    for name, value in OPAQUE.items():
        if case.headers and name in case.headers:
            case.headers[name] = value
    positive = case.meta is None or case.meta.generation.mode.value == "positive"
    # Its phase "coverage" (4.32.5) takes 0 for a match of any pattern with a quote in it.
    if positive and case.headers and "If-Match" in case.headers and not TAG.fullmatch(case.headers["If-Match"]):
        case.headers["If-Match"] = "*"
    query = case.query or {}
    if positive:
        query.pop("cursor", None)
    if positive and "id" in query:  # OpenAPI has no either-or: by id, or a listing.
        for name in [n for n in query if n not in ("id", "fields[product]")]:
            del query[name]
    for name, value in FACTS["ids"].get(case.operation.path, {}).items():
        if case.path_parameters and chosen(case, name):
            case.path_parameters[name] = value


@schemathesis.check
def a_problem_is_one_of_the_operations(ctx, response, case):
    """A refusal has a type that the document names for this operation and status."""
    if response.status_code < 400 or "problem+json" not in response.headers.get("content-type", [""])[0]:
        return
    if case.method.upper() not in [m.upper() for m in case.operation.schema.raw_schema["paths"].get(case.operation.path, {})]:
        return  # Another method was tried: the 405 is nobody's.
    raw = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    if "$ref" in raw:
        raw = case.operation.schema.raw_schema["components"]["responses"][raw["$ref"].rsplit("/", 1)[1]]
    slug = response.json()["type"].rsplit("/", 1)[1]
    assert slug in raw.get("x-problems", []), f"{slug} is not listed with {response.status_code}"
