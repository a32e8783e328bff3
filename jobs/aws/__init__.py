"""Owns boto3: the only door to AWS, thin, knowing nothing of ours."""
