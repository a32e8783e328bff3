"""Owns what the pretend AWS sells: products, usage types, units, rates and regions."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.bills.amounts import units


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing AWS meters. Rates and typical usage are decimal text."""

    product_code: str
    product_name: str
    family: str
    usage_type: str
    operation: str
    unit: str
    rate: str
    usage: str
    """Typical usage in an hour; a whole number for instances."""
    instance_type: str = ""
    blended_rate: str = ""

    @property
    def usage_micro(self) -> int:
        return units(self.usage) // 10**4


REGIONS: tuple[tuple[str, str], ...] = (
    ("us-east-1", ""),
    ("eu-west-1", "EU-"),
    ("eu-central-1", "EUC1-"),
    ("us-west-2", "USW2-"),
    ("ap-northeast-1", "APN1-"),
    ("eu-west-2", "EUW2-"),
    ("ap-southeast-2", "APS2-"),
    ("sa-east-1", "SAE1-"),
)
"""Region and the prefix of its usage types."""

INSTANCES: tuple[Offer, ...] = tuple(
    Offer(
        "AmazonEC2", "Amazon Elastic Compute Cloud", "Compute Instance", f"BoxUsage:{size}",
        "RunInstances", "Hrs", rate, "1", size,
    )
    for size, rate in (
        ("t3.micro", "0.0104"),
        ("m5.large", "0.096"),
        ("c6i.2xlarge", "0.34"),
        ("r6g.4xlarge", "0.8064"),
        ("m7g.xlarge", "0.1632"),
    )
)  # fmt: skip

_DATABASE = ("Amazon Relational Database Service", "Database Instance")
_REQUESTS = "API Request"

OFFERS: tuple[Offer, ...] = (
    *INSTANCES,
    Offer("AmazonEC2", "Amazon Elastic Compute Cloud", "Storage", "EBS:VolumeUsage.gp3",
          "CreateVolume-Gp3", "GB-Mo", "0.08", "0.138888"),
    Offer("AmazonEC2", "Amazon Elastic Compute Cloud", "NAT Gateway", "NatGateway-Bytes",
          "NatGateway", "GB", "0.045", "3.127401"),
    Offer("AmazonRDS", *_DATABASE, "InstanceUsage:db.r6g.large", "CreateDBInstance:0014", "Hrs",
          "0.225", "1", "db.r6g.large"),
    Offer("AmazonS3", "Amazon Simple Storage Service", "Storage", "TimedStorage-ByteHrs",
          "StandardStorage", "GB-Mo", "0.023", "1.733210", blended_rate="0.0225"),
    Offer("AmazonS3", "Amazon Simple Storage Service", _REQUESTS, "Requests-Tier2", "GetObject",
          "Requests", "0.0000004", "12"),
    Offer("AWSLambda", "AWS Lambda", "Serverless", "Lambda-GB-Second", "Invoke", "Lambda-GB-Second",
          "0.0000166667", "41.203125"),
    Offer("AWSLambda", "AWS Lambda", "Serverless", "Request", "Invoke", "Requests", "0.0000002",
          "7"),
    Offer("AmazonCloudWatch", "AmazonCloudWatch", "Metric", "CW:MetricMonitorUsage",
          "MetricStorage", "Metrics", "0.3", "0.001344", blended_rate="0.2873"),
    Offer("AmazonDynamoDB", "Amazon DynamoDB", "Amazon DynamoDB PayPerRequest",
          "ReadRequestUnits", "PayPerRequestThroughput", "ReadRequestUnits", "0.00000025", "5120"),
    Offer("AWSDataTransfer", "AWS Data Transfer", "Data Transfer", "DataTransfer-Out-Bytes",
          "RunInstances", "GB", "0.09", "0.734117", blended_rate="0.0871"),
    Offer("AmazonCloudFront", "Amazon CloudFront", "Data Transfer", "EU-DataTransfer-Out-Bytes",
          "GET", "GB", "0.085", "2.118203"),
    Offer("awswaf", "AWS WAF", "Web Application Firewall", "WebACL", "CreateWebACL", "WebACLs",
          "5", "0.001344"),
    Offer("AmazonEKS", "Amazon Elastic Container Service for Kubernetes", "Compute",
          "AmazonEKS-Hours:perCluster", "CreateOperation", "Hours", "0.1", "1"),
    Offer("AmazonRoute53", "Amazon Route 53", "DNS Query", "DNS-Queries", "A", "Queries",
          "0.0000004", "901"),
    Offer("AmazonLightsail", "Amazon Lightsail", "Lightsail Instance", "BundleUsage:0.5GB",
          "RunInstances", "Hrs", "0.0047043011", "1"),
    Offer("awskms", "AWS Key Management Service", "Encryption Key", "KMS-Requests", "Decrypt",
          "Requests", "0.000003", "44"),
    Offer("AWSSecretsManager", "AWS Secrets Manager", "Secret", "AWSSecretsManager-Secrets",
          "", "Secrets", "0.4", "0.006720"),
    Offer("AmazonVPC", "Amazon Virtual Private Cloud", "VpcEndpoint", "VpcEndpoint-Hours",
          "VpcEndpoint", "Hrs", "0.01", "2"),
    Offer("AmazonKinesis", "Amazon Kinesis", "Kinesis Streams", "Storage-ShardHour",
          "shardHourStorage", "ShardHour", "0.015", "4"),
    Offer("AmazonSNS", "Amazon Simple Notification Service", "Message Delivery",
          "DeliveryAttempts-HTTP", "", "Notifications", "0.0000006", "3"),
    Offer("AmazonAthena", "Amazon Athena", "Athena Queries", "DataScannedInTB", "ExecuteQuery",
          "Terabytes", "5", "0.000217"),
    Offer("AmazonBedrock", "Amazon Bedrock", "Amazon Bedrock", "Claude4Sonnet-input-tokens",
          "InvokeModelInference", "1K tokens", "0.003", "18.327"),
)  # fmt: skip

_MINOR_PRODUCTS = (
    "AWSQueueService AmazonECR AmazonGuardDuty AWSSystemsManager AWSConfig AWSCloudTrail "
    "AmazonES AmazonElastiCache AmazonEFS AWSBackup AWSGlue AmazonMSK AmazonMQ AmazonSES "
    "AWSEvents AmazonStates AmazonCognito AWSAppSync AmazonApiGateway AmazonInspectorV2 "
    "AWSSecurityHub AmazonMacie AWSTransfer AmazonFSx AmazonRedshift AmazonSageMaker "
    "AmazonTextract AmazonPolly AWSIoT AmazonQuickSight AWSXRay AWSCodeBuild"
).split()

MINOR_OFFERS: tuple[Offer, ...] = tuple(
    Offer(code, code, _REQUESTS, f"{code}-Requests", "Request", "Requests",
          f"0.0000{number + 1:02}25", str(3 + number))
    for number, code in enumerate(_MINOR_PRODUCTS)
)  # fmt: skip

FREE = Offer("AWSLambda", "AWS Lambda", "Serverless", "Lambda-GB-Second", "Invoke",
             "Lambda-GB-Second", "0", "55.5")  # fmt: skip

TINY = Offer("AmazonS3", "Amazon Simple Storage Service", _REQUESTS, "StorageLens-ObjCount",
             "StorageLens", "Objects", "0.0000000032", "4")  # fmt: skip
"""An hour of it costs about 1.28E-8 dollars, and is written so."""
