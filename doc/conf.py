"""Sphinx settings; the pages are the Markdown files here plus those that generate.py writes."""

import json
import pathlib

project = "Ganeti in Python"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px"}
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
man_pages = []  # filled by generate.py through man_pages.json

_pages = pathlib.Path(__file__).with_name("man_pages.json")
if _pages.exists():
    man_pages = [tuple(page) for page in json.loads(_pages.read_text())]
