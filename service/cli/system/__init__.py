"""The commands of the installation itself: its database, configuration, server and workers."""
