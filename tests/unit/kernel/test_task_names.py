"""What tasks are called on the wire, written out: web and workers of two releases run together."""

from kernel import task_names


def test_tasks_are_called_as_other_releases_call_them() -> None:
    assert task_names.QUEUES == {
        "workers.describe_query": "query",
        "workers.find_copies": "query",
        "workers.embed_words": "query",
        "workers.compare_regions": "query",
        "workers.warm_up": "query",
        "workers.index_images": "bulk",
        "workers.delete_images": "maintenance",
        "workers.update_payloads": "maintenance",
        "workers.edit_images": "maintenance",
        "workers.run_import": "maintenance",
        "workers.export_images": "bulk",
        "workers.check_copies": "maintenance",
        "workers.check_watches": "maintenance",
    }
    assert task_names.EXTRACT_QUERY == "workers.describe_query"
