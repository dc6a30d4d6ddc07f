"""Commands to the catalog, written into Kafka as an import writes them."""

import json
import subprocess
import tempfile
import time

import shop

TOPIC = "catalog.product.commands"


def _long(number):
    """Avro's variable-length zigzag."""
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7f:
        out.append(left & 0x7f | 0x80)
        left >>= 7
    return bytes(out + bytes([left]))


def _text(value):
    return _long(len(value.encode())) + value.encode()


def _meta(command_id):
    """CommandMeta: what is not named here has its default, also in a field of later."""
    now = int(time.time() * 1000)
    values = {"command_id": _text(command_id), "fingerprint": _text("test"), "principal": _text("import"),
              "actor_kind": _text("system"), "issued_at": _long(now), "deadline": _long(now + 86400000),
              "reply_to": _text(""), "reply_partition": _long(0), "correlation_id": _text(command_id)}
    schema = json.loads((shop.ROOT / "schemas" / "avsc" / "CommandMeta.avsc").read_text())
    defaults = {None: _long(0), False: b"\0"}
    return b"".join(values.get(field["name"]) or defaults[field["default"]] for field in schema["fields"])


def _schema_id(broker, name):
    done = subprocess.run(
        [shop.binary("millrace"), "schemas", "list", "--brokers", broker], capture_output=True, text=True, check=True)
    return max(int(line.split()[0]) for line in done.stdout.splitlines() if line.split()[-1].endswith(name))


def change_price(place, product, minor):
    """Sets a product's list price, and waits until the shop shows it."""
    product_id, currency = product["product_id"], product["price"]["currency"]
    broker = place.process("broker")["address"]
    command = _meta(f"cmd_{shop.new_key()}") + _text(product_id) + _long(minor) + _text(currency)
    value = b"\0" + _schema_id(broker, "shop.catalog.ChangePrice").to_bytes(4, "big") + command
    with tempfile.NamedTemporaryFile() as file:   # A file is one record, whatever bytes are in it.
        file.write(value)
        file.flush()
        subprocess.run(
            ["kcat", "-P", "-b", broker, "-t", TOPIC, "-k", product_id, "-X", "topic.partitioner=murmur2_random",
             file.name], check=True, timeout=60)
    path = f"/v1/products/{product_id}"
    shop.wait_until(
        lambda: place.get(path).json["price"]["amount_minor"] == minor, 20, lambda: place.get(path))
