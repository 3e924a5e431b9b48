#!/usr/bin/env python3
"""Checks the includes of src/ against the table in src/README.md.

A row of the table is `| module | modules it may include | libraries |`. A file of src/<module>/ may include
its own headers, mixroom/<module>.h, the public headers of the modules in its row, GLib and GStreamer's core,
and the libraries in its row. Test programs beside the code (*-test.c) may include GStreamer's check library too.
"""
import pathlib
import re
import sys

EVERYWHERE = re.compile(r"^(glib|gio|gobject|gmodule|sys|netinet|arpa|net|linux)/|^glib|^(gst/gst\.h|gst/base/)"
                        r"|^(std\w+|string|errno|math|unistd|signal|limits|locale|fcntl|poll|time|inttypes|ctype|"
                        r"ifaddrs|netdb|assert|immintrin|cpuid|pthread|dlfcn|sched)\.h$")
PART_OF = {"limits": "base"}
LIBRARIES = {
    "gst-rtp": r"^gst/rtp/", "gst-sdp": r"^gst/sdp/", "gst-app": r"^gst/app/", "gst-audio": r"^gst/audio/",
    "gst-video": r"^gst/video/", "gst-net": r"^gst/net/", "nice": r"^(nice/)?(agent|address|nice|debug|candidate)\.h$|^nice/", "openssl": r"^openssl/",
    "srtp2": r"^srtp2?/", "soup": r"^libsoup/", "sqlite3": r"^sqlite3\.h$", "gst-pbutils": r"^gst/pbutils/", "json-glib": r"^json-glib/", "libyuv": r"^libyuv",
    "libavcodec": r"^libavcodec/", "ebur128": r"^ebur128\.h$", "opus": r"^opus\.h$", "pango": r"^(pango|cairo)",
}


def table(readme):
    rows = {}
    for line in readme.read_text().splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) >= 3:
            words = lambda cell: set(re.findall(r"`([\w-]+)`", cell))
            rows[cells[0].strip("`")] = (words(cells[1]), words(cells[2]))
    return rows


def main():
    root = pathlib.Path(sys.argv[1])
    rows = table(root / "src" / "README.md")
    bad = []
    modules = {p.name for p in (root / "src").iterdir() if p.is_dir()}
    for missing in sorted(modules - rows.keys()):
        bad.append(f"src/README.md: no row for module {missing}")
    files = [(p, p.parent.name) for p in (root / "src").glob("*/*.[ch]")]
    files += [(p, PART_OF.get(p.stem, p.stem)) for p in (root / "include" / "mixroom").glob("*.h")]
    for path, module in sorted(files):
        may, libraries = rows.get(module, (set(), set()))
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+([<"])([^">]+)[">]', line)
            if not match:
                continue
            name = match.group(2)
            where = f"{path.relative_to(root)}:{number}"
            if name.startswith("mixroom/"):
                other = PART_OF.get(name[len("mixroom/"):-2], name[len("mixroom/"):-2])
                if other != module and other not in may:
                    bad.append(f"{where}: {module} may not include {name}")
            elif (path.parent / name).is_file() or EVERYWHERE.match(name):
                continue
            elif path.name.endswith("-test.c") and (name.startswith("gst/check/") or "-test" in name):
                continue
            elif not any(re.match(LIBRARIES[lib], name) for lib in libraries if lib in LIBRARIES):
                bad.append(f"{where}: {module} may not include <{name}>")
    print("\n".join(bad) or f"{len(files)} files keep to the table")
    return bool(bad)


sys.exit(main())
