"""Request type `image`: imports an image into a measurement series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gombus import Context, JsonObject, Legacy, Request, hookimpl, read_schema

if TYPE_CHECKING:
    from gombus_kit.twin import Twin

CREATE_SERIES = "gom.script.sys.create_measurement_series_for_other_images"
IMPORT_IMAGES = "gom.script.sys.import_other_images"


def import_image(params: JsonObject, context: Context) -> None:
    """Import the image; its measurement series is created first where it does not exist.

    Everything goes to INSPECT exactly as it was sent: a focal length that came as text stays text.
    """
    gom, name = context.gom, params["name"]
    try:
        series = gom.app.project.measurement_series[name]
    except gom.RequestError:
        gom.script.sys.create_measurement_series_for_other_images(camera_focal_length=params["focal_length"], name=name)
        context.created("measurement series", name)
        series = gom.app.project.measurement_series[name]
    gom.script.sys.import_other_images(image_files=[gom.File(params["file"])], measurement_series=series)
    context.created("image", params["file"])


@hookimpl
def gombus_requests() -> list[Request]:
    """What this plugin serves."""
    return [
        Request(
            name="image",
            schema=read_schema(__name__),
            handler=import_image,
            commands=(CREATE_SERIES, IMPORT_IMAGES),
            files=("file",),
            legacy=Legacy(
                required=("file", "name", "focal_length"),
                texts={
                    "file_unreadable": "Image file {file} could not be read.",
                    "gom_refused": "Image could not be imported from file {file}.",
                },
                precedence=1,
            ),
        )
    ]


@hookimpl(optionalhook=True)
def gombus_simulate(twin: Twin) -> None:
    """Teach the simulated INSPECT this plugin's commands."""

    @twin.command(CREATE_SERIES)
    def create_series(camera_focal_length: object, name: object) -> None:
        twin.project.create_series(name, camera_focal_length)

    @twin.command(IMPORT_IMAGES)
    def import_images(image_files: list[Any], measurement_series: Any) -> None:
        twin.project.import_images([file.path for file in image_files], measurement_series)
