"""Documents of IAM: policies, trusts, the catalogue of roles, their judgement."""
