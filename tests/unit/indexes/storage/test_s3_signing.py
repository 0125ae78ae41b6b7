from __future__ import annotations

from datetime import UTC, datetime

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from indexes.storage.s3_signing import Signer

# The example "GET Bucket (List Objects)" of AWS's documentation of Signature Version 4 for S3.
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SIGNATURE = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
NOW = datetime(2013, 5, 24, tzinfo=UTC)


def test_the_published_example_is_signed_as_published():
    signer = Signer(access_key_id=KEY, secret_access_key=SECRET, region="us-east-1")
    url, headers = signer.sign(
        "https://examplebucket.s3.amazonaws.com/", {"prefix": "J", "max-keys": "2"}, now=NOW
    )
    assert url == "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J"
    assert headers["x-amz-date"] == "20130524T000000Z"
    assert headers["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={SIGNATURE}"
    )
    assert SECRET not in repr(signer)


def test_what_a_query_holds_is_encoded_and_signed_as_botocore_signs_it():
    query = {"list-type": "2", "prefix": "désk/a b+c&d=e~/", "continuation-token": "1/x+y=="}
    signer = Signer(access_key_id=KEY, secret_access_key=SECRET, region="eu-west-1")
    url, headers = signer.sign("http://127.0.0.1:9000/bucket", query, now=NOW)
    signed = {name: text for name, text in headers.items() if name not in ("host", "authorization")}
    request = AWSRequest(method="GET", url=url, headers=signed)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials(KEY, SECRET), "s3", "eu-west-1")
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert headers["authorization"].endswith(f"Signature={auth.signature(text, request)}")
