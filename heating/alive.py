"""Whether the web process of this container answers: its health check. Run as a file, without Django: it must be quick and ask nobody else."""

import http.client
import os
import sys


def is_alive(port: int) -> bool:
    """Any answer but a fault counts: a redirect to HTTPS comes from a living process too."""
    # By a name that the portal knows, or its log would fill with refusals.
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        line.request("GET", "/livez", headers={"Host": name if name not in ("", "*") else "127.0.0.1", "X-Forwarded-Proto": "https"})
        return line.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


if __name__ == "__main__":
    sys.exit(0 if is_alive(int(sys.argv[1]) if len(sys.argv) > 1 else 8000) else 1)
