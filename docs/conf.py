"""The site: `make docs` builds it from these sources, the package, its tests and its notes."""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "_ext"), str(ROOT)]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

project = "refsgm"
author = "The refsgm developers"
copyright = author                                      # noqa: A001, Sphinx's name
html_title = "refsgm"
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx_copybutton",
              "sphinx_design", "pages", "reference", "derivation", "mathematics", "code_lines"]
exclude_patterns = ["_build", "_ext", "sg_*", "gallery/sg_*",
                    *(f"gallery/*.{ending}" for ending in ("ipynb", "py", "md5", "json", "zip"))]
nitpicky = True

myst_enable_extensions = ["dollarmath", "colon_fence", "attrs_inline", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# Python's own names are not on the site.
nitpick_ignore_regex = [("py:class", r"(?!refsgm).*"), ("py:obj", r"(?!refsgm).*")]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("fit.js", {"defer": "defer", "priority": 900})]
html_show_sphinx = False
html_copy_source = False
html_use_index = False                                  # the reference is one, in reading order
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5fa5", "color-brand-content": "#0b5fa5",
                            "color-brand-visited": "#0b5fa5"},
    "dark_css_variables": {"color-brand-primary": "#7cc4ff", "color-brand-content": "#7cc4ff",
                           "color-brand-visited": "#7cc4ff"},
}
pygments_style = "default"
pygments_dark_style = "github-dark"
copybutton_prompt_is_regexp = True
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_exclude = ".linenos, .gp, .go"

html_math_renderer = "svg"                              # _ext/mathematics.py

if list((ROOT / "examples").glob("GALLERY_HEADER.*")) or list((ROOT / "examples").glob("README.*")):
    extensions.append("sphinx_gallery.gen_gallery")
    sphinx_gallery_conf = {
        "examples_dirs": "../examples",
        "gallery_dirs": "gallery",
        "filename_pattern": r"\.py$",
        "within_subsection_order": "FileNameSortKey",
        "download_all_examples": False,
        "show_signature": False,
        "image_srcset": ["2x"],
        "parallel": 2,
        "abort_on_example_error": True,
        "write_computation_times": False,
        "capture_repr": (),                         # pictures and what is printed, nothing else
    }

