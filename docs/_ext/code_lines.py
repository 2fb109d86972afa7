"""Lines of code that fit: one that is wider than its box goes on below, four letters further in.

A line knows its own indentation, in letters; site.css does the rest. Names and punctuation have no
colour and need no element: without theirs a page has half as many.
"""

import re
from html import unescape

BLOCK = re.compile(r'(<div class="highlight-(?:python3?|pycon|default|ipython3?|shell|sh)\b[^>]*>'
                   r'<div class="highlight"><pre>)(.*?)(</pre>)', re.DOTALL)
PLAIN = re.compile(r'<span class="(?:n|p|o|w)">([^<]*)</span>')


def line(html):
    """A line in an element of its own, which ends with the line's end: so it can be copied."""
    text = unescape(re.sub("<[^>]*>", "", html))
    indent = len(re.match(r"(?:>>> |\.\.\. )? *", text)[0])
    html = PLAIN.sub(r"\1", html)
    return f'<span class="line" style="--indent:{indent}ch">{html}</span>'


def wrap(app, pagename, templatename, context, doctree):
    def block(match):
        lines = [line(html) for html in match[2].splitlines(keepends=True)]
        return match[1] + "".join(lines) + match[3]
    if doctree is not None:                            # a page of the site, not a list of modules
        context["body"] = BLOCK.sub(block, context["body"])


def setup(app):
    app.connect("html-page-context", wrap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
