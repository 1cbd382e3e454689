"""The API's documentation page, made from its OpenAPI document; it loads nothing from outside."""

from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: the API</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="base.css">
<link rel="stylesheet" href="docs.css">
</head>
<body>
<main>
<p class="kicker"><a href="./">{title}</a> {version}</p>
<h1>The API</h1>
{about}
<pre><code>curl --data-binary @digits.jpg {address}api/read</code></pre>
{routes}
<footer>For programs: <a href="openapi.json">openapi.json</a></footer>
</main>
</body>
</html>
"""


def docs_page(document: dict[str, Any], address: str) -> str:
    """Return an OpenAPI 3.1 document as an HTML page.

    Args:
        document: the OpenAPI document.
        address: of the server, ending in ``/``.
    """
    info = document["info"]
    routes = [
        _route(method.upper(), path, operation, document)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    about = "".join(f"<p>{_marked(part)}</p>" for part in info["description"].split("\n\n"))
    title, version = escape(info["title"]), escape(info["version"])
    return _PAGE.format(
        title=title, version=version, about=about, address=escape(address), routes="\n".join(routes)
    )


def _route(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    parts = [
        f'<h2><span class="method">{method}</span> <code>{escape(path)}</code></h2>',
        f"<p>{_marked(operation['summary'])}.</p>",
    ]
    if "requestBody" in operation:
        body = operation["requestBody"]
        parts.append(_table("Body", [(", ".join(body["content"]), body["description"])]))
    if "parameters" in operation:
        parts.append(_table("Query", [_parameter(one) for one in operation["parameters"]]))
    parts.append(
        _table(
            "Answers", [(s, r["description"]) for s, r in sorted(operation["responses"].items())]
        )
    )
    fields = _fields(operation["responses"]["200"], document)
    if fields:
        parts.append(_table("In the answer", fields))
    return f"<section>{''.join(parts)}</section>"


def _parameter(parameter: dict[str, Any]) -> tuple[str, str]:
    schema = parameter["schema"]
    repeatable = ", repeatable" if schema.get("type") == "array" else ""
    return f"{parameter['name']}{repeatable}", parameter.get("description", "")


def _fields(response: dict[str, Any], document: dict[str, Any]) -> list[tuple[str, str]]:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    schema = schema.get("items", schema)
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return [
        (name, field.get("description", "")) for name, field in schema.get("properties", {}).items()
    ]


def _table(caption: str, rows: list[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{_marked(text)}</td></tr>'
        for name, text in rows
    )
    return (
        f'<div class="wide"><table><caption>{caption}</caption><tbody>{lines}</tbody></table></div>'
    )


def _marked(text: str) -> str:
    """Return HTML of text in which backquotes mark code."""
    parts = escape(text, quote=False).split("`")
    return "".join(
        f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)
    )
