"""The online shell: the store, the API, the command line."""
