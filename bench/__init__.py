"""The benchmark of gombus: ``python -m bench`` from the folder above; see README.md."""
