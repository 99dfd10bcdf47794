from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = _("Catalogue")

    def ready(self) -> None:
        """Have the triggers of the text search make way for migrations, and come back."""
        from catalog import text_search

        pre_migrate.connect(text_search.make_way, sender=self)
        post_migrate.connect(text_search.come_back, sender=self)
