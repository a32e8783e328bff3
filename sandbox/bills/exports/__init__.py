"""Writes a bill the way AWS delivers it: columns, files, manifests and keys."""
