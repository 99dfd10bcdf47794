"""The only door from workers to models: ids in, frozen values out."""
