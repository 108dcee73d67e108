"""What stands before every answer: the Host that a request names, and headers that keep the page to itself."""

from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, means this computer alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Guard:
    """Adds the headers to every answer; on loopback it refuses other hosts' names, which a page elsewhere could give.

    Such a page would have its own name resolve to 127.0.0.1 and then read answers as its own (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app, self.only_loopback = app, is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY)
            await send(message)

        name, colon, port = Headers(scope=scope).get("host", "").rpartition(":")
        host = name if colon and port.isdigit() else Headers(scope=scope).get("host", "")
        if self.only_loopback and not is_loopback(host):
            refusal = PlainTextResponse("this page is at 127.0.0.1 or localhost alone", 400)
            await refusal(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)
