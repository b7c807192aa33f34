"""The headers of every response, which tell the browser what the page may do."""

from __future__ import annotations

from collections.abc import Sequence


def security_headers(tile_origins: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers; the page may also connect to ``tile_origins``, where map tiles are."""
    elsewhere = "".join(f" {origin}" for origin in tile_origins)
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data: blob:{elsewhere}",
        "connect-src": f"'self'{elsewhere}",
        "worker-src": "'self' blob:",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
