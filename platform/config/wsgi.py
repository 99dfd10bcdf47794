"""The web process: `gunicorn config.wsgi` with `platform/` on the path."""

import os

from django.core.wsgi import get_wsgi_application

from config.frames import with_room_for_frames

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = with_room_for_frames(get_wsgi_application())
