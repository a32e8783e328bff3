"""Owns boto3: the only place that calls AWS; it knows nothing of ours."""
