"""The derivation page: MATHNOTES.md with code, test and number beside each tagged equation.

A tagged paragraph becomes an {equation} directive; roles make links of tags and functions.
"""

import re

import sources
from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

SHORT = 9                    # a test of so few lines is shown, a longer one waits for a click
BESIDE = """Beside each equation you find the function that is the equation, as it is in the
package; a small example, computed when this page was built; and the tests that fail if the function
is wrong. The name of a function is a link to its place in the reference, and a tag in the reference
leads back here.

"""
logger = logging.getLogger(__name__)


def tag_link(tag):
    """A link to the equation with this tag, from any page."""
    link = addnodes.pending_xref("", refdomain="std", reftype="ref", refexplicit=True,
                                 reftarget=tag.lower(), refwarn=True)
    link += nodes.inline(text=f"[{tag}]", classes=["tag"])
    return link


class Tag(SphinxRole):
    """{tag}`DSM-1`"""

    def run(self):
        return [tag_link(self.text)], []


def spread(text):
    """Notes as MyST wants them: equations on lines of their own, tags and functions as links."""
    text = re.sub(r"^\$\$ ?(.*?)\$\$$", r"\n$$\n\1\n$$\n", text, flags=re.MULTILINE | re.DOTALL)
    text = sources.TAG.sub(r"{tag}`\1`", text)

    def link(name):
        return f"{{py:obj}}`{name[1]} <{sources.find(name[1])[1]}>`"

    def links(line):
        return re.sub(r"`(\w+)`", link, line[0])
    return re.sub(r"\*Code:\*(?:[^.]|\.\w)*\.", links, text)


def read(app, docname, content):
    if docname.startswith("gallery/"):             # text begins at the margin there, code does not
        lines = content[0].split("\n")
        content[0] = "\n".join(line if line.startswith(" ") else sources.TAG.sub(r":tag:`\1`", line)
                               for line in lines)
    if docname != "derivation":
        return
    text, page, last = sources.notes(), "", 0
    for tag, (start, end) in sources.blocks().items():
        page += spread(text[last:start])
        page += f"\n::::{{equation}} {tag}\n{spread(text[start:end])}\n::::\n"
        last = end
    page += spread(text[last:])
    content[0] = page.replace("\n## ", f"\n{contents(text)}\n\n## ", 1)


def contents(text):
    """What is on the page, and the sections of the notes with links to their equations."""
    rows = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = part.split("\n")[0]
        slug = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        tags = re.findall(r"^\*\*\[([A-Z]+-\d+)\]\*\*", part, re.MULTILINE)
        rows.append(f"- [{heading}](#{slug}) " + " ".join(f"{{tag}}`{tag}`" for tag in tags))
    return BESIDE + "\n".join(rows)


class Equation(SphinxDirective):
    """The paragraph of one tag; beside it the function, a number, and the tests."""

    required_arguments = 1
    has_content = True

    def run(self):
        tag = self.arguments[0]
        target = nodes.target("", "", names=[tag.lower()])
        self.state.document.note_explicit_target(target)
        words = nodes.container(classes=["words"])
        self.state.nested_parse(self.content, self.content_offset, words)
        beside = nodes.container(classes=["beside"])
        for part in (self.code, self.number, self.guards):
            beside += part(tag)
        return [target, nodes.container("", words, beside, classes=["equation"], tag=tag)]

    def code(self, tag):
        return [nodes.container("", self.caption(public, f"{file}, line {line}"),
                                nodes.literal_block(source, source, language="python"),
                                classes=["code"])
                for public, file, line, source in sources.code(tag)]

    def caption(self, public, place):
        link = nodes.literal(text=public)
        if not public.rpartition(".")[2].startswith("_"):      # the reference has public names
            xref = addnodes.pending_xref("", refdomain="py", reftype="obj", refexplicit=True,
                                         reftarget=public, refwarn=True)
            xref += link
            link = xref
        return nodes.paragraph("", "", link, nodes.inline(text=f" {place}", classes=["place"]),
                               classes=["caption"])

    def number(self, tag):
        text, wrong = sources.number(tag)
        for each in wrong or ([] if text else [f"{tag} has no number"]):
            logger.warning(each, location=self.get_location())
        return nodes.container(
            "", nodes.paragraph(text="computed when this page was built", classes=["caption"]),
            nodes.literal_block(text, text, language="pycon"), classes=["number"])

    def guards(self, tag):
        guards = sources.tests(tag)
        if not guards:
            logger.warning(f"{tag} has no test", location=self.get_location())
        box, shown = nodes.container(classes=["guards"]), 3
        for i, (file, name, source) in enumerate(guards):
            if i == shown:
                more = len(guards) - shown
                box += nodes.raw("", f'<details class="more"><summary>{more} more</summary>',
                                 format="html")
            is_open = " open" if i == 0 and source.count("\n") < SHORT else ""
            law = name.removeprefix("test_").replace("_", " ")
            box += nodes.raw("", f'<details class="test"{is_open}><summary>test: {law}'
                                 f' <span class="place">{file}</span></summary>', format="html")
            box += nodes.literal_block(source, source, language="python")
            box += nodes.raw("", "</details>", format="html")
        if len(guards) > shown:
            box += nodes.raw("", "</details>", format="html")
        return box


def outdated(app, env, added, changed, removed):
    """What the page shows is code, so it is always made again."""
    return ["derivation"]


def style(app, pagename, templatename, context, doctree):
    if pagename == "derivation":
        app.add_css_file("derivation.css")


def setup(app):
    app.connect("source-read", read, priority=300)
    app.connect("html-page-context", style)
    app.connect("env-get-outdated", outdated)
    app.add_directive("equation", Equation)
    app.add_role("tag", Tag())
    return {"parallel_read_safe": True}
