"""Stands in for the `aws` plugin: resources by boto3 against the region's API, with the semantics of pulumi-aws 7."""
