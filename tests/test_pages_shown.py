"""Which numbers a page must show: those of its prose and captions, not those of examples."""

import nbformat

from lembas.pages_shown import _text_of, without_examples

PAGE = """\
````{grid} 2
```{table} Caption.
:name: tab-a

| a |
|---|
| {glue:text}`one` |
```
{glue:text}`two`
````

```python
glue("x", 1)  # {glue:text}`example`
```

~~~text
```{note}
{glue:text}`shown as it is`
```
~~~

{glue:text}`three`
"""


def test_directives_are_prose_and_other_fences_are_examples() -> None:
    kept = without_examples(PAGE)
    assert [word for word in ("one", "two", "three") if f"`{word}`" in kept] == [
        "one",
        "two",
        "three",
    ]
    assert "example" not in kept
    assert "shown as it is" not in kept


def test_captions_of_cells_are_prose() -> None:
    cell = nbformat.v4.new_code_cell("draw()")
    assert _text_of(cell) == ""
    cell.metadata["mystnb"] = {"figure": {"name": "fig-a", "caption": "{glue:text}`n` genes."}}
    assert _text_of(cell) == "{glue:text}`n` genes."
    assert _text_of(nbformat.v4.new_markdown_cell("Prose.")) == "Prose."
