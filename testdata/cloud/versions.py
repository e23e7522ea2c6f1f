#!/usr/bin/env python3
"""Turns the first version's folder into another version: versions.py v1|v2|v3|patch FOLDER. See README.md."""

import re
import sys
from pathlib import Path


def replace(text, old, new):
    if old not in text:
        raise SystemExit(f"versions.py: the template no longer says {old!r}")
    return text.replace(old, new)


def main():
    version, folder = sys.argv[1], Path(sys.argv[2])
    file = folder / "sealift.yaml"
    text = file.read_text()
    if version in ("v2", "v3"):
        number = {"v2": "2.0.0", "v3": "3.0.0"}[version]
        text = replace(text, 'version: "1.0.0"', f'version: "{number}"')
        text = replace(text, "alias: First", "alias: Second" if version == "v2" else "alias: Third")
        for service in ("catalog", "orders"):
            text = text.replace(f"{service}:1.0.0", f"{service}:{number}")
        text = replace(text, '{ name: LOG_LEVEL, value: "info" }', '{ name: LOG_LEVEL, value: "warn" }')
        text = replace(text, '      - { name: OLD_SWITCH, value: "on" }\n', '      - { name: NEW_SWITCH, value: "on" }\n')
        text = replace(text, "    replicas: 2 # gateway", "    replicas: 3 # gateway")
        text = replace(text, "# more components\n", (
            "  - name: payments\n"
            "    image: registry.example/cloud/payments:2.0.0\n"
            "    dependsOn: [auth]\n"
            "    ports: [{ name: http, port: 8080 }]\n"
            "    probes: { readiness: { http: { port: http, path: / }, periodSeconds: 1 } }\n"))
        text = replace(text, "# more images\n", (
            "  - name: registry.example/cloud/payments:2.0.0\n    from: oci:images:payments:2.0.0\n"))
        config = folder / "config/gateway.conf"
        config.write_text(replace(config.read_text(), "timeout = 10", "timeout = 30"))
    elif version == "patch":
        text = replace(text, 'version: "1.0.0"', 'version: "2.0.1"')
        text = replace(text, "  # completes\n", (
            "  completes:\n    version: \"2.0.0\"\n    digest: sha256:" + "0" * 64 + "\n"))
        # The catalog alone: everything else comes from 2.0.0.
        head, rest = text.split("\nimages:\n", 1)
        catalog = re.search(r"\n  - name: catalog\n(?:    .*\n)+", rest).group(0)
        text = head + (
            "\nimages:\n  - name: registry.example/cloud/catalog:2.0.1\n    from: oci:images:catalog:2.0.1\n"
            "\ncomponents:" + catalog.replace("catalog:1.0.0", "catalog:2.0.1"))
        for path in ("config", "k8s"):
            for document in (folder / path).iterdir():
                document.unlink()
            (folder / path).rmdir()
    text = text.replace("# more components\n", "").replace("# more images\n", "").replace("  # completes\n", "")
    file.write_text(text)


main()
