"""A report as one page of HTML that needs no other file: words, a table, pictures with captions."""

import base64
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --back: #fff; --rule: #d5d9de; --faint: #555c64; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6e9; --back: #16181b; --rule: #3a3f45; --faint: #a8afb7; } }
body { font: 17px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--back);
       max-width: 56rem; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.4rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 1.2rem 0.35rem 0; border-bottom: 1px solid var(--rule);
         text-align: right; }
th:first-child, td:first-child { text-align: left; }
thead th { color: var(--faint); font-weight: 600; font-size: 0.9rem; }
figure { margin: 1rem 0; } img { max-width: 100%; background: #fff; border-radius: 6px; }
figcaption, .faint { color: var(--faint); font-size: 0.95rem; }
.wide { overflow-x: auto; }
"""


def page(title, summary, columns, rows, figures, notes=()):
    """The page as text.

    title    what the report is about
    summary  a sentence or two
    columns  headings of the table; rows of texts below them
    figures  [(heading, picture as the bytes of a .png, caption: what to see)]
    notes    sentences below the table
    """
    def cells(texts, tag):
        return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)

    table = "\n".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    paragraphs = "\n".join(f'<p class="faint">{escape(note)}</p>' for note in notes)
    pictures = "\n".join(
        f'<h2>{escape(heading)}</h2>\n<figure><img alt="{escape(heading)}" src="data:image/png;'
        f'base64,{base64.b64encode(png).decode()}">\n'
        f'<figcaption>{escape(caption)}</figcaption></figure>' for heading, png, caption in figures)
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(summary)}</p>
<div class="wide"><table>
<thead><tr>{cells(columns, 'th')}</tr></thead>
<tbody>
{table}
</tbody></table></div>
{paragraphs}
{pictures}
</body>
</html>"""
