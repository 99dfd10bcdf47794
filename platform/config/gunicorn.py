"""gunicorn's settings: `gunicorn --config python:config.gunicorn config.wsgi`."""

from config.env import WEB_THREADS, read_env

_web = read_env().web

bind = f"[{_web.host}]:{_web.port}" if ":" in _web.host else f"{_web.host}:{_web.port}"
workers = _web.workers
threads = WEB_THREADS
worker_class = "config.web_server.BufferingWorker"
graceful_timeout = 20
# Of a process whose loop of connections stands still; a thread may take as long as it has to.
timeout = 15
control_socket_disable = True
