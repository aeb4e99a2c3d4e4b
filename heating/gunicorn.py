"""gunicorn's own settings. Threads, not processes, carry the load: pages wait for PostgreSQL, not for the processor."""

import gc
import os

worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
preload_app = True
max_requests = 20_000
max_requests_jitter = 2_000
timeout = 60
graceful_timeout = 10
keepalive = 5
limit_request_line = 8190
accesslog = "-" if os.environ.get("ACCESS_LOG") else None
# Addresses carry search words; the log keeps the path only.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'
errorlog = "-"
loglevel = "warning"
proc_name = "heating-web"


def post_fork(server, worker):
    """What was loaded before the fork is garbage to nobody: leaving it out makes collections short."""
    gc.freeze()
