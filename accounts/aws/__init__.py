"""What is asked of AWS, what its answers mean, and what its refusals mean."""
