"""Two ways to bill a month beside each other: by rule before it is so, by line once it was."""
