"""What every page of the site shares over HTTP: errors as answers, and who may look."""
