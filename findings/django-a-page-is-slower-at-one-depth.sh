#!/bin/sh
# Django on CPython: the same template takes several times its time when it is rendered from one depth of calls.
#
# Guess: how deep the call lies from which a page is rendered adds nanoseconds, the same at each depth.
# Seen:  at one depth in about 130 a loop of 2,000 hits takes 4 to 8 times the median. CPython 3.11 to 3.13
#        keeps the frames of calls in pieces of 16 KiB and unmaps a piece when its first frame ends: a loop at
#        the end of a piece has the kernel map and clear a new one for every call.
# So:    config/frames.py has a request begin with one large piece.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check django==5.2.19
venv/bin/python - <<'PY'
import platform
import statistics
import time

import django
from django.conf import settings
from django.template import Context, Engine

settings.configure()
django.setup()
page = Engine().from_string("{% for hit in hits %}{{ hit.title }} {{ hit.score }}{% endfor %}")
context = Context({"hits": [{"title": "a", "score": 1}] * 2000})


def rendered_ms(depth: int) -> float:
    if depth:
        return rendered_ms(depth - 1)
    began = time.perf_counter()
    page.render(context)
    return 1000 * (time.perf_counter() - began)


rendered_ms(0)
# The least of three: what else the machine does is no depth's.
times = {depth: min(rendered_ms(depth) for _ in range(3)) for depth in range(1, 200)}
median = statistics.median(times.values())
worst = max(times, key=times.__getitem__)
print(f"Python {platform.python_version()}, Django {django.__version__}: median of 199 depths {median:.1f} ms,")
print(f"at a depth of {worst} {times[worst]:.1f} ms, {times[worst] / median:.1f} times as long")
assert times[worst] > 2 * median
PY
