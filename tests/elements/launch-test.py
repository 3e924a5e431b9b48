#!/usr/bin/env python3
"""Runs the gst-launch line of a doc block: what we print must work."""
import os
import re
import subprocess
import sys

source, plugin_dir = sys.argv[1:]
text = open(source).read()
lines = re.search(r"\|\[\n(.*?)\]\|", text, re.S).group(1)
command = re.sub(r"^ \*", "", lines, flags=re.M).replace("\n", " ").split()
os.environ["GST_PLUGIN_PATH"] = plugin_dir
result = subprocess.run(command, timeout=20, capture_output=True, text=True)
print(result.stdout, result.stderr)
sys.exit(result.returncode or "Got EOS from element" not in result.stdout)
