"""Hooks for schemathesis: no request of Scripts/fuzz-api waits, or follows events without end."""

from typing import Any

import schemathesis


@schemathesis.hook  # type: ignore[misc,unused-ignore]
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Shortens waits that are in range, and asks for JSON."""
    for holder in (case.query, case.body):
        if isinstance(holder, dict):
            wait = holder.get("wait")
            if isinstance(wait, (int, float)) and not isinstance(wait, bool) and 0 < wait <= 60:
                holder["wait"] = 0.01
            elif isinstance(wait, str):
                try:
                    if 0 < float(wait) <= 60:
                        holder["wait"] = "0.01"
                except ValueError:
                    pass
    case.headers["Accept"] = "application/json"
