"""Croissant 1.0 metadata of a benchmark (docs.mlcommons.org/croissant); nothing of its pixels."""

import json
from typing import Any

from harness.dataset.benchmark_folder import FILTERED, HEADER, IMAGES, LABELS, MANIFEST, MASKS
from harness.records.base import sha256_hex
from harness.records.manifest import BenchmarkHeader

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The JSON-LD context that the format prescribes word for word."""

_COLUMNS = {
    "id": ("sc:Text", "The sample's opaque id, which is also the stem of its image file."),
    "source_id": ("sc:Text", "The id of the source sample; a source names itself."),
    "source_name": ("sc:Text", "The name of the source image in its data set."),
    "object_class": ("sc:Text", "The class of the edited object; null where there is none."),
    "caption": ("sc:Text", "The caption of the source."),
    "target_prompt": ("sc:Text", "The caption of the edit; null for a source."),
    "width": ("sc:Integer", "The image's width in pixels."),
    "height": ("sc:Integer", "The image's height in pixels."),
    "accepted": ("sc:Boolean", "Whether the sample is scored."),
    "image_sha256": ("sc:Text", "The sha256 of the image's PNG file."),
    "label_sha256": ("sc:Text", "The sha256 of the label's PNG file."),
    "mask_sha256": ("sc:Text", "The sha256 of the object mask's PNG file; null where none is."),
}
_EDIT_PARTS = {
    "attribute": "The attribute that was edited; null for a source.",
    "value": "What it was set to; null for a source.",
}
_FOLDERS = {
    IMAGES: "The sources and their edits, RGB PNG, one file a sample, named by its id.",
    LABELS: "The labels, one-channel PNG of class ids; appearance edits share their source's.",
    MASKS: "The edited object's pixels, one-channel PNG of 0 and 255.",
}
_FILTERED = "Labels of edits with the pixels that a noise filter took set to the ignore id."
_HAS_FILTERED = b'"filtered_label_sha256":"'


def croissant_bytes(header: BenchmarkHeader, *, manifest: bytes, head: bytes) -> bytes:
    """Return the content of croissant.json.

    Args:
        header: The benchmark's header.
        manifest: The content of manifest.jsonl.
        head: The content of benchmark.json.
    """
    folders = dict(_FOLDERS)
    if _HAS_FILTERED in manifest:
        folders[FILTERED] = _FILTERED
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": header.name,
        "description": header.description,
        "license": header.license,
        **({"citeAs": header.citation} if header.citation else {}),
        "version": f"{header.schema_version}.0.0",
        "identifier": f"sha256:{header.digest}",
        "isLiveDataset": False,
        "distribution": [
            _file(MANIFEST, "application/jsonlines", manifest, "The samples, one a line."),
            _file(HEADER, "application/json", head, "The benchmark's header."),
            *(_folder(name, description) for name, description in folders.items()),
        ],
        "recordSet": [_samples(), _pictures(), _classes(header)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _samples() -> dict[str, Any]:
    columns = [_column(name, *about) for name, about in _COLUMNS.items()]
    parts = [_edit_part(name, description) for name, description in _EDIT_PARTS.items()]
    return {
        "@type": "cr:RecordSet",
        "@id": "samples",
        "name": "samples",
        "description": "One record a sample: a source image or an edit of one.",
        "key": {"@id": "samples/id"},
        "field": [*columns, *parts],
    }


def _pictures() -> dict[str, Any]:
    """Return the record set of images: their sample's id stands in the file's name."""
    source = {"fileSet": {"@id": IMAGES}}
    return {
        "@type": "cr:RecordSet",
        "@id": "pictures",
        "name": "pictures",
        "description": "One record an image; its id is that of its sample.",
        "key": {"@id": "pictures/id"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": "pictures/id",
                "name": "id",
                "description": "The sample's id.",
                "dataType": "sc:Text",
                "source": source
                | {
                    "extract": {"fileProperty": "filename"},
                    "transform": {"regex": r"^([0-9a-f]{16})\.png$"},
                },
            },
            {
                "@type": "cr:Field",
                "@id": "pictures/image",
                "name": "image",
                "description": "The image.",
                "dataType": "sc:ImageObject",
                "source": source | {"extract": {"fileProperty": "content"}},
            },
        ],
    }


def _classes(header: BenchmarkHeader) -> dict[str, Any]:
    """Return the record set of class names, which stand in the document itself."""
    fields = {"id": ("sc:Integer", "The class's id in a label."), "name": ("sc:Text", "Its name.")}
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "description": f"The classes; {header.label_space.ignore_id} is not scored.",
        "dataType": "sc:Enumeration",
        "key": {"@id": "classes/id"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"classes/{name}",
                "name": name,
                "description": description,
                "dataType": data_type,
            }
            for name, (data_type, description) in fields.items()
        ],
        "data": [
            {"classes/id": found.id, "classes/name": found.name}
            for found in header.label_space.classes
        ],
    }


def promised_index(croissant: bytes) -> dict[str, str]:
    """Return the sha256 of each index file, by name, as croissant.json promises them.

    Raises:
        ValueError: It is no such document.
    """
    document = json.loads(croissant)
    try:
        files = [f for f in document["distribution"] if f["@type"] == "cr:FileObject"]
        return {str(f["contentUrl"]): str(f["sha256"]) for f in files}
    except (KeyError, TypeError) as error:
        msg = f"no file digests in it: {error}"
        raise ValueError(msg) from error


def _file(name: str, encoding: str, content: bytes, description: str) -> dict[str, str]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "description": description,
        "contentUrl": name,
        "contentSize": f"{len(content)} B",
        "encodingFormat": encoding,
        "sha256": sha256_hex(content),
    }


def _folder(name: str, description: str) -> dict[str, str]:
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "description": description,
        "encodingFormat": "image/png",
        "includes": f"{name}/*.png",
    }


def _column(name: str, data_type: str, description: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"samples/{name}",
        "name": name,
        "description": description,
        "dataType": data_type,
        "source": {"fileObject": {"@id": MANIFEST}, "extract": {"column": name}},
    }


def _edit_part(name: str, description: str) -> dict[str, Any]:
    """Return the field of a part of `edit`, which is an object in a manifest's line."""
    field = _column(name, "sc:Text", description)
    field["source"]["extract"] = {"column": "edit"}
    field["source"]["transform"] = {"jsonPath": f"$.{name}"}
    return field
