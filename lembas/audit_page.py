"""The report before any fit as one page of HTML that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from lembas.audit_report import in_words, summary

# Colours are pairs for light and dark; a table becomes a stack of cards on a narrow screen.
STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --page: #ffffff; --soft: #57606a;
  --line: #d0d7de; --ok: #1a7f37; --note: #0550ae; --warning: #9a3412; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --page: #0d1117; --soft: #9da7b3;
  --line: #30363d; --ok: #4ac26b; --note: #79b8ff; --warning: #ffa657; } }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; color: var(--ink); background: var(--page);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.2; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p.about { color: var(--soft); } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } td.number { font-variant-numeric: tabular-nums; }
th, td.number, td.ok, td.note, td.warning { white-space: nowrap; }
.ok { color: var(--ok); } .note { color: var(--note); } .warning { color: var(--warning); }
.ok, .note, .warning { font-weight: 600; }
@media (max-width: 640px) { thead { display: none; }
  table, tbody, tr, td { display: block; } tr { border-bottom: 1px solid var(--line);
  padding: .5rem 0; } td { border: 0; padding: .1rem 0; }
  td:empty { display: none; } td::before { content: attr(data-label) " "; color: var(--soft); } }
"""


def as_html(found: Mapping[str, Any]) -> str:
    """Write the document of :func:`lembas.audit_report.document` as a page.

    Every text is escaped: names come from files that others wrote. The page asks for nothing from
    the network and runs no script.
    """
    title = f"Check of {found['study']}"
    simulated = " Simulated data." if found["simulated"] else ""
    audit = ("verdict", "check", "finding", "count", "examples")
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="about">{escape(found["origin"])}; values in {escape(found["unit"])}; inputs '
        f"that a cohort lacks are filled by {escape(found['fill'])}.{simulated}</p>",
        f"<p><strong>{escape(summary(found))}</strong></p>",
    ]
    for topic, heading in (("leakage", "Leakage"), ("quality", "Quality")):
        rows = [row for row in found["audit"] if row["topic"] == topic]
        body.append(_table(heading, audit, rows))
    parts = ("cohort", "part", "samples", "known_series", "imputed_inputs", "missing_targets")
    body += [
        _table("Samples", parts, found["samples"]),
        _table("Genes", ("cohort", "role", "measured", "missing"), found["genes"]),
        _table("Network", ("item", "stage", "count"), found["network"]["coverage"]),
        f"<p>{escape(in_words(found['network']))}</p>",
        _table("Left out", ("role", "reason", "genes", "examples"), found["excluded"]),
    ]
    return _page(title, body)


def _page(title: str, body: Iterable[str]) -> str:
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>",
            *body,
            "</main></body></html>\n",
        ]
    )


def _table(heading: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return f"<h2>{escape(heading)}</h2><p>None.</p>"
    labels = [name.replace("_", " ") for name in columns]
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    lines = [
        "".join(_cell(label, row[name]) for label, name in zip(labels, columns, strict=True))
        for row in rows
    ]
    inner = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f"<h2>{escape(heading)}</h2>\n<table><thead><tr>{head}</tr></thead>"
        f"<tbody>\n{inner}\n</tbody></table>"
    )


def _cell(label: str, value: Any) -> str:
    place = f'data-label="{escape(label)}"'
    if isinstance(value, int):
        return f'<td {place} class="number">{value:,}</td>'
    if label == "verdict":
        return f'<td {place} class="{escape(value)}">{escape(value)}</td>'
    text = (
        ", ".join(value) if isinstance(value, list) else str("unknown" if value is None else value)
    )
    return f"<td {place}>{escape(text)}</td>"
