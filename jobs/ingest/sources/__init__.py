"""Where the files of the current delivery lie."""
