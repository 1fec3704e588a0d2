"""The App for ZEISS INSPECT: `gombus app build` makes it, `gombus app check` looks whether it can run."""
