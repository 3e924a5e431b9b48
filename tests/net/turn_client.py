"""A TURN client that asks one thing at a time, and says what it was answered (RFC 8489, 8656)."""

import base64
import hashlib
import hmac
import ipaddress
import os
import socket
import struct

COOKIE = 0x2112A442
ALLOCATE, REFRESH, CREATE_PERMISSION, CHANNEL_BIND = 0x003, 0x004, 0x008, 0x009
USERNAME, INTEGRITY, ERROR, CHANNEL, LIFETIME = 0x0006, 0x0008, 0x0009, 0x000C, 0x000D
PEER, REALM, NONCE, RELAYED, FAMILY, TRANSPORT = 0x0012, 0x0014, 0x0015, 0x0016, 0x0017, 0x0019
UDP, TCP = 17, 6
OK = 0


def sign(secret, username):
    """What Mixroom signs an account with: a second opinion on it."""
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), "sha1").digest()).decode()


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def address(host, port):
    """XOR-PEER-ADDRESS. The IPv6 ones are XORed with the transaction too, which the caller does."""
    ip = ipaddress.ip_address(host)
    return struct.pack("!BBH", 0, 1 if ip.version == 4 else 2, port ^ COOKIE >> 16) + ip.packed


def mask(value, transaction):
    key = struct.pack("!I", COOKIE) + transaction
    return value[:4] + bytes(a ^ b for a, b in zip(value[4:], key))


class TurnClient:
    def __init__(self, relay, username, password, family=socket.AF_INET):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(3)
        self.socket.connect((relay, 3478))
        self.username, self.password = username, password
        self.realm = self.nonce = b""

    def close(self):
        self.socket.close()

    def ask(self, method, *attributes):
        """The code of the error, or OK; and the answer's attributes. The server's first nonce, or a new one, is taken up."""
        for _ in range(3):
            code, answer = self.exchange(method, attributes)
            if code not in (401, 438) or answer.get(NONCE, self.nonce) == self.nonce:
                break
            self.realm, self.nonce = answer[REALM], answer[NONCE]
        return code, answer

    def exchange(self, method, attributes):
        transaction = os.urandom(12)
        body = b"".join(attribute(kind, mask(value, transaction) if kind == PEER else value) for kind, value in attributes)
        if self.nonce:
            body += attribute(USERNAME, self.username.encode()) + attribute(REALM, self.realm) + attribute(NONCE, self.nonce)
            head = struct.pack("!HHI", method, len(body) + 24, COOKIE) + transaction
            key = hashlib.md5(f"{self.username}:{self.realm.decode()}:{self.password}".encode()).digest()
            body += attribute(INTEGRITY, hmac.new(key, head + body, "sha1").digest())
        packet = struct.pack("!HHI", method, len(body), COOKIE) + transaction + body
        for _ in range(3):
            self.socket.send(packet)
            try:
                answer = self.socket.recv(2048)
            except socket.timeout:
                continue
            if answer[8:20] == transaction:
                return self.parse(answer)
        raise AssertionError("the relay is silent")

    @staticmethod
    def parse(answer):
        attributes, at = {}, 20
        while at + 4 <= len(answer):
            kind, size = struct.unpack_from("!HH", answer, at)
            attributes[kind] = answer[at + 4:at + 4 + size]
            at += 4 + size + -size % 4
        error = attributes.get(ERROR)
        return (error[2] * 100 + error[3] if error else OK), attributes

    # ---- What is asked ---------------------------------------------------------------------------------------

    def allocate(self, transport=UDP, family=None):
        wanted = [(TRANSPORT, bytes([transport, 0, 0, 0]))]
        if family is not None:
            wanted.append((FAMILY, bytes([family, 0, 0, 0])))
        return self.ask(ALLOCATE, *wanted)[0]

    def permit(self, host):
        return self.ask(CREATE_PERMISSION, (PEER, address(host, 9)))[0]

    def bind(self, host):
        return self.ask(CHANNEL_BIND, (CHANNEL, struct.pack("!HH", 0x4000, 0)), (PEER, address(host, 9)))[0]
