"""Request type `elements`: imports elements from an exchange file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gombus import Context, JsonObject, Legacy, Request, hookimpl, read_schema

if TYPE_CHECKING:
    from gombus_kit.twin import Twin

IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"


def import_elements(params: JsonObject, context: Context) -> None:
    """Import the elements; everything goes to INSPECT exactly as it was sent."""
    mode = params["import_mode"]
    context.gom.script.sys.import_gom_inspection_exchange(files=[params["file"]], import_mode=mode)
    context.created("elements in the clipboard" if mode == "clipboard" else "stage of elements", params["file"])


@hookimpl
def gombus_requests() -> list[Request]:
    """What this plugin serves."""
    return [
        Request(
            name="elements",
            schema=read_schema(__name__),
            handler=import_elements,
            commands=(IMPORT_ELEMENTS,),
            files=("file",),
            legacy=Legacy(
                required=("file", "import_mode"),
                texts={
                    "file_unreadable": "Elements file {file} could not be read.",
                    "gom_refused": "Elements could not be imported from file {file} with import mode {import_mode}.",
                },
            ),
        )
    ]


@hookimpl(optionalhook=True)
def gombus_simulate(twin: Twin) -> None:
    """Teach the simulated INSPECT this plugin's command."""

    @twin.command(IMPORT_ELEMENTS)
    def import_exchange(files: list[str], import_mode: object) -> None:
        twin.project.import_elements(files, import_mode)
