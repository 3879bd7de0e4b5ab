"""How Sphinx builds the site: `python3 dev.py doc` (warnings are errors, in CI too)."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_extensions")]

project = "pytensor"
author = "the pytensor founders"
extensions = ["myst_parser", "sphinx.ext.mathjax", "sphinx.ext.viewcode", "reference_pages"]
exclude_patterns = ["_build", "_extensions"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
# A page may name a file of the repository: shown as its path, not looked for on the site.
suppress_warnings = ["myst.xref_missing"]
default_role = "code"
add_module_names = False
nitpicky = False

html_theme = "furo"
html_title = "pytensor"
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f6f8b", "color-brand-content": "#1f6f8b"},
    "dark_css_variables": {"color-brand-primary": "#6fc3df", "color-brand-content": "#6fc3df"},
}
pygments_style = "friendly"
