"""A few of Kafka's requests, spoken as one user over TLS: to set ACLs, and to ask what that user may do."""

import socket
import ssl
import struct

PRODUCE, FETCH, FIND_COORDINATOR, SASL_HANDSHAKE, INIT_PRODUCER_ID, CREATE_ACLS, SASL_AUTHENTICATE = 0, 1, 10, 17, 22, 30, 36
TOPIC_REFUSED, GROUP_REFUSED, TRANSACTIONAL_ID_REFUSED = 29, 30, 53
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10, "AlterConfigs": 11}
PATTERNS = {"literal": 3, "prefixed": 4}
ALLOW = 3


def text(value):
    """A string; None is a null."""
    if value is None:
        return struct.pack(">h", -1)
    return struct.pack(">h", len(value.encode())) + value.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values[0] if len(values) == 1 else values

    def text(self):
        length = max(self.take("h"), 0)
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def skip_bytes(self):
        length = max(self.take("i"), 0)
        self.at += length

    def array(self, one):
        return [one() for _ in range(max(self.take("i"), 0))]


class User:
    """A connection, logged in by SASL PLAIN."""

    def __init__(self, address, ca, name, password):
        host, port = address.split(":")
        context = ssl.create_default_context(cafile=str(ca))
        self.socket = context.wrap_socket(socket.create_connection((host, int(port)), 30), server_hostname=host)
        self._ask(SASL_HANDSHAKE, 1, text("PLAIN"))
        token = f"\0{name}\0{password}".encode()
        answer = self._ask(SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
        if answer.take("h"):
            raise AssertionError(f"{name} may not log in")

    def close(self):
        self.socket.close()

    def _ask(self, api, version, body):
        request = struct.pack(">hhi", api, version, 1) + text("wire") + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        length = struct.unpack(">i", self._receive(4))[0]
        answer = Reader(self._receive(length))
        answer.take("i")
        return answer

    def _receive(self, length):
        data = b""
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            if not part:
                raise AssertionError("the broker closed the connection")
            data += part
        return data

    def create_acls(self, acls):
        """`acls` as `millrace acls print --json` has them."""
        answer = self._ask(CREATE_ACLS, 1, array([
            struct.pack(">b", RESOURCES[acl["resource"]]) + text(acl["name"])
            + struct.pack(">b", PATTERNS[acl["pattern"]]) + text(acl["principal"]) + text(acl["host"])
            + struct.pack(">bb", OPERATIONS[acl["operation"]], ALLOW) for acl in acls]))
        answer.take("i")
        failed = [result for result in answer.array(lambda: (answer.take("h"), answer.text())) if result[0]]
        if failed:
            raise AssertionError(failed)

    def may_read(self, topics):
        """Those of the topics whose first partition it may fetch."""
        answer = self._ask(FETCH, 4, struct.pack(">iiiib", -1, 0, 0, 1, 0) + array(
            [text(topic) + array([struct.pack(">iqi", 0, 0, 1)]) for topic in topics]))
        answer.take("i")
        allowed = set()

        def partition():
            _, error, _, _ = answer.take("ihqq")
            answer.array(lambda: answer.take("qq"))
            answer.skip_bytes()
            return error

        def topic():
            name = answer.text()
            if TOPIC_REFUSED not in answer.array(partition):
                allowed.add(name)

        answer.array(topic)
        return allowed

    def may_write(self, topics):
        """Those of the topics to which a batch without a record is refused for being empty, not for a right."""
        answer = self._ask(PRODUCE, 3, text(None) + struct.pack(">hi", -1, 5000) + array(
            [text(topic) + array([struct.pack(">ii", 0, 0)]) for topic in topics]))
        allowed = set()

        def topic():
            name = answer.text()
            errors = answer.array(lambda: answer.take("ihqq")[1])
            if 0 in errors:
                raise AssertionError(f"{name} took an empty batch")
            if TOPIC_REFUSED not in errors:
                allowed.add(name)

        answer.array(topic)
        return allowed

    def may_join(self, group):
        answer = self._ask(FIND_COORDINATOR, 1, text(group) + struct.pack(">b", 0))
        return answer.take("ih")[1] != GROUP_REFUSED

    def may_begin(self, transactional_id):
        answer = self._ask(INIT_PRODUCER_ID, 1, text(transactional_id) + struct.pack(">i", 1000))
        return answer.take("ih")[1] != TRANSACTIONAL_ID_REFUSED
