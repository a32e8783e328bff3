"""The commands of a month: figures, documents, estimates."""
