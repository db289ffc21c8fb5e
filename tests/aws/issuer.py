"""An issuer of tokens for the checks of the deployment, on any port of this machine.

It prints its address, publishes its key as issuers of OpenID Connect do, and signs the claims that
are posted to /token: they are good for an hour, and for the audience "taskmill" unless they name
another.
"""

import base64
import http.server
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NAME = "checks"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def keys():
    numbers = KEY.public_key().public_numbers()
    key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": NAME}
    return {"keys": [key | {"n": number(numbers.n), "e": number(numbers.e)}]}


def signed(claims):
    parts = ({"alg": "RS256", "kid": NAME, "typ": "JWT"}, claims)
    message = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    signature = KEY.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{message}.{encoded(signature)}"


class Issuer(http.server.BaseHTTPRequestHandler):
    @property
    def address(self):
        return "http://%s:%d" % self.server.server_address

    def do_GET(self):
        match self.path:
            case "/.well-known/openid-configuration":
                address = self.address
                self.answer({"issuer": address, "jwks_uri": f"{address}/keys"})
            case "/keys":
                self.answer(keys())
            case _:
                self.send_error(404)

    def do_POST(self):
        claims = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        now = int(time.time())
        known = {"iss": self.address, "aud": "taskmill", "iat": now, "exp": now + 3600}
        self.write("text/plain", signed(known | claims))

    def answer(self, body):
        self.write("application/json", json.dumps(body))

    def write(self, kind, text):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
print("http://%s:%d" % server.server_address, flush=True)
server.serve_forever()
