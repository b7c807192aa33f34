"""Cloud Storage: photographs of one's own go to a bucket, and one of them can be looked at."""

from sightline.gcp.storage.client import StoragePlace, first_bytes, open_storage
from sightline.gcp.storage.upload import Upload, UploadReport, upload_files
from sightline.gcp.storage.uri import BucketPrefix, bucket_and_name

__all__ = [
    "BucketPrefix",
    "StoragePlace",
    "Upload",
    "UploadReport",
    "bucket_and_name",
    "first_bytes",
    "open_storage",
    "upload_files",
]
