"""Owns what clients call AWS services: the common codes by name, any other from its code."""

import re
from collections.abc import Mapping

SERVICE_NAMES: Mapping[str, str] = {
    "AWSBackup": "AWS Backup",
    "AWSCloudTrail": "AWS CloudTrail",
    "AWSCodeBuild": "AWS CodeBuild",
    "AWSConfig": "AWS Config",
    "AWSDataTransfer": "AWS Data Transfer",
    "AWSDirectConnect": "AWS Direct Connect",
    "AWSELB": "Elastic Load Balancing",
    "AWSEvents": "Amazon EventBridge",
    "AWSGlue": "AWS Glue",
    "AWSLambda": "AWS Lambda",
    "AWSQueueService": "Amazon Simple Queue Service",
    "AWSSecretsManager": "AWS Secrets Manager",
    "AWSSecurityHub": "AWS Security Hub",
    "AWSSupportBusiness": "AWS Support (Business)",
    "AWSSupportBusinessPlus": "AWS Support (Business+)",
    "AWSSupportDeveloper": "AWS Support (Developer)",
    "AWSSupportEnterprise": "AWS Support (Enterprise)",
    "AWSSupportPartnerLed": "AWS Support (Partner-Led)",
    "AWSSupportUnifiedOperations": "AWS Support (Unified Operations)",
    "AWSXRay": "AWS X-Ray",
    "AmazonApiGateway": "Amazon API Gateway",
    "AmazonAthena": "Amazon Athena",
    "AmazonBedrock": "Amazon Bedrock",
    "AmazonCloudFront": "Amazon CloudFront",
    "AmazonCloudWatch": "Amazon CloudWatch",
    "AmazonCognito": "Amazon Cognito",
    "AmazonDynamoDB": "Amazon DynamoDB",
    "AmazonEC2": "Amazon Elastic Compute Cloud",
    "AmazonECR": "Amazon Elastic Container Registry",
    "AmazonECS": "Amazon Elastic Container Service",
    "AmazonEFS": "Amazon Elastic File System",
    "AmazonEKS": "Amazon Elastic Kubernetes Service",
    "AmazonES": "Amazon OpenSearch Service",
    "AmazonElastiCache": "Amazon ElastiCache",
    "AmazonFSx": "Amazon FSx",
    "AmazonGuardDuty": "Amazon GuardDuty",
    "AmazonInspectorV2": "Amazon Inspector",
    "AmazonKinesis": "Amazon Kinesis",
    "AmazonKinesisFirehose": "Amazon Data Firehose",
    "AmazonMSK": "Amazon Managed Streaming for Apache Kafka",
    "AmazonRDS": "Amazon Relational Database Service",
    "AmazonRedshift": "Amazon Redshift",
    "AmazonRegistrar": "Amazon Registrar",
    "AmazonRoute53": "Amazon Route 53",
    "AmazonS3": "Amazon Simple Storage Service",
    "AmazonS3GlacierDeepArchive": "Amazon S3 Glacier Deep Archive",
    "AmazonSES": "Amazon Simple Email Service",
    "AmazonSNS": "Amazon Simple Notification Service",
    "AmazonSageMaker": "Amazon SageMaker",
    "AmazonStates": "AWS Step Functions",
    "AmazonVPC": "Amazon Virtual Private Cloud",
    "AmazonWorkSpaces": "Amazon WorkSpaces",
    "ComputeSavingsPlans": "AWS Savings Plans (compute)",
    "ElasticMapReduce": "Amazon EMR",
    "OCBPremiumSupport": "AWS Support",
    "awskms": "AWS Key Management Service",
    "awswaf": "AWS WAF",
}


_PREFIXED = re.compile(r"(Amazon|AWS)([A-Z].*)")


def service_name(service: str, billing_entity: str = "") -> str:
    """`AmazonMacie` is unknown here and becomes `Amazon Macie`; Marketplace codes say nothing."""
    if billing_entity:
        return billing_entity
    if service in SERVICE_NAMES:
        return SERVICE_NAMES[service]
    prefixed = _PREFIXED.fullmatch(service)
    return f"{prefixed[1]} {prefixed[2]}" if prefixed else service
