"""Prints the size of each function, zipped as it is uploaded, and fails when one is too large."""

import io
import pathlib
import sys
import zipfile

LARGEST = 5_000_000


def zipped(binary):
    """The bytes of a binary in a zip file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zip_file:
        zip_file.write(binary, binary.name)
    return archive.tell()


binaries = sorted(pathlib.Path(sys.argv[1]).glob("*/bootstrap"))
sizes = {binary.parent.name: (binary.stat().st_size, zipped(binary)) for binary in binaries}
for name, (plain, packed) in sizes.items():
    print(f"{name}: {plain:,} bytes, zipped {packed:,}")
if not sizes or any(packed > LARGEST for _, packed in sizes.values()):
    sys.exit(f"a function may have {LARGEST:,} bytes, zipped")
