#!/usr/bin/env python3
"""Makes a site of many small blobs: many.py FOLDER NAMES. Each name is an image of 8 layers, so 10 blobs."""

import hashlib
import json
import os
import sys

INDEX, MANIFEST = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
CONFIG, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"


def put(site, media_type, content):
    digest = hashlib.sha256(content).hexdigest()
    with open(f"{site}/blobs/sha256/{digest}", "wb") as file:
        file.write(content)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(content)}


def main():
    site, names = sys.argv[1], int(sys.argv[2])
    os.makedirs(site + "/blobs/sha256")
    entries = []
    for i in range(names):
        config = put(site, CONFIG, json.dumps({"i": i}).encode())
        layers = [put(site, LAYER, f"layer {i} {n}".encode()) for n in range(8)]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        name = {"org.opencontainers.image.ref.name": f"registry.example/team{i % 500}/app:{i}"}
        entries.append(put(site, MANIFEST, json.dumps(manifest).encode()) | {"annotations": name})
    for name, content in {
        "index.json": {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries},
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "site.json": {"format": "https://sealift.dev/site/v1"},
    }.items():
        with open(f"{site}/{name}", "w") as file:
            json.dump(content, file)


main()
