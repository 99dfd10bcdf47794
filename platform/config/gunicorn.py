"""gunicorn's settings: `gunicorn --config python:config.gunicorn config.wsgi`."""

from config.env import WEB_THREADS, read_env

_web = read_env().web

bind = f"[{_web.host}]:{_web.port}" if ":" in _web.host else f"{_web.host}:{_web.port}"
workers = _web.workers
threads = WEB_THREADS
worker_class = "config.web_server.BufferingWorker"
graceful_timeout = 20
control_socket_disable = True
