"""Cloud Storage: uploads users' own photographs, and lets workers see each other."""

from sightline.gcp.storage.client import StoragePlace, first_bytes, open_storage
from sightline.gcp.storage.peers import BucketPeers
from sightline.gcp.storage.upload import Upload, UploadReport, upload_files
from sightline.gcp.storage.uri import BucketPrefix, bucket_and_name

__all__ = [
    "BucketPeers",
    "BucketPrefix",
    "StoragePlace",
    "Upload",
    "UploadReport",
    "bucket_and_name",
    "first_bytes",
    "open_storage",
    "upload_files",
]
