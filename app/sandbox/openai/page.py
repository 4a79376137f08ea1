"""The front page: what this is, and what it is not."""

from __future__ import annotations

from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simulated OpenAI</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.6 system-ui, sans-serif;
  max-width: 42rem; margin: 4rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin-bottom: .25rem; }}
p.what {{ margin-top: 0; opacity: .75; }}
table {{ border-collapse: collapse; width: 100%; margin: 1.5rem 0; }}
th, td {{ text-align: left; padding: .4rem .6rem; border-bottom: 1px solid; }}
th {{ font-weight: 600; }}
code {{ font-family: ui-monospace, monospace; }}
</style>
</head>
<body>
<h1>Simulated OpenAI</h1>
<p class="what">Runs on this machine. No model thinks here: answers are put together from what
was sent. Its keys are made up.</p>
<p>{requests} requests answered, {active} under way.</p>
<table>
<tr><th>Endpoint</th><th>Answers</th></tr>
<tr><td><code>POST /v1/responses</code></td><td>streamed or whole</td></tr>
<tr><td><code>GET /v1/models</code></td><td>the models below</td></tr>
</table>
<table>
<tr><th>Model</th><th>Shuts down</th></tr>
{models}
</table>
</body>
</html>
"""


def page(models: dict[str, str | None], requests: int, active: int) -> str:
    """The page as HTML, without scripts."""
    rows = "\n".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(ends or 'not announced')}</td></tr>"
        for name, ends in models.items()
    )
    return _PAGE.format(requests=requests, active=active, models=rows)
