"""Request type `quit`: stops the server."""

from __future__ import annotations

from gombus import Context, JsonObject, Legacy, Request, hookimpl, read_schema


def stop_server(params: JsonObject, context: Context) -> None:
    """Stop the server once this request is answered."""
    context.log.info("stop asked for by %s (%s)", context.client, context.user or "no token")
    context.stop()


@hookimpl
def gombus_requests() -> list[Request]:
    """What this plugin serves."""
    return [
        Request(
            name="quit",
            schema=read_schema(__name__),
            handler=stop_server,
            at_once=True,
            role="admin",
            legacy=Legacy(ok="bye", plain=True),
        )
    ]
