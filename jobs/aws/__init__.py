"""The only boto3; thin, typed, knows nothing of ours."""
