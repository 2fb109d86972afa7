"""Mathematics as pictures that are made when the site is built: a page needs no program for it.

MathJax, which sphinx-mathjax-offline brings, runs here in V8 (mini-racer). A formula becomes an SVG
whose letters are references, and the letters of a page are at its top, once.
"""

import importlib.util
import json
import pathlib
import re
from html import escape

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.util import logging

MATHJAX = pathlib.Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
PARTS = ("core", "adaptors/liteDOM", "input/tex-base", "input/tex/extensions/ams", "output/svg",
         "output/svg/fonts/tex")
START = """
    const adaptor = MathJax._.adaptors.liteAdaptor.liteAdaptor();
    MathJax._.handlers.html_ts.RegisterHTMLHandler(adaptor);
    const svg = new MathJax._.output.svg_ts.SVG(
        {fontCache: "global", font: new MathJax._.output.svg.fonts.tex_ts.TeXFont()});
    const tex = new MathJax._.input.tex_ts.TeX({packages: ["base", "ams"]});
    const page = MathJax._.mathjax.mathjax.document("", {InputJax: tex, OutputJax: svg});
    const typeset = (source, display) => adaptor.outerHTML(page.convert(source, {display}));
    const letters = () => adaptor.outerHTML(svg.fontCache.getCache());
    0"""
UNUSED = re.compile(r' (?:data-[\w-]+|xmlns(?::xlink)?|focusable|role|jax|class)="[^"]*"|xlink:')
logger = logging.getLogger(__name__)


def typeset(app, doctree, docname):
    """Every formula of a page as HTML, in node["html"]; a screen reader reads its source."""
    formulas = list(doctree.findall(lambda node: isinstance(node, nodes.math | nodes.math_block)))
    if not formulas or app.builder.format != "html":
        return
    with MiniRacer() as engine:
        for part in PARTS:
            engine.eval((MATHJAX / "static" / "mathjax" / f"{part}.js").read_text() + ";0")
        engine.eval(START)
        for node in formulas:
            source, display = node.astext(), isinstance(node, nodes.math_block)
            html = engine.eval(f"typeset({json.dumps(source)}, {json.dumps(display)})")
            for wrong in re.findall(r'data-mjx-error="([^"]*)"', html):
                logger.warning(f"{wrong} in the formula {source}", location=node)
            label = f'<mjx-container role="img" aria-label="{escape(source)}"'
            node["html"] = UNUSED.sub("", html).replace("<mjx-container", label, 1)
        letters = UNUSED.sub("", engine.eval("letters()"))
    doctree.insert(0, nodes.raw("", f'<svg class="letters">{letters}</svg>', format="html"))


def written(tag):
    """The visitor of a formula, inside an element of this name."""
    def visit(translator, node):
        translator.body.append(f'<{tag} class="math">{node["html"]}</{tag}>')
        raise nodes.SkipNode
    return visit, None


def setup(app):
    app.add_html_math_renderer("svg", written("span"), written("div"))
    app.connect("doctree-resolved", typeset)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
