"""Pages that are other files: the notes, the changelog; and lists of pages that may not be there.

    <!-- page: ../CHANGELOG.md -->             this line becomes the text of that file
    {pages}                                    a toctree of those of its entries that exist;
                                               with :rest: also of every page that no list names
"""

import pathlib
import posixpath
import re

import sources
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.directives.other import TocTree

PAGE = re.compile(r"^<!-- page: (\S+) -->$", re.MULTILINE)
LINK = re.compile(r"\[([^\]\[]+)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
ROOT_PAGES = {"MATHNOTES.md": "derivation", "CHANGELOG.md": "changelog", "README.md": "index",
              "CONTRIBUTING.md": "contributing"}
LISTED = re.compile(r"^```\{(?:toctree|pages)\}.*?^```", re.MULTILINE | re.DOTALL)


def relinked(text, folder, docs):
    """Links to files of the repository lead to their pages; what has no page is named as code."""
    def link(match):
        words, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join(folder, target))
        if path in ROOT_PAGES:
            return f"[{words}](/{ROOT_PAGES[path]}.md{anchor})"
        inside = path.removeprefix("docs/")
        if path != inside and (docs / inside).exists():
            return f"[{words}](/{inside}{anchor})"
        example = re.fullmatch(r"examples/(\w+)\.py", path)
        if example and (docs / "gallery" / f"{example[1]}.rst").exists():
            return f"[{words}](/gallery/{example[1]}.rst)"
        return f"`{words.strip('`')}`"
    return LINK.sub(link, text)


def read(app, docname, content):
    docs = pathlib.Path(app.srcdir)
    if not (docs / f"{docname}.md").exists():
        return

    def page(match):
        path = (docs / docname).parent.joinpath(match[1]).resolve()
        text = path.read_text()
        app.env.note_dependency(str(path))
        return relinked(text, path.parent.relative_to(sources.ROOT).as_posix(), docs)

    text = relinked(content[0], posixpath.join("docs", posixpath.dirname(docname)), docs)
    content[0] = PAGE.sub(page, text)


def entries(lines):
    """The pages that the lines of a toctree name: {page: line}."""
    return {re.sub(r".*<(.*)>$", r"\1", line.strip()): line for line in lines}


class Pages(TocTree):
    """A toctree of those of its entries that exist."""

    option_spec = {**TocTree.option_spec, "rest": directives.flag}

    def run(self):
        there = self.env.found_docs
        kept = [line for page, line in entries(self.content).items() if page in there]
        if "rest" in self.options:
            text = pathlib.Path(self.env.doc2path("index")).read_text()
            listed = {page for block in LISTED.findall(text) for page in entries(block.split("\n"))}
            kept += sorted(page for page in there
                           if "/" not in page and page not in listed | {"index"})
        self.content = StringList(kept, source=self.env.docname)
        return super().run() if kept else []


def outdated(app, env, added, changed, removed):
    """The page with the lists is read again when there are other pages."""
    return ["index"] if added or removed else []


def setup(app):
    app.connect("source-read", read, priority=400)
    app.connect("env-get-outdated", outdated)
    app.add_directive("pages", Pages)
    return {"parallel_read_safe": True}
